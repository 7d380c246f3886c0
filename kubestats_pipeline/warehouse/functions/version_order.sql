-- The order in which people count versions, as a value to compare and to take the maximum of, or null for what has none (see version_class).
-- It is the second order beside that of semantic versioning, version_key, and differs in this: up to six numbers count; numbers
-- inside a pre-release count as numbers, so that rc9 is below rc10; 2.0.0b147 is a pre-release; what follows the numbers and has no word of
-- pre-releases, such as -alpine, -ls12 or +k3s1, is a variant (version_variant) and leaves the order alone. Versions with different words before the
-- number, or of different schemes, have no order among each other: compare version_scheme first, or ask version_direction.
-- parameter version: a version as written
list_transform(
    list_transform(
        [version_parts(version)],
        lambda parts: {
            'numbers': list_transform(string_split(parts.numbers, '.'), lambda number: number::BIGINT) || [0, 0, 0, 0, 0],
            'prerelease': CASE WHEN is_prerelease(parts.rest) THEN regexp_replace(parts.rest, '\+.*', '') ELSE '' END
        }
    ),
    lambda found: CASE WHEN found.numbers IS NOT NULL THEN {
        'major': found.numbers[1],
        'minor': found.numbers[2],
        'patch': found.numbers[3],
        'rest': found.numbers[4:6],
        'is_final': found.prerelease = '',
        'prerelease': natural_words(found.prerelease)
    } END
)[1]
