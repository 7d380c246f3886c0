-- One row per container image that a resource in scope names and that contains some text: FROM search_images('plex').
-- An ImageRepository watches an image and runs none, so it does not count.
-- parameter part: part of the image's name, such as its registry, owner or name. Case does not matter
-- image: image without tag and digest
-- tag: tag as written, or null where none is
-- digest: digest, or null where none is
-- role: main, init or sidecar
-- full_name: the repository's present name
-- stars_count: the newest stars that are known
-- kind: kind of the resource
-- name: name of the resource
-- namespace: effective namespace, or null when the repository does not say
-- app_name: application that the resource runs
-- source_url: the document on the web, or null where its host's links are not known
SELECT
    uses.image,
    uses.tag,
    uses.digest,
    uses.role,
    uses.full_name,
    metrics.stars_count,
    uses.kind,
    uses.name,
    uses.namespace,
    uses.app_name,
    uses.source_url
FROM image_uses AS uses
LEFT JOIN latest_metrics AS metrics USING (repository_id)
WHERE in_scope AND contains(lower(uses.image), lower(part))
ORDER BY uses.image, metrics.stars_count DESC NULLS LAST, uses.full_name, uses.kind, uses.name, uses.tag
