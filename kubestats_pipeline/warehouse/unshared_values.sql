-- One row per setting whose value must not be published: fewer than three repositories share it, and its path is not safe.
-- Shared is a value that repositories in scope give to the same path of the same chart, positions in lists left out of the
-- path. Values say where somebody lives and what their hosts are called. A value that three repositories share says neither.
-- `build.py` sets these values to null before anything reads them. `verify.py` sees that none is left.
WITH safe_keys(key, reason) AS (
    -- Safe is a path whose last key stands here: its values come from a short list or are numbers without a meaning to others.
    VALUES
        ('tag', 'a version'),
        ('digest', 'a version'),
        ('pullPolicy', 'words of Kubernetes'),
        ('imagePullPolicy', 'words of Kubernetes'),
        ('restartPolicy', 'words of Kubernetes'),
        ('dnsPolicy', 'words of Kubernetes'),
        ('accessMode', 'words of Kubernetes'),
        ('accessModes', 'words of Kubernetes'),
        ('concurrencyPolicy', 'words of Kubernetes'),
        ('externalTrafficPolicy', 'words of Kubernetes'),
        ('fsGroupChangePolicy', 'words of Kubernetes'),
        ('protocol', 'words of Kubernetes'),
        ('pathType', 'words of Kubernetes'),
        ('type', 'a word of Kubernetes or of the chart'),
        ('strategy', 'a word of Kubernetes or of the chart'),
        ('logLevel', 'a word of the application'),
        ('replicas', 'a small number'),
        ('replicaCount', 'a small number'),
        ('minReplicas', 'a small number'),
        ('maxReplicas', 'a small number'),
        ('cpu', 'an amount'),
        ('memory', 'an amount'),
        ('size', 'an amount'),
        ('interval', 'a duration'),
        ('timeout', 'a duration'),
        ('initialDelaySeconds', 'a duration'),
        ('periodSeconds', 'a duration'),
        ('timeoutSeconds', 'a duration'),
        ('failureThreshold', 'a small number'),
        ('runAsUser', 'a number inside a container'),
        ('runAsGroup', 'a number inside a container'),
        ('fsGroup', 'a number inside a container')
),
settings AS (
    SELECT
        helm_values.resource_id,
        helm_values.applied_id,
        helm_values.path,
        helm_values.value,
        helm_values.repository_id,
        resources.full_name,
        CASE WHEN applied.applied_id IS NULL THEN resources.chart_name ELSE applied.chart_name END AS chart_name,
        CASE
            WHEN coalesce(applied.resolution, resources.resolution) IN ('ambiguous', 'unresolved') THEN NULL
            WHEN applied.applied_id IS NULL THEN resources.chart_url
            ELSE applied.chart_url
        END AS chart_url,
        CASE WHEN contains(helm_values.path, '[') THEN regexp_replace(helm_values.path, '\[\d+\]', '[]', 'g') ELSE helm_values.path END
            AS general_path,
        coalesce(applied.context, resources.context) = 'active' AND coalesce(resources.is_applied, TRUE)
        AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE) AS in_scope
    FROM helm_values
    JOIN resources USING (resource_id)
    LEFT JOIN applied_resources AS applied ON applied.applied_id = helm_values.applied_id
    LEFT JOIN repositories ON repositories.repository_id = helm_values.repository_id
    WHERE
        helm_values.value IS NOT NULL
        AND helm_values.value_type IN ('string', 'integer', 'float')  -- booleans and empty collections tell nothing
),
shared AS (
    SELECT chart_name, chart_url, general_path, value
    FROM settings
    WHERE in_scope
    GROUP BY ALL
    HAVING count(DISTINCT repository_id) >= 3
)
SELECT settings.resource_id, settings.applied_id, settings.path, settings.full_name
FROM settings
LEFT JOIN shared
    ON
        shared.general_path = settings.general_path
        AND shared.value = settings.value
        AND shared.chart_name IS NOT DISTINCT FROM settings.chart_name
        AND shared.chart_url IS NOT DISTINCT FROM settings.chart_url
WHERE
    shared.value IS NULL
    AND regexp_extract(settings.path, '(?:^|\.)([^.\[\]]+)(?:\[\d+\])?$', 1) NOT IN (SELECT key FROM safe_keys)
