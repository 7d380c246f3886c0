-- The direction of a version change: upgrade, downgrade, same (1.2.3 and v1.2.3), or unknown where either is not a version or they count differently.
-- parameter before: the version before, as written
-- parameter after: the version after, as written
list_transform(
    [{'before': version_key(before), 'after': version_key(after), 'scheme': version_scheme(before) = version_scheme(after)}],
    lambda found: CASE
        WHEN found.scheme IS DISTINCT FROM TRUE THEN 'unknown'
        WHEN found.after > found.before THEN 'upgrade'
        WHEN found.after < found.before THEN 'downgrade'
        ELSE 'same'
    END
)[1]
