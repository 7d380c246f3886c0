-- Which way a version went: upgrade, downgrade, same (1.2.3 and v1.2.3), or unknown where either is no version or they count differently.
-- parameter before: the version before, as written
-- parameter after: the version after, as written
CASE
    WHEN version_scheme(before) IS DISTINCT FROM version_scheme(after) OR version_key(before) IS NULL THEN 'unknown'
    WHEN version_key(after) > version_key(before) THEN 'upgrade'
    WHEN version_key(after) < version_key(before) THEN 'downgrade'
    ELSE 'same'
END
