-- A chart with all its addresses: by how many it is run, and its newest version.
-- $name: the chart
FROM family_popularity
WHERE is_called(chart_name, $name)
ORDER BY repositories DESC, family_url
