-- One row per reason for which releases that run, in scope, could not be resolved, or files could not be read: what to improve first.
-- area: resolution (of a release's chart) or reading (of a file)
-- problem: ambiguous or unresolved, or the class of the file's problem
-- reason: why a reference is ambiguous or unresolved, the names in it left out, or null for files
-- repositories: repositories with it
-- occurrences: releases, or files
SELECT
    'resolution' AS area,
    resolution AS problem,
    regexp_replace(regexp_replace(resolution_reason, '^(\w+) \S+ is', '\1 … is'), ' (in namespace|declared) .*', ' \1 …') AS reason,
    count(DISTINCT repository_id) AS repositories,
    count(*) AS occurrences
FROM releases
WHERE in_scope AND NOT is_resolved
GROUP BY ALL
UNION ALL
SELECT 'reading', problem, NULL, count(DISTINCT repository_id), count(*)
FROM scan_problems
LEFT JOIN repositories USING (repository_id)
WHERE coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE)
GROUP BY ALL
