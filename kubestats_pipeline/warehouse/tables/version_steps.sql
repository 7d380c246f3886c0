-- One row per repository, commit, and step of a resolved chart from one version to another, in scope: upgrades and rollbacks.
-- Releases that take the same step in the same commit, such as all that follow one OCIRepository, are one row. A first installation is no
-- step, nor is a change of the chart itself, nor the return of a release that was deleted.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- chart_name: chart
-- chart_url: canonical location of the chart
-- changed_at: committer time of the commit
-- commit_sha: the commit
-- author_kind: human, renovate, dependabot, flux or other_bot
-- from_version: version before, without a leading v
-- to_version: version after, without a leading v
-- direction: upgrade, downgrade, same (1.0 and 1.0.0, or another variant), or unknown where one of them has no order (a range, a digest, another scheme)
-- level: major, minor, patch, prerelease or revision: the first place in which they differ, or null where the direction is unknown
-- is_rollback: a downgrade to a version that one of these releases had run before
-- releases: releases that took the step, each once for each application and cluster that runs it
-- days_held: days for which the releases had run from_version, the longest of them
-- is_lower_bound: the log begins while one of them ran it, so that it ran at least so long
-- skipped: final versions between the two that had been seen by then and were jumped over, in order. Empty for downgrades
WITH releases_run AS (
    SELECT *, plain_version(coalesce(version_tag, version)) AS plain FROM use_spans WHERE is_release
),
runs AS (
    SELECT
        *,
        lag(plain) OVER own AS plain_before,
        lag(valid_to) OVER own AS held_until,
        lag(chart_name) OVER own AS chart_before, lag(chart_url) OVER own AS url_before, lag(is_resolved AND in_scope AND is_release) OVER own AS counted_before
    FROM releases_run
    WINDOW own AS (PARTITION BY repository_id, use_id ORDER BY sequence, valid_from)
),
-- A span also ends for other reasons: what counts is the time since the version began.
begun AS (
    SELECT
        *,
        plain IS DISTINCT FROM plain_before OR chart_name IS DISTINCT FROM chart_before OR chart_url IS DISTINCT FROM url_before
        OR held_until IS DISTINCT FROM valid_from AS is_new,
        held_until = valid_from AND counted_before AND in_scope AND is_resolved AND chart_name = chart_before
        AND chart_url IS NOT DISTINCT FROM url_before AND plain <> plain_before AS is_step
    FROM runs
),
held AS (
    SELECT
        *,
        lag(valid_from) OVER own AS held_since,
        lag(is_first_snapshot) OVER own AS is_held_longer,
        row_number() OVER (PARTITION BY repository_id, use_id, chart_name, chart_url, plain ORDER BY sequence, valid_from) > 1 AS was_run_before
    FROM begun
    WHERE is_new
    WINDOW own AS (PARTITION BY repository_id, use_id ORDER BY sequence, valid_from)
),
steps AS (
    SELECT
        repository_id,
        any_value(full_name) AS full_name,
        chart_name,
        chart_url,
        min(valid_from) AS changed_at,
        commit_sha,
        any_value(author_kind) AS author_kind,
        plain_before AS from_version,
        plain AS to_version,
        bool_or(was_run_before) AS was_run_before,
        count(DISTINCT use_id) AS releases,
        max(date_diff('second', held_since, valid_from)) / 86400 AS days_held,
        bool_or(is_held_longer) AS is_lower_bound
    FROM held
    WHERE is_step
    GROUP BY repository_id, chart_name, chart_url, commit_sha, plain_before, plain
),
-- A step is judged once, however many take it.
taken AS (
    SELECT any_value(from_version) AS from_version, any_value(to_version) AS to_version
    FROM steps
    GROUP BY steps.from_version, steps.to_version
),
judged AS (
    SELECT from_version, to_version, version_direction(from_version, to_version) AS direction, version_level(from_version, to_version) AS level
    FROM taken
),
placed AS (
    SELECT
        repository_id, full_name, steps.chart_name, steps.chart_url, changed_at, commit_sha, author_kind, from_version, to_version, direction, level,
        direction = 'downgrade' AND was_run_before AS is_rollback, releases, days_held, steps.is_lower_bound,
        before.place AS from_place, after.place AS to_place, after.scheme
    FROM steps
    JOIN judged USING (from_version, to_version)
    LEFT JOIN version_sightings AS before
        ON before.chart_name = steps.chart_name AND before.chart_url IS NOT DISTINCT FROM steps.chart_url AND before.version = from_version
    LEFT JOIN version_sightings AS after
        ON after.chart_name = steps.chart_name AND after.chart_url IS NOT DISTINCT FROM steps.chart_url AND after.version = to_version
),
jumped AS (
    SELECT
        placed.repository_id, placed.chart_name, placed.chart_url, commit_sha, from_version, to_version,
        list(between_them.version ORDER BY between_them.place) AS skipped
    FROM placed
    JOIN version_sightings AS between_them
        ON between_them.chart_name = placed.chart_name
        AND between_them.chart_url IS NOT DISTINCT FROM placed.chart_url
        AND between_them.scheme = placed.scheme
        AND between_them.place > from_place
        AND between_them.place < to_place
        AND between_them.first_seen_at <= changed_at
    WHERE direction = 'upgrade' AND to_place - from_place > 1 AND between_them.is_final AND between_them.version_kind = 'exact'
    GROUP BY ALL
)
SELECT placed.* EXCLUDE (from_place, to_place, scheme), coalesce(skipped, []) AS skipped
FROM placed
LEFT JOIN jumped
    ON jumped.repository_id = placed.repository_id
    AND jumped.chart_name = placed.chart_name
    AND jumped.chart_url IS NOT DISTINCT FROM placed.chart_url
    AND jumped.commit_sha = placed.commit_sha
    AND jumped.from_version = placed.from_version
    AND jumped.to_version = placed.to_version
ORDER BY placed.repository_id, placed.chart_name, placed.chart_url, placed.changed_at, placed.commit_sha, placed.from_version, placed.to_version
