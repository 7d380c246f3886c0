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
-- is_lower_bound: the log in which it was seen begins with it, so that the release is behind at least since then. Null where it is not behind
-- family_url: the address that stands for the chart's family (chart_families), or null where it could not be resolved
-- newest_version_anywhere: the newest final version seen of the family, at whatever address
-- majors_behind_anywhere: major versions (in calver: years) behind newest_version_anywhere
-- versions_behind_anywhere: final versions of the family above it that were seen
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
        WHEN sightings.versions_behind = 0 THEN 'current'
        ELSE 'behind'
    END AS lag_status,
    sightings.newest_version,
    sightings.majors_behind,
    minors_behind,
    patches_behind,
    sightings.versions_behind,
    sightings.superseded_at,
    sightings.superseded_is_lower_bound AS is_lower_bound,
    families.family_url,
    anywhere.newest_version AS newest_version_anywhere,
    anywhere.majors_behind AS majors_behind_anywhere,
    anywhere.versions_behind AS versions_behind_anywhere
FROM releases
LEFT JOIN version_sightings AS sightings
    ON sightings.chart_name = releases.chart_name
    AND sightings.chart_url IS NOT DISTINCT FROM releases.chart_url
    AND sightings.version = plain_version(coalesce(releases.version_tag, releases.version))
    AND releases.is_resolved
LEFT JOIN chart_families AS families ON families.chart_name = releases.chart_name AND families.chart_url = releases.chart_url
LEFT JOIN family_versions AS anywhere
    ON anywhere.chart_name = releases.chart_name
    AND anywhere.family_url = families.family_url
    AND anywhere.version = plain_version(coalesce(releases.version_tag, releases.version))
WHERE releases.in_scope
