-- One row per ordered pair of apps that at least three repositories run both, now and in scope: what goes with what.
-- app: one app
-- other_app: the other. The pair is there in both orders
-- repositories: repositories that run both
-- app_repositories: repositories that run app
-- other_repositories: repositories that run other_app
-- confidence: share of the repositories with app that also run other_app
-- lift: how many times as often as if the two had nothing to do with each other, where 1 means nothing
-- jaccard: share of the repositories with either that run both
WITH running AS (
    SELECT DISTINCT name AS app, repository_id FROM tenures WHERE subject = 'app' AND is_running
),
counts AS (
    SELECT app, count(*) AS repositories FROM running GROUP BY app HAVING count(*) >= 3
),
common AS (
    SELECT app, repository_id FROM running JOIN counts USING (app)
),
pairs AS (
    SELECT one.app AS app, other.app AS other_app, count(*) AS repositories
    FROM common AS one
    JOIN common AS other ON other.repository_id = one.repository_id AND other.app <> one.app
    GROUP BY ALL
    HAVING count(*) >= 3
)
SELECT
    pairs.app,
    other_app,
    pairs.repositories,
    own.repositories AS app_repositories,
    others.repositories AS other_repositories,
    pairs.repositories / own.repositories AS confidence,
    pairs.repositories * (SELECT count(DISTINCT repository_id) FROM running) / (own.repositories * others.repositories) AS lift,
    pairs.repositories / (own.repositories + others.repositories - pairs.repositories) AS jaccard
FROM pairs
JOIN counts AS own ON own.app = pairs.app
JOIN counts AS others ON others.app = other_app
ORDER BY pairs.app, pairs.repositories DESC, other_app
