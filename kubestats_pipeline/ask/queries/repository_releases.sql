-- The releases of a repository, and how far their versions are behind, furthest first.
-- $name: its full name
SELECT
    lag.name, lag.app_name, lag.chart_name, coalesce(lag.version_tag, lag.version) AS version, lag.lag_status,
    lag.newest_version_anywhere AS newest_version, lag.versions_behind_anywhere AS versions_behind, releases.source_url
FROM version_lag AS lag
JOIN releases USING (use_id)
WHERE lower(lag.full_name) = lower($name)
ORDER BY majors_behind_anywhere DESC NULLS LAST, versions_behind DESC NULLS LAST, lag.name, lag.chart_name, use_id
