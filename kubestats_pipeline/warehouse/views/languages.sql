-- One row per main language of the repositories in scope, whatever they declare.
-- language: main language as the host sees it, or unknown where it does not say
-- repositories: repositories
-- stars: sum of their latest stars, or null when none are known
-- forks: sum of their latest forks, or null when none are known
SELECT
    coalesce(repositories.language, 'unknown') AS language,
    count(*) AS repositories,
    sum(stars_count)::BIGINT AS stars,
    sum(forks_count)::BIGINT AS forks
FROM repositories
LEFT JOIN latest_metrics USING (repository_id)
WHERE status NOT IN ('blocked', 'retired')
GROUP BY ALL
ORDER BY repositories DESC, language
