-- One row per setting whose look alone does not let it be published, and the chart that it is set for. `withhold.py` makes a temporary
-- view of it, and fills `value_looks` before.
SELECT
    helm_values.rowid AS row,
    helm_values.resource_id,
    helm_values.repository_id,
    resources.full_name,
    CASE WHEN applied.applied_id IS NULL THEN resources.chart_name ELSE applied.chart_name END AS chart_name,
    looks.setting,
    looks.is_hidden,
    looks.words,
    coalesce(applied.context, resources.context) = 'active' AND coalesce(resources.is_applied, TRUE)
    AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE) AS in_scope
FROM helm_values
JOIN value_looks AS looks ON looks.path = helm_values.path AND looks.value = helm_values.value
JOIN resources ON resources.resource_id = helm_values.resource_id
LEFT JOIN applied_resources AS applied ON applied.applied_id = helm_values.applied_id
LEFT JOIN repositories ON repositories.repository_id = helm_values.repository_id
WHERE helm_values.value_type IN ('string', 'integer', 'float')  -- booleans and empty collections tell nothing
