-- One row per chart or app that ended somewhere and another that began near it in the same repository: what replaced what.
-- The rule: something ends for a repository (tenures), and what begins there within 30 days before or after is a candidate. A candidate that
-- began in the very commit that ended it counts 1, another one 0.2, and where there are several they share that, so that a repository that
-- rebuilds everything at once says little. A pair is shown when it happened in one commit, or in at least two repositories.
-- subject: chart or app
-- old_name: name of what ended
-- old_url: canonical location of the chart that ended, or null for apps and where it could not be resolved
-- new_name: name of what began
-- new_url: canonical location of the chart that began, or null for apps and where it could not be resolved
-- is_same_name: a chart of the same name from another address
-- score: sum of what each case counts, 1 at most
-- repositories: repositories in which it happened
-- in_one_commit: repositories in which it happened in one commit
-- watched_days: days for which the longest log of these repositories covers it. Under 60 days, much that took longer is not seen
-- first_at: committer time of the first end
-- last_at: committer time of the last end
WITH candidates AS (
    SELECT
        ended.subject, ended.repository_id, ended.name AS old_name, ended.chart_url AS old_url, begun.name AS new_name,
        begun.chart_url AS new_url, ended.ended_at, begun.started_commit = ended.ended_commit AS is_one_commit
    FROM tenures AS ended
    JOIN tenures AS begun
        ON begun.repository_id = ended.repository_id
        AND begun.subject = ended.subject
        AND begun.started_at BETWEEN ended.ended_at - INTERVAL 30 DAY AND ended.ended_at + INTERVAL 30 DAY
        AND (begun.name, begun.chart_url) IS DISTINCT FROM (ended.name, ended.chart_url)
    WHERE ended.subject IN ('chart', 'app')  -- a family that took another's place is told by its charts
        AND NOT ended.is_running
        AND NOT begun.is_left_censored
        AND ended.name IS NOT NULL
        AND begun.name IS NOT NULL
        AND (begun.ended_at IS NULL OR begun.ended_at > ended.ended_at)  -- what is gone as well took nobody's place
        AND begun.started_at > ended.started_at
),
weighed AS (
    SELECT
        *,
        -- One commit says which it is, where there is one: then the others are not asked.
        CASE
            WHEN is_one_commit THEN 1 / count(*) FILTER (WHERE is_one_commit) OVER own
            WHEN NOT bool_or(is_one_commit) OVER own THEN 0.2 / count(*) OVER own
            ELSE 0
        END AS weight
    FROM candidates
    WINDOW own AS (PARTITION BY subject, repository_id, old_name, old_url, ended_at)
)
SELECT
    subject,
    old_name,
    old_url,
    new_name,
    new_url,
    old_name = new_name AS is_same_name,
    round(sum(weight), 3) AS score,
    count(DISTINCT repository_id) AS repositories,
    count(DISTINCT repository_id) FILTER (WHERE is_one_commit) AS in_one_commit,
    max(days) AS watched_days,
    min(ended_at) AS first_at,
    max(ended_at) AS last_at
FROM weighed
JOIN repository_logs USING (repository_id)
WHERE weight > 0
GROUP BY subject, old_name, old_url, new_name, new_url
HAVING in_one_commit > 0 OR repositories > 1
ORDER BY score DESC, subject, old_name, new_name, old_url, new_url
