-- One row per topic of the repositories in scope, whatever they declare. A repository counts under each of its topics.
-- topic: topic
-- repositories: repositories
-- stars: sum of their latest stars, or null when none are known
-- forks: sum of their latest forks, or null when none are known
WITH tagged AS (
    SELECT DISTINCT repository_id, unnest(topics) AS topic
    FROM repositories
    WHERE status NOT IN ('blocked', 'retired')
)
SELECT topic, count(*) AS repositories, sum(stars_count)::BIGINT AS stars, sum(forks_count)::BIGINT AS forks
FROM tagged
LEFT JOIN latest_metrics USING (repository_id)
GROUP BY topic
ORDER BY repositories DESC, topic
