-- Releases of charts at a moment.
-- $moment: such as 2026-01-31
-- $repository: only those of this one, or empty
-- $chart: only those of this one, or empty
FROM releases_as_of(CAST($moment AS TIMESTAMPTZ))
WHERE $repository IN ('', full_name) AND $chart IN ('', chart_name)
ORDER BY full_name, name
