-- One row per chart, app or image of a name: the newest version that anybody was seen to run, in scope: FROM newest('jellyfin'). The name is the
-- whole one or its last part. An app's version is the tag of its main image. Ranges, latest, digests and placeholders are no versions, and
-- pre-releases count only where nothing else was seen. Versions of two schemes are not compared, so each has its row.
-- parameter wanted: name of a chart, an app or an image, or the canonical location of a chart (chart_url)
-- subject: chart, app or image
-- name: its whole name
-- chart_url: canonical location of the chart, or null for apps, images and where it could not be resolved
-- scheme: semver or calver
-- newest_version: the newest version seen, without a leading v
-- repositories: repositories that run that version now
-- all_repositories: repositories that run any version now
-- first_seen_at: committer time at which that version was first seen anywhere
-- is_lower_bound: the log in which it was first seen begins with it, so that it is older than first_seen_at
WITH named AS (
    SELECT 'chart' AS subject, chart_name AS own, chart_url AS place, version AS written, repository_id, valid_from, valid_to, is_first_snapshot
    FROM use_spans
    WHERE in_scope AND is_release AND (is_called(chart_name, wanted) OR lower(chart_url) = lower(wanted))
    UNION ALL
    SELECT
        'app', app_name, NULL, list_filter(images, lambda one: one.role = 'main')[1].tag, repository_id, valid_from, valid_to, is_first_snapshot
    FROM use_spans
    WHERE in_scope AND is_called(app_name, wanted) AND api_group <> 'image.toolkit.fluxcd.io'
    UNION ALL
    SELECT 'image', one.image, NULL, one.tag, repository_id, valid_from, valid_to, is_first_snapshot
    FROM (SELECT * EXCLUDE (images), unnest(images) AS one FROM use_spans WHERE in_scope AND api_group <> 'image.toolkit.fluxcd.io')
    WHERE is_called(one.image, wanted)
),
-- Many run the same version: each text is read once.
texts AS (
    SELECT written, plain_version(written) AS plain, version_key(written) AS key, version_scheme(written) AS counted_as
    FROM (SELECT DISTINCT written FROM named)
    WHERE version_class(written) IN ('exact', 'partial')
),
ordered AS (
    SELECT named.*, plain, key, counted_as
    FROM named
    JOIN texts ON texts.written = named.written
),
newest_of AS (
    SELECT
        subject,
        own,
        place,
        counted_as,
        coalesce(arg_max(plain, key) FILTER (WHERE key.is_final), arg_max(plain, key)) AS best,
        count(DISTINCT repository_id) FILTER (WHERE valid_to IS NULL) AS running
    FROM ordered
    GROUP BY ALL
)
SELECT
    found.subject,
    found.own AS name,
    found.place AS chart_url,
    found.counted_as AS scheme,
    any_value(found.best) AS newest_version,
    count(DISTINCT ordered.repository_id) FILTER (WHERE ordered.valid_to IS NULL) AS repositories,
    any_value(found.running) AS all_repositories,
    min(ordered.valid_from) AS first_seen_at,
    arg_min(ordered.is_first_snapshot, ordered.valid_from) AS is_lower_bound
FROM newest_of AS found
JOIN ordered
    ON ordered.subject = found.subject
    AND ordered.own = found.own
    AND ordered.place IS NOT DISTINCT FROM found.place
    AND ordered.plain = found.best
GROUP BY found.subject, found.own, found.place, found.counted_as
ORDER BY all_repositories DESC, found.subject, found.own, found.place, found.counted_as
