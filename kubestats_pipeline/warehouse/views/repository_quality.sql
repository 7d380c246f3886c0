-- One row per repository that is neither blocked nor retired: how much of what it declares could be understood.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- releases: releases that exist, in active context, each once for each application and cluster that runs it
-- exact: those whose chart was resolved
-- ambiguous: those whose reference fits several charts
-- unresolved: those whose reference leads nowhere in the repository
-- share_exact: exact of releases, or null where there are none
-- without_version: releases without a version, or with a range, name, digest or placeholder for one
-- problems: files and classes of problems at the scanned commit
-- problems_by_class: problems by class
-- implausible_commits: commits with events whose committer time lies before Kubernetes' first public commit, on 6 June 2014
-- implausible_commit: the first of them in the log, or null
WITH running AS MATERIALIZED (
    SELECT repository_id, resolution, version FROM resource_uses WHERE is_release AND in_scope
),
-- Versions repeat far more often than they differ, and to read one takes long.
read AS (
    SELECT version, version_class(version) AS class FROM (SELECT DISTINCT version FROM running) AS known
),
counted AS (
    SELECT
        repository_id,
        count(*) AS releases,
        count(*) FILTER (WHERE resolution = 'exact') AS exact,
        count(*) FILTER (WHERE resolution = 'ambiguous') AS ambiguous,
        count(*) FILTER (WHERE resolution = 'unresolved') AS unresolved,
        count(*) FILTER (WHERE coalesce(class, 'none') NOT IN ('exact', 'partial')) AS without_version
    FROM running
    LEFT JOIN read USING (version)
    GROUP BY repository_id
),
classes AS (
    SELECT repository_id, problem, count(*) AS files FROM scan_problems GROUP BY repository_id, problem
),
problems AS (
    SELECT repository_id, sum(files)::BIGINT AS problems, map(list(problem ORDER BY problem), list(files ORDER BY problem)) AS problems_by_class
    FROM classes
    GROUP BY repository_id
),
clocks AS (
    SELECT repository_id, count(DISTINCT commit_sha) AS commits, arg_min(commit_sha, sequence) AS first_commit
    FROM resource_events
    WHERE event_timestamp < TIMESTAMPTZ '2014-06-06 00:00:00+00'
    GROUP BY repository_id
)
SELECT
    repository_id,
    full_name,
    coalesce(releases, 0) AS releases,
    coalesce(exact, 0) AS exact,
    coalesce(ambiguous, 0) AS ambiguous,
    coalesce(unresolved, 0) AS unresolved,
    exact / releases AS share_exact,
    coalesce(without_version, 0) AS without_version,
    coalesce(problems, 0) AS problems,
    problems_by_class,
    coalesce(clocks.commits, 0) AS implausible_commits,
    clocks.first_commit AS implausible_commit
FROM repository_status
LEFT JOIN counted USING (repository_id)
LEFT JOIN problems USING (repository_id)
LEFT JOIN clocks USING (repository_id)
WHERE coalesce(repository_status.status NOT IN ('blocked', 'retired'), TRUE)
ORDER BY full_name
