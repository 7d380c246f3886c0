-- One row per repository and resolved chart of which it runs several versions at once, now and in scope.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- chart_name: chart
-- chart_url: canonical location of the chart
-- versions: the versions without a leading v, the lowest first. Versions without an order, such as ranges, come last
-- releases: releases of the chart, each once for each application and cluster that runs it
-- oldest: the lowest version, or null where none has an order
-- newest: the highest version
-- level: major, minor, patch, prerelease or revision: how far they are apart, or null where that cannot be said
WITH running AS (
    SELECT repository_id, full_name, chart_name, chart_url, plain_version(coalesce(version_tag, version)) AS version, count(*) AS releases
    FROM releases
    WHERE is_resolved AND in_scope AND version IS NOT NULL
    GROUP BY ALL
),
drifting AS (
    SELECT
        repository_id,
        full_name,
        chart_name,
        chart_url,
        list(version ORDER BY version_order(version) ASC NULLS LAST, version) AS versions,
        sum(releases)::BIGINT AS releases,
        arg_min(version, version_order(version)) AS oldest,
        arg_max(version, version_order(version)) AS newest
    FROM running
    GROUP BY repository_id, full_name, chart_name, chart_url
    HAVING count(*) > 1
)
SELECT *, version_level(oldest, newest) AS level
FROM drifting
ORDER BY full_name, chart_name, chart_url
