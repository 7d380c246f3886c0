-- The first place in which two versions differ: major, minor, patch (a fourth number and more too), prerelease or revision (of one variant, such as
-- +k3s1 and +k3s2), or null where their direction is same or unknown. In calendar versions the first three are year, month and the rest.
-- parameter before: one version, as written
-- parameter after: the other, as written
list_transform(
    [{'before': version_order(before), 'after': version_order(after), 'direction': version_direction(before, after)}],
    lambda found: CASE
        WHEN found.direction NOT IN ('upgrade', 'downgrade') THEN NULL
        WHEN found.before.major <> found.after.major THEN 'major'
        WHEN found.before.minor <> found.after.minor THEN 'minor'
        WHEN found.before.patch <> found.after.patch OR found.before.rest <> found.after.rest THEN 'patch'
        WHEN found.before <> found.after THEN 'prerelease'
        ELSE 'revision'
    END
)[1]
