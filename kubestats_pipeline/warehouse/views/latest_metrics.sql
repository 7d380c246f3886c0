-- One row per repository with metrics: the newest reading of each number, which may be of different days.
-- repository_id: identity of the repository
-- date: newest day (UTC) with metrics
-- stars_count: stars. This and the numbers below are the newest that are known
-- forks_count: forks
-- watchers_count: real subscribers, or null where never known
-- open_issues_count: open issues, pull requests included
-- size_kb: size on the host, KB
SELECT
    repository_id,
    max(date) AS date,
    arg_max(stars_count, date) AS stars_count,  -- arg_max passes over nulls
    arg_max(forks_count, date) AS forks_count,
    arg_max(watchers_count, date) AS watchers_count,
    arg_max(open_issues_count, date) AS open_issues_count,
    arg_max(size_kb, date) AS size_kb
FROM repository_metrics
GROUP BY repository_id
