-- How a version counts: calver where its first number is a year (2024.6.1), else semver, or null for a text that is not a version.
-- Versions of two schemes have no order among each other: a chart that went from 2024.6.1 to 1.0.0 did not fall back.
-- parameter version: a version as written
CASE
    WHEN version_key(version).major BETWEEN 1990 AND 2099 THEN 'calver'
    WHEN version_class(version) IN ('exact', 'partial') THEN 'semver'
END
