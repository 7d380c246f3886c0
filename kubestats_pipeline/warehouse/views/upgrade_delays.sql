-- One row per repository, chart and version that it upgraded to: how long after the version was first seen anywhere.
-- In scope, resolved charts and versions only. A new installation is not an upgrade. A version counts as first seen when some watched repository
-- ran it, which is later than its publication.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- chart_name: chart
-- chart_url: canonical location of the chart
-- version: version without a leading v
-- level: major, minor, patch, prerelease or revision: what kind of upgrade it was
-- author_kind: who made it: human, renovate, dependabot, flux or other_bot
-- first_seen_at: committer time at which the version was first seen anywhere
-- first_seen_in: the repository in which it was first seen
-- upgraded_at: committer time of the repository's first upgrade to it
-- is_first: this repository was the first
-- is_lower_bound: the version is older than the log in which it was first seen, so that the delay was longer
-- days: days between the two
-- watched_days: days from first_seen_at to reference_at of reference_moment. Who takes longer has not been seen yet
WITH upgrades AS (
    SELECT
        repository_id,
        any_value(full_name) AS full_name,
        chart_name,
        chart_url,
        to_version,
        arg_min({'at': changed_at, 'level': level, 'author': author_kind}, (changed_at, commit_sha)) AS first
    FROM version_steps
    WHERE direction = 'upgrade'
    GROUP BY repository_id, chart_name, chart_url, to_version
)
SELECT
    repository_id,
    upgrades.full_name,
    upgrades.chart_name,
    upgrades.chart_url,
    version,
    first.level AS level,
    first.author AS author_kind,
    first_seen_at,
    first_seen_in,
    first.at AS upgraded_at,
    first_seen_in = upgrades.full_name AND first_seen_at = first.at AS is_first,
    is_lower_bound,
    date_diff('second', first_seen_at, first.at) / 86400 AS days,
    greatest(date_diff('second', first_seen_at, reference_at), 0) / 86400 AS watched_days
FROM upgrades
CROSS JOIN reference_moment
JOIN version_sightings AS sightings
    ON sightings.chart_name = upgrades.chart_name
    AND sightings.chart_url IS NOT DISTINCT FROM upgrades.chart_url
    AND sightings.version = upgrades.to_version
