-- One row per chart family, counted by repository: chart_popularity over all addresses of a chart (chart_families). It has families that ran once.
-- chart_name: chart
-- family_url: the address that stands for the family
-- addresses: the addresses of the family, each with the reason for which it belongs to it
-- repositories: repositories that run it now, at any address
-- releases: releases of it now
-- versions: different versions of it as written
-- newest_version: the newest of the final versions that anybody runs
WITH running AS (
    SELECT chart_name, chart_url, repository_id, use_id, version, coalesce(version_tag, version) AS known_version
    FROM releases
    WHERE in_scope AND is_resolved
),
counted AS (
    SELECT
        families.chart_name,
        families.family_url,
        count(DISTINCT repository_id) AS repositories,
        count(DISTINCT use_id) AS releases,
        count(DISTINCT version) AS versions
    FROM chart_families AS families
    LEFT JOIN running ON running.chart_name = families.chart_name AND running.chart_url = families.chart_url
    GROUP BY families.chart_name, families.family_url
),
-- Versions repeat far more often than they differ, and to read one takes long.
known AS (
    SELECT DISTINCT families.chart_name, families.family_url, known_version
    FROM running
    JOIN chart_families AS families ON families.chart_name = running.chart_name AND families.chart_url = running.chart_url
),
newest AS (
    SELECT chart_name, family_url, arg_max(plain_version(known_version), place) AS newest_version
    FROM (SELECT *, version_order(known_version) AS place FROM known) AS placed
    WHERE place.is_final AND version_class(known_version) = 'exact'
    GROUP BY chart_name, family_url
),
members AS (
    SELECT chart_name, family_url, list({'chart_url': chart_url, 'reason': reason, 'evidence': evidence} ORDER BY chart_url) AS addresses
    FROM chart_families
    GROUP BY chart_name, family_url
)
SELECT counted.chart_name, counted.family_url, addresses, repositories, releases, versions, newest_version
FROM counted
JOIN members ON members.chart_name = counted.chart_name AND members.family_url = counted.family_url
LEFT JOIN newest ON newest.chart_name = counted.chart_name AND newest.family_url = counted.family_url
ORDER BY repositories DESC, releases DESC, counted.chart_name, counted.family_url
