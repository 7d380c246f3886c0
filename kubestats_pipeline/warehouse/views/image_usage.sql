-- One row per container image and tag that people run, counted by repository. Only the active context counts.
-- image: image without tag and digest
-- tag: tag as written, or null where none is
-- repositories: repositories that name it
-- resources: resources that name it, each once for each application and cluster that runs it
SELECT image, tag, count(DISTINCT repository_id) AS repositories, count(DISTINCT use_id) AS resources
FROM image_uses
WHERE in_scope
GROUP BY image, tag
ORDER BY repositories DESC, resources DESC, image, tag
