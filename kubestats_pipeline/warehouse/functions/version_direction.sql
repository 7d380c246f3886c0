-- The direction of a version change: upgrade, downgrade, same (1.2.3 and v1.2.3, or another variant: 1.24.0 and 1.24.0-alpine), or unknown where
-- either is not a version or they count differently. It follows version_order, and for one variant of one version version_variant.
-- parameter before: the version before, as written
-- parameter after: the version after, as written
list_transform(
    [{
        'scheme': version_scheme(before) = version_scheme(after),
        'before': version_order(before),
        'after': version_order(after),
        'old': version_variant(before),
        'new': version_variant(after)
    }],
    lambda found: CASE
        WHEN found.scheme IS DISTINCT FROM TRUE THEN 'unknown'
        WHEN found.after > found.before THEN 'upgrade'
        WHEN found.after < found.before THEN 'downgrade'
        WHEN found.old.words <> found.new.words THEN 'same'
        WHEN found.new.numbers > found.old.numbers THEN 'upgrade'
        WHEN found.new.numbers < found.old.numbers THEN 'downgrade'
        ELSE 'same'
    END
)[1]
