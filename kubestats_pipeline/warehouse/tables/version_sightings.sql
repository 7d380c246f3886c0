-- One row per resolved chart and version that ever ran somewhere in scope: when it was first seen, and how far it is behind the newest seen.
-- Versions alone have a row: ranges, names such as latest, digests and placeholders have none (function version_class), but of a digest with a
-- tag the tag has one. 1.2.3 and v1.2.3 are one. Newer means newer in order, not in time. Only final versions with all their numbers make others old, pre-releases and 10.0 do not.
-- chart_name: chart
-- chart_url: canonical location of the chart
-- version: version without a leading v
-- version_kind: exact or partial (1.2 in a HelmRelease is the newest 1.2.x)
-- scheme: semver, calver or serial, after the word before the number. Versions of two schemes are not compared
-- is_final: it is neither a pre-release nor, as 1.2.3-x, one to Helm
-- place: its place in the order of the chart's versions of this scheme, from 1
-- first_seen_at: committer time at which it was first seen anywhere
-- is_lower_bound: the log in which it was first seen begins with it, so that it is older than first_seen_at
-- first_seen_in: the repository in which it was first seen
-- last_seen_at: committer time at which the last one left it, or null while somebody runs it
-- repositories_ever: repositories that ever ran it
-- repositories_now: repositories that run it now
-- newest_version: the newest final version seen of the chart, or null where none was
-- majors_behind: major versions (in calver: years) behind newest_version
-- minors_behind: minor versions (in calver: months) behind the newest seen of its own major version
-- patches_behind: patches behind the newest seen of its own minor version, or null for partial, which follows them
-- versions_behind: final versions above it that were seen
-- superseded_at: committer time at which the first of those was seen, or null where none was
-- superseded_is_lower_bound: the log in which that one was first seen begins with it, so that it was superseded at least since then. Null where none was
WITH uses AS (
    SELECT
        chart_name, chart_url, plain_version(coalesce(version_tag, version)) AS plain, repository_id, full_name, valid_from, valid_to, is_first_snapshot
    FROM use_spans
    WHERE is_release AND is_resolved AND in_scope AND chart_name IS NOT NULL AND version IS NOT NULL
),
sightings AS (
    SELECT
        chart_name,
        chart_url,
        plain,
        min(valid_from) AS first_seen_at,
        arg_min({'bound': is_first_snapshot, 'name': full_name}, (valid_from, full_name)) AS first,
        CASE WHEN bool_and(valid_to IS NOT NULL) THEN max(valid_to) END AS last_seen_at,
        count(DISTINCT repository_id) AS repositories_ever,
        count(DISTINCT repository_id) FILTER (WHERE valid_to IS NULL) AS repositories_now
    FROM uses
    GROUP BY chart_name, chart_url, plain
),
ordered AS (
    SELECT *, version_order(plain) AS key, version_class(plain) AS kind, version_scheme(plain) AS scheme
    FROM sightings
    WHERE version_class(plain) IN ('exact', 'partial')
),
judged AS (
    SELECT
        *,
        key.is_final AND NOT starts_with(version_variant(plain).words, '-') AS is_final,
        kind = 'exact' AND is_final AS counts
    FROM ordered
),
compared AS (
    SELECT
        *,
        dense_rank() OVER (PARTITION BY chart_name, chart_url, scheme ORDER BY key) AS place,
        max(key) FILTER (WHERE counts) OVER (PARTITION BY chart_name, chart_url, scheme) AS newest,
        arg_max(plain, key) FILTER (WHERE counts) OVER (PARTITION BY chart_name, chart_url, scheme) AS newest_version,
        max(key.minor) FILTER (WHERE counts) OVER (PARTITION BY chart_name, chart_url, scheme, key.major) AS newest_minor,
        max(key.patch) FILTER (WHERE counts) OVER (PARTITION BY chart_name, chart_url, scheme, key.major, key.minor) AS newest_patch,
        count(*) FILTER (WHERE counts) OVER above AS versions_behind,
        min(first_seen_at) FILTER (WHERE counts) OVER above AS superseded_at,
        arg_min(first.bound, (first_seen_at, NOT first.bound)) FILTER (WHERE counts) OVER above AS superseded_is_lower_bound
    FROM judged
    WINDOW above AS (
        PARTITION BY chart_name, chart_url, scheme ORDER BY key DESC GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)
SELECT
    chart_name,
    chart_url,
    plain AS version,
    kind AS version_kind,
    scheme,
    is_final,
    place,
    first_seen_at,
    first.bound AS is_lower_bound,
    first.name AS first_seen_in,
    last_seen_at,
    repositories_ever,
    repositories_now,
    newest_version,
    greatest(newest.major - key.major, 0) AS majors_behind,
    greatest(coalesce(newest_minor, key.minor) - key.minor, 0) AS minors_behind,
    CASE WHEN kind = 'exact' THEN greatest(coalesce(newest_patch, key.patch) - key.patch, 0) END AS patches_behind,
    versions_behind,
    superseded_at,
    superseded_is_lower_bound
FROM compared
ORDER BY chart_name, chart_url, scheme, place, version
