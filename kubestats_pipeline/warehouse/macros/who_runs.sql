-- One row per use of a chart, an app or an image, in scope, most starred repositories first: FROM who_runs('jellyfin'). The name is the whole
-- one or its last part, as jellyfin is of ghcr.io/jellyfin/jellyfin. Case does not matter. A release is here with its values' images.
-- parameter wanted: name of a chart, an app or an image, or the canonical location of a chart (chart_url)
-- full_name: the repository's present name
-- stars_count: the newest stars that are known
-- cluster: the root from which it is reached, or null where the repository does not tell
-- applied_by: the application that brings it to the cluster, or null where the repository does not tell
-- kind: kind of the resource
-- namespace: effective namespace, or null when the repository does not say
-- name: name of the resource
-- found_as: what is called so: chart, app, image
-- chart_name: chart, or null where it runs none
-- version: effective version: that of the chart, or the tag of a workload's image
-- image: image of that name, else the first main one, or null where it names none
-- tag: tag of that image as written, or null where none is
-- digest: digest of that image, or null where none is
-- source_url: the document on the web, or null where its host's links are not known or a generator makes it
WITH uses AS (
    SELECT
        *,
        is_called(chart_name, wanted) OR coalesce(lower(chart_url) = lower(wanted), FALSE) AS is_chart,
        is_called(app_name, wanted) AS is_app,
        list_filter(images, lambda one: is_called(one.image, wanted)) AS called,
        list_filter(images, lambda one: one.role = 'main') AS main
    FROM resource_uses
    WHERE in_scope AND (is_release OR len(images) > 0) AND api_group <> 'image.toolkit.fluxcd.io'
),
found AS (
    SELECT *, coalesce(called[1], main[1]) AS shown
    FROM uses
    WHERE is_chart OR is_app OR len(called) > 0
)
SELECT
    found.full_name,
    metrics.stars_count,
    found.cluster,
    found.applied_by,
    found.kind,
    found.namespace,
    found.name,
    list_filter(
        ['chart', 'app', 'image'], lambda what, number: [found.is_chart, found.is_app, len(found.called) > 0][number]
    ) AS found_as,
    found.chart_name,
    found.version,
    found.shown.image AS image,
    found.shown.tag AS tag,
    found.shown.digest AS digest,
    found.source_url
FROM found
LEFT JOIN latest_metrics AS metrics USING (repository_id)
ORDER BY metrics.stars_count DESC NULLS LAST, found.full_name, found.cluster, found.kind, found.namespace, found.name
