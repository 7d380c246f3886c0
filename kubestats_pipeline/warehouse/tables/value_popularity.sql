-- One row per chart and path of its settings, counted by repository. Only the active context counts. It shows how others set a chart.
-- Values that look personal, and words that fewer than three repositories share, are withheld: counted, but not shown.
-- chart_name: chart, or null where the repository does not say
-- chart_url: canonical location of the chart, or null where it could not be resolved
-- path: the setting, without the positions of items in lists
-- repositories: repositories that set it
-- releases: releases that set it, each once for each application and cluster that runs it
-- value_types: types of its values, sorted
-- common_values: the ten commonest values that are published, each with its repositories
-- withheld_repositories: repositories with a value that is withheld
-- examples: three of the releases that set it, of the most starred repositories, with their file on the web
-- uses_digest: digest of its rows of setting_uses that count, by which the pages know whether who sets it has changed
WITH by_release AS (
    SELECT chart_name, chart_url, path, repository_id, use_id, bool_or(is_withheld) AS is_withheld FROM setting_uses WHERE in_scope GROUP BY ALL
),
-- Grouped twice, which is cheaper than to count what is distinct: a release belongs to one repository.
by_repository AS (
    SELECT chart_name, chart_url, path, repository_id, count(use_id) AS releases, bool_or(is_withheld) AS is_withheld FROM by_release GROUP BY ALL
),
counted AS (
    SELECT
        chart_name,
        chart_url,
        path,
        count(repository_id) AS repositories,
        sum(releases)::BIGINT AS releases,
        count(repository_id) FILTER (WHERE is_withheld) AS withheld_repositories
    FROM by_repository
    GROUP BY ALL
),
shown AS (
    SELECT
        uses.chart_name,
        uses.chart_url,
        uses.path,
        max_by(
            {'full_name': full_name, 'name': name, 'source_url': source_url},
            (coalesce(stars_count, 0), full_name, name), 3
        ) AS examples,
        sum(hash(full_name, name, app_name, value_type, value, is_withheld, source_url)) || ' ' || count(*) AS uses_digest
    FROM setting_uses AS uses
    LEFT JOIN latest_metrics USING (repository_id)
    WHERE in_scope
    GROUP BY ALL
),
valued AS (
    SELECT
        chart_name,
        chart_url,
        path,
        list_sort(list(DISTINCT value_type)) AS value_types,
        list({'value': value, 'repositories': repositories} ORDER BY repositories DESC, value) FILTER (WHERE NOT is_withheld)[:10] AS common_values
    FROM setting_values
    GROUP BY ALL
)
SELECT
    counted.chart_name,
    counted.chart_url,
    counted.path,
    counted.repositories,
    counted.releases,
    valued.value_types,
    coalesce(valued.common_values, []) AS common_values,
    counted.withheld_repositories,
    shown.examples,
    shown.uses_digest
FROM counted
JOIN valued
    ON
        valued.path = counted.path
        AND valued.chart_name IS NOT DISTINCT FROM counted.chart_name
        AND valued.chart_url IS NOT DISTINCT FROM counted.chart_url
JOIN shown
    ON
        shown.path = counted.path
        AND shown.chart_name IS NOT DISTINCT FROM counted.chart_name
        AND shown.chart_url IS NOT DISTINCT FROM counted.chart_url
ORDER BY counted.chart_name, counted.chart_url, counted.repositories DESC, counted.path
