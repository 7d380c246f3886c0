-- Steps from one version to another of what watched_spans holds, one row per repository, commit, subject and pair of versions.
-- parameter what: rolled_back (down to a version that it ran before), new_major (the first to come to a major version, in one
-- repository each step to one), or changed (any)
-- parameter kind: chart, app, image or repository
WITH runs AS (
    SELECT *, plain_version(version) AS plain, plain_version(lag(version) OVER own) AS plain_before, lag(valid_to) OVER own AS held_until
    FROM watched_spans
    WINDOW own AS (PARTITION BY repository_id, use_id, subject, address ORDER BY sequence, valid_from)
),
ordered AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY repository_id, use_id, subject, address, plain ORDER BY sequence, valid_from) > 1 AS was_run_before
    FROM runs
),
steps AS (
    SELECT
        repository_id, commit_sha, subject, address, plain_before AS version_before, plain AS version_after, min(valid_from) AS changed_at,
        count(DISTINCT use_id) AS uses, version_direction(version_before, version_after) AS direction,
        version_level(version_before, version_after) AS level, direction = 'downgrade' AND bool_or(was_run_before) AS is_rollback
    FROM ordered
    WHERE held_until = valid_from AND plain <> plain_before
    GROUP BY repository_id, commit_sha, subject, address, plain_before, plain
),
majors AS (
    SELECT *, version_order(version_after).major AS major
    FROM steps
    WHERE level = 'major' AND direction = 'upgrade' AND NOT coalesce(is_prerelease(version_parts(version_after).rest), FALSE)
)
SELECT
    CASE WHEN is_rollback THEN 'rolled_back' ELSE 'changed' END AS change, repository_id, commit_sha, changed_at, subject, address, version_before,
    version_after, uses, NULL::BIGINT AS major
FROM steps
WHERE $what = 'changed' OR ($what = 'rolled_back' AND is_rollback)
UNION ALL
SELECT if($kind = 'repository', 'new_major', 'first_major'), repository_id, commit_sha, changed_at, subject, address, version_before, version_after, uses, major
FROM majors
WHERE $what = 'new_major'
QUALIFY $kind = 'repository' OR row_number() OVER (PARTITION BY subject, address, major ORDER BY changed_at, repository_id, commit_sha, version_after) = 1
