-- One row per answer: a package as Renovate calls it, the version that somebody runs, and a newer one that can be judged.
-- A bare chart name is a package of the datasource helm only where one family of this name has an HTTP address. A chart in a registry is
-- a package of the datasource docker, as is an image. Docker Hub's are asked for as they are written, so that each spelling is a package.
-- A package has its newest `judged` versions that can be judged, and for each the newest `running` versions below it that somebody runs.
-- datasource: helm or docker
-- package: the name of the package
-- current: the version that somebody runs, as it is written
-- new: the version above it, as it is written
-- confidence: low or high
WITH versions AS (
    SELECT *, version_order(version) AS place, version_scheme(version) || ' ' || version_variant(version).words AS scheme
    FROM version_confidence
    WHERE confidence IS NOT NULL OR repositories_now > 0
),
judged AS (
    SELECT *
    FROM versions
    WHERE confidence IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY subject, name, family_url ORDER BY place DESC, version) <= $judged
),
pairs AS (
    SELECT judged.subject, judged.name, judged.family_url, running.written AS current, judged.written AS new, judged.confidence
    FROM judged
    JOIN versions AS running
        ON running.subject = judged.subject
        AND running.name = judged.name
        AND running.family_url IS NOT DISTINCT FROM judged.family_url
        AND running.scheme = judged.scheme
        AND running.place < judged.place
    WHERE running.repositories_now > 0
    QUALIFY row_number() OVER (
        PARTITION BY judged.subject, judged.name, judged.family_url, judged.version ORDER BY running.place DESC, running.version
    ) <= $running
),
packages AS (
    SELECT DISTINCT 'chart' AS subject, chart_name AS name, family_url, 'docker' AS datasource, substr(chart_url, 7) AS package
    FROM chart_families
    WHERE starts_with(chart_url, 'oci://')
    UNION ALL
    SELECT 'chart', chart_name, any_value(family_url), 'helm', chart_name
    FROM chart_families
    WHERE starts_with(chart_url, 'http')
    GROUP BY chart_name
    HAVING count(DISTINCT family_url) = 1
    UNION ALL
    SELECT DISTINCT 'image', name, NULL, 'docker', unnest(
        CASE
            WHEN starts_with(name, 'docker.io/library/') THEN [name, substr(name, 11), substr(name, 19), 'docker.io/' || substr(name, 19)]
            WHEN starts_with(name, 'docker.io/') THEN [name, substr(name, 11)]
            ELSE [name]
        END
    )
    FROM judged
    WHERE subject = 'image'
),
answers AS (
    SELECT datasource, package, unnest(current) AS current, new, confidence
    FROM pairs
    JOIN packages
        ON packages.subject = pairs.subject
        AND packages.name = pairs.name
        AND packages.family_url IS NOT DISTINCT FROM pairs.family_url
)
SELECT datasource, package, current, new, any_value(confidence) AS confidence
FROM (SELECT * EXCLUDE (new), unnest(new) AS new FROM answers) AS spelled
GROUP BY datasource, package, current, new
HAVING count(DISTINCT confidence) = 1
ORDER BY datasource, package, current, new
