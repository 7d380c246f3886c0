-- One row per other chart that repositories with a chart run too, in scope, commonest first: FROM also_runs('app-template').
-- parameter chart: name of the chart, or its canonical location (chart_url)
-- chart_name: the other chart. Releases whose repository does not say are left out
-- chart_url: its canonical location, or null where it could not be resolved
-- repositories: repositories that run both
-- share: those of all repositories that run the chart, from 0 to 1
-- all_repositories: repositories that run the other chart, with or without this one
WITH run AS (
    SELECT DISTINCT chart_name, chart_url, repository_id
    FROM releases
    WHERE in_scope AND chart_name IS NOT NULL
),
asked AS (
    SELECT DISTINCT repository_id
    FROM run
    WHERE chart_name = chart OR chart_url = chart
)
SELECT
    run.chart_name,
    run.chart_url,
    count(asked.repository_id) AS repositories,
    count(asked.repository_id) / (SELECT count(*) FROM asked) AS share,
    count(*) AS all_repositories
FROM run
LEFT JOIN asked USING (repository_id)
WHERE run.chart_name <> chart AND run.chart_url IS DISTINCT FROM chart
GROUP BY run.chart_name, run.chart_url
HAVING count(asked.repository_id) > 0
ORDER BY repositories DESC, all_repositories, run.chart_name, run.chart_url
