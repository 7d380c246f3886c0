-- The charts and kinds by which an app is installed, commonest first.
-- $name: the app
SELECT kind, chart_name, count(DISTINCT full_name) AS repositories, count(*) AS resources
FROM who_runs($name)
WHERE list_contains(found_as, 'app')
GROUP BY ALL
ORDER BY repositories DESC, resources DESC, kind, chart_name
