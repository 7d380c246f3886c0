-- One row per container image and tag that existing resources name, counted by repository; active context only.
-- An ImageRepository watches an image and runs none, so it does not count.
-- image: image without tag and digest
-- tag: tag as written; null where none is
-- repositories: repositories that name it
-- resources: resources that name it
WITH named AS (
    SELECT repository_id, resource_id, unnest(images) AS named_image
    FROM resource_overview
    WHERE status = 'ACTIVE' AND in_scope AND api_group <> 'image.toolkit.fluxcd.io'
)
SELECT
    named_image.image AS image,
    named_image.tag AS tag,
    count(DISTINCT repository_id) AS repositories,
    count(DISTINCT resource_id) AS resources
FROM named
GROUP BY ALL
ORDER BY repositories DESC, resources DESC, image, tag
