-- One row per setting with a text or number, and the chart that it is set for. `withhold.py` makes a temporary view of it.
SELECT
    helm_values.resource_id,
    helm_values.applied_id,
    helm_values.path,
    helm_values.value,
    helm_values.repository_id,
    resources.full_name,
    CASE WHEN applied.applied_id IS NULL THEN resources.chart_name ELSE applied.chart_name END AS chart_name,
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
