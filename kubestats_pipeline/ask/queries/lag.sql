-- How far behind the releases of a chart are: nobody is late for a version that none of the watched repositories took.
-- $name: the chart
SELECT
    lag_status,
    majors_behind_anywhere AS majors_behind,
    count(DISTINCT full_name) AS repositories,
    count(*) AS releases,
    median(versions_behind_anywhere) AS median_versions_behind
FROM version_lag
WHERE is_called(chart_name, $name)
GROUP BY ALL
ORDER BY lag_status DESC, majors_behind
