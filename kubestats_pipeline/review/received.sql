-- One row per asked version: what the ecosystem knows of it. A chart is asked for at its address, or by its name alone where that is not known
-- and one family has it.
-- number: the place of the question
-- repositories: repositories that run any version of it now
-- repositories_now: repositories that run this version now
-- repositories_ever: repositories that ever ran it
-- held_by: those that held it for seven days or more
-- median_days_held: median of the days for which they did
-- first_seen_at: when it was first seen anywhere
-- gone_back_by: repositories that went from it to a lower version
-- skipped_by: repositories that upgraded past it
-- confidence: low, high or null
-- runners: repositories that run it now, most starred first
-- returners: repositories that went back from it, with days and version
WITH asked AS (
    SELECT unnest($numbers::INTEGER[]) AS number, unnest($subjects::VARCHAR[]) AS subject, unnest($names::VARCHAR[]) AS name,
        unnest($urls::VARCHAR[]) AS url, plain_version(unnest($versions::VARCHAR[])) AS version
),
single AS (
    SELECT chart_name, any_value(family_url) AS family_url
    FROM chart_families
    GROUP BY chart_name
    HAVING count(DISTINCT family_url) = 1
),
placed AS (
    SELECT asked.*, CASE WHEN url IS NULL THEN single.family_url ELSE families.family_url END AS family_url
    FROM asked
    LEFT JOIN chart_families AS families ON subject = 'chart' AND families.chart_name = name AND families.chart_url = url
    LEFT JOIN single ON subject = 'chart' AND single.chart_name = name
),
known AS (
    SELECT placed.number, holds.* EXCLUDE (version), holds.version AS held_version, placed.version = holds.version AS is_asked,
        coalesce(stars_count, 0) AS stars, html_url
    FROM placed
    JOIN version_holds AS holds
        ON holds.subject = placed.subject AND holds.name = placed.name AND holds.family_url IS NOT DISTINCT FROM placed.family_url
    LEFT JOIN latest_metrics USING (repository_id)
    LEFT JOIN repositories USING (repository_id)
),
named AS (
    SELECT
        number,
        count(DISTINCT repository_id) FILTER (WHERE is_held) AS repositories,
        list({'full_name': full_name, 'html_url': html_url} ORDER BY stars DESC, full_name) FILTER (WHERE is_asked AND is_held) AS runners,
        list(
            {'full_name': full_name, 'html_url': html_url, 'days': days_held, 'to': went_back_to} ORDER BY stars DESC, full_name
        ) FILTER (WHERE is_asked AND went_back_at IS NOT NULL) AS returners
    FROM known
    GROUP BY number
)
SELECT
    placed.number,
    coalesce(repositories, 0) AS repositories,
    coalesce(repositories_now, 0) AS repositories_now,
    coalesce(repositories_ever, 0) AS repositories_ever,
    coalesce(held_by, 0) AS held_by,
    median_days_held,
    first_seen_at,
    coalesce(gone_back_by, 0) AS gone_back_by,
    coalesce(skipped_by, 0) AS skipped_by,
    confidence,
    coalesce(runners, []) AS runners,
    coalesce(returners, []) AS returners
FROM placed
LEFT JOIN named USING (number)
LEFT JOIN version_confidence AS received
    ON received.subject = placed.subject
    AND received.name = placed.name
    AND received.family_url IS NOT DISTINCT FROM placed.family_url
    AND received.version = placed.version
ORDER BY placed.number
