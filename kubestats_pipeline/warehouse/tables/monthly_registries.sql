-- One row per month and registry from which somebody took images at its end: where images come from, and who pins them by digest.
-- A repository counts once for each image, in scope only. An ImageRepository watches an image and runs none, so it does not count. The last
-- month ends with the newest event of all. Months whose log was written by an earlier version lack what it did not record.
-- month: first day (UTC) of the month
-- registry: host of the registry, docker.io where none is written
-- repositories: repositories that took an image from it
-- images: different images
-- uses: pairs of repository and image
-- pinned: those of uses that named a digest wherever they named the image
-- share_pinned: pinned of uses
-- share_of_uses: uses of all uses of the month
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
    SELECT month, repository_id, unnest(images) AS named_image
    FROM use_spans
    JOIN months ON valid_from < ends_at AT TIME ZONE 'UTC' AND coalesce(valid_to, 'infinity') >= ends_at AT TIME ZONE 'UTC'
    WHERE in_scope AND len(images) > 0 AND api_group <> 'image.toolkit.fluxcd.io'
),
taken AS (
    SELECT
        month, repository_id, named_image.registry AS registry, named_image.image AS image,
        bool_and(named_image.digest IS NOT NULL) AS is_pinned
    FROM named
    GROUP BY ALL
)
SELECT
    month,
    registry,
    count(DISTINCT repository_id) AS repositories,
    count(DISTINCT image) AS images,
    count(*) AS uses,
    count(*) FILTER (WHERE is_pinned) AS pinned,
    pinned / uses AS share_pinned,
    uses / sum(uses) OVER (PARTITION BY month) AS share_of_uses
FROM taken
GROUP BY month, registry
ORDER BY month, uses DESC, registry
