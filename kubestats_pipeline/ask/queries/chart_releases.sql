-- All releases of a chart.
-- $name: the chart, or its canonical location
-- $major: only releases of this major version, or null
FROM chart_page($name, major := $major)
