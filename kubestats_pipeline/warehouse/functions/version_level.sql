-- The first place in which two versions differ: major, minor, patch (a fourth number too) or prerelease, or null where they are the same,
-- where either is not a version, or where they count differently. In calendar versions these are year, month and the rest.
-- parameter before: one version, as written
-- parameter after: the other, as written
list_transform(
    [{'before': version_key(before), 'after': version_key(after), 'scheme': version_scheme(before) = version_scheme(after)}],
    lambda found: CASE
        WHEN found.scheme IS DISTINCT FROM TRUE OR found.before = found.after THEN NULL
        WHEN found.before.major <> found.after.major THEN 'major'
        WHEN found.before.minor <> found.after.minor THEN 'minor'
        WHEN found.before.patch <> found.after.patch OR found.before.build <> found.after.build THEN 'patch'
        ELSE 'prerelease'
    END
)[1]
