-- How others set the values of a chart: each path, how many set it, and common values.
-- $chart: the chart
-- $path: only paths that contain this text
FROM value_popularity
WHERE chart_name = $chart AND contains(lower(path), lower($path))
ORDER BY repositories DESC, path, chart_url
