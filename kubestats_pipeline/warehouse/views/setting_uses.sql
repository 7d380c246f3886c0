-- One row per setting of a release's Helm values, with the chart that it is set for, in every context: once for each application and cluster where
-- the repository tells what is applied, as in releases.
-- use_id: applied_id, or resource_id where the repository does not tell what is applied
-- resource_id: the document of the release
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- name: name of the release
-- app_name: application that the release runs
-- chart_name: chart, or null where the repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- path: the setting, without the positions of items in lists: `hosts[].host`
-- value_type: string, integer, float, boolean, null, or map or list where it is empty
-- value: the value as text. Null for null, and where it is withheld
-- is_withheld: the value is not published, by the rule in docs/counting.md
-- in_scope: the context is active and the repository is neither blocked nor retired
-- source_url: the release's document on the web, or null where its host's links are not known
SELECT
    releases.use_id,
    helm_values.resource_id,
    releases.repository_id,
    releases.full_name,
    releases.name,
    releases.app_name,
    releases.chart_name,
    releases.chart_url,
    CASE WHEN contains(helm_values.path, '[') THEN regexp_replace(helm_values.path, '\[\d+\]', '[]', 'g') ELSE helm_values.path END
        AS path,
    helm_values.value_type,
    helm_values.value,
    helm_values.value IS NULL AND helm_values.value_type <> 'null' AS is_withheld,
    releases.in_scope,
    releases.source_url
FROM helm_values
JOIN releases ON releases.use_id = CASE WHEN helm_values.applied_id = '' THEN helm_values.resource_id ELSE helm_values.applied_id END
