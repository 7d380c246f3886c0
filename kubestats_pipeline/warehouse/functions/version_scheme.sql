-- How a version counts: calver where its first number is a year (2024.6.1), serial where it has eight digits or more (20240601), else semver,
-- or null for a text that is not a version. A word before the number stands before it: `kube-prometheus-stack- semver`.
-- Versions of two schemes have no order among each other: a chart that went from 2024.6.1 to 1.0.0 did not fall back.
-- parameter version: a version as written
list_transform(
    [{'word': version_parts(version).word, 'major': version_order(version).major}],
    lambda found: CASE WHEN found.word <> '' THEN lower(found.word) || ' ' ELSE '' END || CASE
        WHEN found.major BETWEEN 1990 AND 2099 THEN 'calver'
        WHEN found.major >= 10000000 THEN 'serial'
        WHEN found.major IS NOT NULL THEN 'semver'
    END
)[1]
