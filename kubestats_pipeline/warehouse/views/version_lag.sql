-- One row per release that runs now, in scope, once for each application and cluster: how far its version is behind the newest that anybody was seen to run of the same chart.
-- What is known is what the watched repositories ran: a version that none of them took yet makes nobody late.
-- use_id: applied_id, or resource_id where the repository does not tell what is applied
-- resource_id: the document, or null for what a generator makes
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- cluster: the root from which it is reached, or null where the repository does not tell
-- name: name of the release
-- app_name: application that it runs
-- chart_name: chart, or null for releases whose repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- version: version as written, or null where none is
-- version_tag: tag beside the digest that is its version, or null. It is what counts here
-- lag_status: current, behind, or why that is unknown: unresolved (the chart), no version, range, name, digest, placeholder
-- newest_version: the newest final version seen of the chart
-- majors_behind: major versions (in calver: years) behind newest_version
-- minors_behind: minor versions behind the newest seen of its own major version
-- patches_behind: patches behind the newest seen of its own minor version
-- versions_behind: final versions above it that were seen
-- superseded_at: committer time at which the first of those was seen
SELECT
    releases.use_id,
    releases.resource_id,
    releases.repository_id,
    releases.full_name,
    releases.cluster,
    releases.name,
    releases.app_name,
    releases.chart_name,
    releases.chart_url,
    releases.version,
    releases.version_tag,
    CASE
        WHEN NOT releases.is_resolved THEN 'unresolved'
        WHEN releases.version IS NULL THEN 'no version'
        WHEN version_kind IS NULL THEN version_class(releases.version)
        WHEN versions_behind = 0 THEN 'current'
        ELSE 'behind'
    END AS lag_status,
    newest_version,
    majors_behind,
    minors_behind,
    patches_behind,
    versions_behind,
    superseded_at
FROM releases
LEFT JOIN version_sightings AS sightings
    ON sightings.chart_name = releases.chart_name
    AND sightings.chart_url IS NOT DISTINCT FROM releases.chart_url
    AND sightings.version = plain_version(coalesce(releases.version_tag, releases.version))
    AND releases.is_resolved
WHERE releases.in_scope
