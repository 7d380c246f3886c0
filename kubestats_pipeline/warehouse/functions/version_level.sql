-- The first place in which two versions differ: major, minor, patch (a fourth number too) or prerelease; null where they are the same,
-- where either is no version, or where they count differently. In calendar versions these are year, month and the rest.
-- parameter before: one version, as written
-- parameter after: the other, as written
CASE
    WHEN version_direction(before, after) NOT IN ('upgrade', 'downgrade') THEN NULL
    WHEN version_key(before).major <> version_key(after).major THEN 'major'
    WHEN version_key(before).minor <> version_key(after).minor THEN 'minor'
    WHEN version_key(before).patch <> version_key(after).patch THEN 'patch'
    WHEN version_key(before).build <> version_key(after).build THEN 'patch'
    ELSE 'prerelease'
END
