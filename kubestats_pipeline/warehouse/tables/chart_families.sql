-- One row per resolved chart and address at which it ran in scope: the family that it belongs to. A family is one chart under several addresses,
-- such as its own, mirrors, and OCI beside HTTP. An address joins by chart_mirrors, or else by equal versions: the address with which it shares
-- at least three final versions, and half of those of the one that has fewer. Two homes that chart_mirrors names are never joined.
-- chart_name: chart
-- chart_url: canonical location of the chart
-- family_url: the address that stands for the family: that of chart_mirrors, or else that of most repositories
-- reason: own address, known mirror or equal versions
-- evidence: the source of the known mirror, or the address with which it shares versions, or null for an own address
-- shared_versions: final versions that both ran, or null where versions do not decide
WITH RECURSIVE addresses AS (
    SELECT chart_name, chart_url, count(DISTINCT repository_id) AS repositories
    FROM use_spans
    WHERE is_release AND is_resolved AND in_scope AND chart_name IS NOT NULL AND chart_url IS NOT NULL
    GROUP BY chart_name, chart_url
),
told AS (
    SELECT addresses.*, coalesce(replace(home, '*', chart_name), chart_url) AS home_url, source
    FROM addresses
    LEFT JOIN chart_mirrors ON chart_url = replace(address, '*', chart_name)
),
homes AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY chart_name ORDER BY is_known DESC, repositories DESC, home_url) AS place
    FROM (
        SELECT
            chart_name,
            home_url,
            sum(repositories) AS repositories,
            bool_or(source IS NOT NULL OR home_url IN (SELECT replace(home, '*', chart_name) FROM chart_mirrors)) AS is_known
        FROM told
        GROUP BY chart_name, home_url
    ) AS grouped
),
versions AS (
    SELECT DISTINCT told.chart_name, home_url, version
    FROM told
    JOIN version_sightings AS sightings ON sightings.chart_name = told.chart_name AND sightings.chart_url = told.chart_url
    WHERE is_final AND version_kind = 'exact'
),
sizes AS (
    SELECT chart_name, home_url, count(*) AS size FROM versions GROUP BY chart_name, home_url
),
shared AS (
    SELECT one.chart_name, one.home_url, other.home_url AS with_url, count(*) AS shared_versions
    FROM versions AS one
    JOIN versions AS other ON other.chart_name = one.chart_name AND other.version = one.version AND other.home_url <> one.home_url
    GROUP BY one.chart_name, one.home_url, other.home_url
),
links AS (
    SELECT shared.chart_name, shared.home_url, arg_max(with_url, (shared_versions, -above.place)) AS with_url, max(shared_versions) AS shared_versions
    FROM shared
    JOIN homes AS own ON own.chart_name = shared.chart_name AND own.home_url = shared.home_url
    JOIN homes AS above ON above.chart_name = shared.chart_name AND above.home_url = with_url
    JOIN sizes AS own_size ON own_size.chart_name = shared.chart_name AND own_size.home_url = shared.home_url
    JOIN sizes AS above_size ON above_size.chart_name = shared.chart_name AND above_size.home_url = with_url
    -- Each joins one that stands above it, so that no circle can come about.
    WHERE NOT own.is_known AND above.place < own.place AND shared_versions >= 3 AND shared_versions * 2 >= least(own_size.size, above_size.size)
    GROUP BY shared.chart_name, shared.home_url
),
joined AS (
    SELECT homes.chart_name, homes.home_url, homes.home_url AS family_url
    FROM homes
    LEFT JOIN links ON links.chart_name = homes.chart_name AND links.home_url = homes.home_url
    WHERE links.home_url IS NULL
    UNION ALL
    SELECT links.chart_name, links.home_url, joined.family_url
    FROM links
    JOIN joined ON joined.chart_name = links.chart_name AND joined.home_url = links.with_url
)
SELECT
    told.chart_name,
    told.chart_url,
    joined.family_url,
    CASE WHEN source IS NOT NULL THEN 'known mirror' WHEN links.with_url IS NOT NULL THEN 'equal versions' ELSE 'own address' END AS reason,
    coalesce(source, links.with_url) AS evidence,
    CASE WHEN source IS NULL THEN shared_versions END AS shared_versions
FROM told
JOIN joined ON joined.chart_name = told.chart_name AND joined.home_url = told.home_url
LEFT JOIN links ON links.chart_name = told.chart_name AND links.home_url = told.home_url
ORDER BY told.chart_name, joined.family_url, told.chart_url
