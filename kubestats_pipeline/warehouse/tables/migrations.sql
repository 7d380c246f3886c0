-- One row per repository and migration that it could make or made: from which, to which, since when, and what is left. In scope only.
-- The waves: "HelmRepository to OCIRepository" (Flux sources), "Ingress to Gateway API" (Ingress against HTTPRoute and its like, as resources
-- or in the inline values of a HelmRelease), "API version" (a resource that got another version of its API group), "chart source" (a release
-- that takes the chart of the same name from another address). The first two have a row for every repository that has, or had, either side.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- wave: one of the four
-- subject: what migrates: group/kind for an API version, the chart's name for a chart source, else empty
-- moved_from: the old: kind, version or address
-- moved_to: the new: kind, version or address
-- started_at: committer time of the first new one, or null while there is none
-- is_left_censored: the new one is older, for it was there with the first commit of the repository's log, or retention took what was before
-- completed_at: committer time at which the last old one went, or null while there are any, or were none
-- watched_days: days for which the repository's log covers it. A migration that was over before is not seen
-- old_left: old ones that exist now
-- new_now: new ones that exist now
-- migration_status: not begun, under way, complete, born new (never had the old), went back (only old ones are left), or over (neither is left: it moved on, or all are gone)
WITH held AS (
    SELECT
        *,
        lag(api_version) OVER own AS api_before,
        lag(exposure) OVER own AS exposure_before,
        lag(chart_name) OVER own AS chart_before,
        lag(chart_url) OVER own AS url_before,
        lag(is_release AND is_resolved AND in_scope) OVER own AS counted_before
    FROM resource_spans
    WHERE in_scope
    WINDOW own AS (PARTITION BY repository_id, resource_id ORDER BY sequence)
),
steps AS (
    SELECT
        repository_id, 'API version' AS wave, ltrim(api_group || '/' || kind, '/') AS subject, api_before AS moved_from, api_version AS moved_to,
        valid_from
    FROM held
    WHERE api_before <> api_version AND began_with = 'MODIFIED'
    UNION ALL
    SELECT repository_id, 'chart source', chart_name, url_before, chart_url, valid_from
    FROM held
    WHERE began_with = 'MODIFIED' AND is_release AND is_resolved AND counted_before AND chart_before = chart_name AND url_before <> chart_url
),
-- Each side of each wave as spans of what counts for it.
sides AS (
    SELECT
        repository_id, 'HelmRepository to OCIRepository' AS wave, '' AS subject, kind AS side, resource_id, valid_from, valid_to, is_first_snapshot
    FROM held
    WHERE api_group = 'source.toolkit.fluxcd.io' AND kind IN ('HelmRepository', 'OCIRepository')
    UNION ALL
    SELECT repository_id, 'Ingress to Gateway API', '', 'Ingress', resource_id, valid_from, valid_to, is_first_snapshot
    FROM held
    WHERE exposure IN ('ingress', 'both')
    UNION ALL
    SELECT
        repository_id, 'Ingress to Gateway API', '', 'Gateway API', resource_id, valid_from, valid_to,
        is_first_snapshot OR coalesce(exposure_before = 'unknown', FALSE)
    FROM held
    WHERE exposure IN ('gateway', 'both')
    UNION ALL
    SELECT repository_id, 'API version', ltrim(api_group || '/' || kind, '/'), api_version, resource_id, valid_from, valid_to, is_first_snapshot
    FROM held
    UNION ALL
    SELECT repository_id, 'chart source', chart_name, chart_url, resource_id, valid_from, valid_to, is_first_snapshot
    FROM held
    WHERE is_release AND is_resolved AND chart_name IS NOT NULL AND chart_url IS NOT NULL
),
known AS (
    SELECT
        repository_id, wave, subject, side, min(valid_from) AS first_at, arg_min(is_first_snapshot, (valid_from, NOT is_first_snapshot)) AS was_first,
        CASE WHEN bool_and(valid_to IS NOT NULL) THEN max(valid_to) END AS gone_at,
        count(DISTINCT resource_id) FILTER (WHERE valid_to IS NULL) AS present
    FROM sides
    GROUP BY ALL
),
pairs AS (
    SELECT repository_id, wave, subject, moved_from, moved_to, min(valid_from) AS moved_at FROM steps GROUP BY ALL
    UNION ALL
    SELECT DISTINCT repository_id, wave, '', split_part(wave, ' to ', 1), split_part(wave, ' to ', 2), NULL::TIMESTAMPTZ
    FROM known
    WHERE contains(wave, ' to ')
),
joined AS (
    SELECT
        pairs.*,
        coalesce(moved_at, new_side.first_at) AS started_at,
        moved_at IS NULL AND coalesce(new_side.was_first, FALSE) AS is_left_censored,
        old_side.first_at IS NOT NULL AS had_old,
        CASE WHEN new_side.first_at IS NOT NULL THEN old_side.gone_at END AS completed_at,
        coalesce(old_side.present, 0) AS old_left,
        coalesce(new_side.present, 0) AS new_now
    FROM pairs
    LEFT JOIN known AS old_side
        ON old_side.repository_id = pairs.repository_id AND old_side.wave = pairs.wave AND old_side.subject = pairs.subject
        AND old_side.side = moved_from
    LEFT JOIN known AS new_side
        ON new_side.repository_id = pairs.repository_id AND new_side.wave = pairs.wave AND new_side.subject = pairs.subject
        AND new_side.side = moved_to
)
SELECT
    repository_id,
    coalesce(repositories.full_name, repository_logs.full_name) AS full_name,
    wave,
    subject,
    moved_from,
    moved_to,
    started_at,
    is_left_censored,
    completed_at,
    days AS watched_days,
    old_left,
    new_now,
    CASE
        WHEN started_at IS NULL THEN CASE WHEN old_left = 0 THEN 'over' ELSE 'not begun' END
        WHEN old_left = 0 AND new_now = 0 THEN 'over'
        WHEN NOT had_old THEN 'born new'
        WHEN old_left = 0 THEN 'complete'
        WHEN new_now = 0 THEN 'went back'
        ELSE 'under way'
    END AS migration_status
FROM joined
JOIN repository_logs USING (repository_id)
LEFT JOIN repositories USING (repository_id)
ORDER BY wave, subject, moved_from, moved_to, full_name
