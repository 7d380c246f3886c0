-- One row: what all repositories in scope have together, now. Existing resources of the active context count.
-- repositories: repositories that are neither blocked nor retired
-- repositories_with_resources: those of them that declare a resource
-- stars: sum of their latest stars, or null when none are known
-- forks: sum of their latest forks
-- watchers: sum of their latest subscribers
-- open_issues: sum of their latest open issues, pull requests included
-- languages: different main languages
-- topics: different topics
-- resources: existing resources
-- releases: releases of charts, resolved or not, each once for each application and cluster that runs it
-- charts: different charts, the unresolved by name
-- apps: different applications
-- last_event_at: committer time of the newest event
WITH counted AS (
    SELECT
        count(DISTINCT (chart_name, chart_url)) FILTER (WHERE is_release AND chart_name IS NOT NULL) AS charts,
        count(DISTINCT app_name) AS apps
    FROM resource_uses
    WHERE in_scope
)
SELECT
    count(*) AS repositories,
    count(*) FILTER (WHERE resources > 0) AS repositories_with_resources,
    sum(stars_count)::BIGINT AS stars,
    sum(forks_count)::BIGINT AS forks,
    sum(watchers_count)::BIGINT AS watchers,
    sum(open_issues_count)::BIGINT AS open_issues,
    count(DISTINCT language) AS languages,
    len(list_distinct(flatten(list(topics)))) AS topics,
    sum(resources)::BIGINT AS resources,
    sum(releases)::BIGINT AS releases,
    any_value(counted.charts) AS charts,
    any_value(counted.apps) AS apps,
    max(last_event_at) AS last_event_at
FROM repository_overview AS overview
CROSS JOIN counted
WHERE in_scope
HAVING count(*) > 0
