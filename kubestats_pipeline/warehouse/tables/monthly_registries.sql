-- One row per month and registry from which somebody took images at its end: where images come from, and who pins them by digest.
-- A repository counts once for each image, in scope only. An ImageRepository watches an image and runs none, so it does not count. The last
-- month ends with the newest event of all. Months whose log was written by an earlier version lack what it did not record.
-- Growth counts repositories whose log covers the end of the month and of the one before. Those that joined the data in between stand apart.
-- month: first day (UTC) of the month
-- registry: host of the registry, docker.io where none is written
-- repositories: repositories that took an image from it
-- images: different images
-- uses: pairs of repository and image
-- pinned: those of uses that named a digest wherever they named the image
-- share_pinned: pinned of uses
-- share_of_uses: uses of all uses of the month
-- joined_the_data: those of repositories whose log begins in the month. Nobody knows when they began to take images from it
-- joined_uses: those of uses in these repositories
-- uses_growth: uses less those of the month before, without joined_uses
-- share_pinned_growth: share_pinned without joined_uses, less that of the month before. Null where either has no uses
-- share_of_uses_growth: share_of_uses without joined_uses, less that of the month before. Null where either month has no uses
WITH months AS (
    SELECT month::DATE AS month, least(month + INTERVAL 1 MONTH, newest + INTERVAL 1 MICROSECOND) AS ends_at
    FROM (
            SELECT
                least(max(valid_from), any_value(built_at)) AT TIME ZONE 'UTC' AS newest,
                -- Before Kubernetes existed only wrong clocks know of it.
                greatest(min(valid_from) AT TIME ZONE 'UTC', TIMESTAMP '2014-06-01') AS oldest
            FROM use_spans
            CROSS JOIN warehouse_info
        ) AS known,
        unnest(generate_series(date_trunc('month', oldest), newest, INTERVAL 1 MONTH)) AS months (month)
),
named AS (
    SELECT
        repository_id, date_trunc('month', begins_at AT TIME ZONE 'UTC') AS begins_in, greatest(valid_from, begins_at) AS counts_from,
        coalesce(valid_to, 'infinity') AS counts_until, unnest(images) AS named_image
    FROM use_spans
    JOIN repository_logs USING (repository_id)
    WHERE in_scope AND len(images) > 0 AND api_group <> 'image.toolkit.fluxcd.io'
),
images_run AS (
    SELECT * EXCLUDE (named_image), named_image.registry AS registry, named_image.image AS image, named_image.digest IS NOT NULL AS is_pinned
    FROM named
),
taken AS (
    SELECT month, repository_id, begins_in = month AS is_new, registry, image, bool_and(is_pinned) AS is_pinned
    FROM images_run
    JOIN (SELECT month, ends_at AT TIME ZONE 'UTC' AS ends_at FROM months) AS ends ON counts_from < ends_at AND counts_until >= ends_at
    GROUP BY ALL
),
counted AS (
    SELECT
        month,
        registry,
        count(DISTINCT repository_id) AS repositories,
        count(DISTINCT image) AS images,
        count(*) AS uses,
        count(*) FILTER (WHERE is_pinned) AS pinned,
        pinned / uses AS share_pinned,
        uses / sum(uses) OVER (PARTITION BY month) AS share_of_uses,
        count(DISTINCT repository_id) FILTER (WHERE is_new) AS joined_the_data,
        count(*) FILTER (WHERE is_new) AS joined_uses,
        count(*) FILTER (WHERE is_pinned AND NOT is_new) AS known_pinned
    FROM taken
    GROUP BY month, registry
),
totals AS (
    SELECT month, sum(uses) AS uses, sum(uses - joined_uses) AS known_uses FROM counted GROUP BY month
)
SELECT
    counted.* EXCLUDE (known_pinned),
    counted.uses - coalesce(earlier.uses, 0) - counted.joined_uses AS uses_growth,
    counted.known_pinned / nullif(counted.uses - counted.joined_uses, 0) - earlier.share_pinned AS share_pinned_growth,
    (counted.uses - counted.joined_uses) / nullif(totals.known_uses, 0) - coalesce(earlier.uses, 0) / before.uses AS share_of_uses_growth
FROM counted
JOIN totals ON totals.month = counted.month
LEFT JOIN totals AS before ON before.month + INTERVAL 1 MONTH = counted.month
LEFT JOIN counted AS earlier ON earlier.registry = counted.registry AND earlier.month + INTERVAL 1 MONTH = counted.month
ORDER BY counted.month, counted.uses DESC, counted.registry
