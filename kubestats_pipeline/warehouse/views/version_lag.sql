-- One row per release that runs now, in scope: how far its version is behind the newest that anybody was seen to run of the same chart.
-- What is known is what the watched repositories ran: a version that none of them took yet makes nobody late.
-- resource_id: the release
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- name: name of the release
-- app_name: application that it runs
-- chart_name: chart, or null for releases whose repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- version: version as written, or null where none is
-- lag_status: current, behind, or why that is unknown: unresolved (the chart), no version, range, name, digest, placeholder
-- newest_version: the newest final version seen of the chart
-- majors_behind: major versions (in calver: years) behind newest_version
-- minors_behind: minor versions behind the newest seen of its own major version
-- patches_behind: patches behind the newest seen of its own minor version
-- versions_behind: final versions above it that were seen
-- superseded_at: committer time at which the first of those was seen
SELECT
    spans.resource_id,
    spans.repository_id,
    spans.full_name,
    spans.name,
    spans.app_name,
    spans.chart_name,
    spans.chart_url,
    spans.version,
    CASE
        WHEN NOT spans.is_resolved THEN 'unresolved'
        WHEN spans.version IS NULL THEN 'no version'
        WHEN version_kind IS NULL THEN version_class(spans.version)
        WHEN versions_behind = 0 THEN 'current'
        ELSE 'behind'
    END AS lag_status,
    newest_version,
    majors_behind,
    minors_behind,
    patches_behind,
    versions_behind,
    superseded_at
FROM resource_spans AS spans
LEFT JOIN version_sightings AS sightings
    ON sightings.chart_name = spans.chart_name
    AND sightings.chart_url IS NOT DISTINCT FROM spans.chart_url
    AND sightings.version = plain_version(spans.version)
    AND spans.is_resolved
WHERE spans.valid_to IS NULL AND spans.is_release AND spans.in_scope
