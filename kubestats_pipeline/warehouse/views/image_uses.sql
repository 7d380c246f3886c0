-- One row per container image that a use of a resource names, in every context: once for each application and cluster that runs it where the
-- repository tells that, see resource_uses. An ImageRepository watches an image and runs none, so it has no row.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- use_id: applied_id, or resource_id where the repository does not tell what is applied
-- resource_id: the document, or null for what a generator makes
-- cluster: the root from which it is reached, or null where the repository does not tell
-- kind: kind of the resource
-- name: name of the resource
-- namespace: effective namespace, or null when the repository does not say
-- app_name: application that the resource runs
-- image: image without tag and digest
-- present_image: its name today: the same, or where image_renames says that it moved to
-- registry: host of the registry, also where the reference left it out
-- tag: tag as written, or null where none is
-- digest: digest, or null where none is
-- role: main, init or sidecar
-- context: active, archived, template, test or bootstrap, from its path
-- in_scope: the context is active and the repository is neither blocked nor retired
-- source_url: the document on the web, or null where its host's links are not known
WITH named AS (
    SELECT *, unnest(images) AS named_image
    FROM resource_uses
    WHERE api_group <> 'image.toolkit.fluxcd.io'
)
SELECT
    repository_id,
    full_name,
    use_id,
    resource_id,
    cluster,
    kind,
    name,
    namespace,
    app_name,
    named_image.image AS image,
    coalesce(new_place || substr(named_image.image, length(old_place) + 1), named_image.image) AS present_image,
    named_image.registry AS registry,
    named_image.tag AS tag,
    named_image.digest AS digest,
    named_image.role AS role,
    context,
    in_scope,
    source_url
FROM named
LEFT JOIN image_renames ON starts_with(named_image.image, old_place)
