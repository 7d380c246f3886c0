-- One repository: numbers, engine, charts, state of the scan.
-- $name: its full name
FROM repository_overview AS overview
JOIN repository_status USING (repository_id)
WHERE lower(overview.full_name) = lower($name)
