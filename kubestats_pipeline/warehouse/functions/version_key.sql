-- The order of semantic versioning, as a value to compare and to take the maximum of, or null for a text that it does not know.
-- This is how Helm compares charts. Marts use version_order, the order in which people count. They differ in pre-releases.
-- Numbers count as numbers: 1.10 is above 1.9, and 10.0 stands where 10.0.0 does. A fourth number counts too. A pre-release such as
-- 1.2.3-rc.1 is below its release, and so is 1.2.3-alpine. A part after a + says nothing. Calendar versions such as 2024.6.1 have the same order.
-- parameter version: a version as written
CASE WHEN regexp_full_match(version, '\s*=?\s*v?\d{1,15}(\.\d{1,15}){0,3}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\s*') AND NOT regexp_matches(version, '^[^-]*-[xX](\W|$)') THEN
    -- A list of one, to name what was found: SQL has no other way inside an expression.
    list_transform(
        [regexp_extract(
            version,
            '^\s*=?\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?',
            ['major', 'minor', 'patch', 'build', 'prerelease']
        )],
        lambda found: {
            'major': TRY_CAST(found.major AS BIGINT),
            'minor': coalesce(TRY_CAST(found.minor AS BIGINT), 0),
            'patch': coalesce(TRY_CAST(found.patch AS BIGINT), 0),
            'build': coalesce(TRY_CAST(found.build AS BIGINT), 0),
            'is_final': found.prerelease = '',
            'prerelease': list_transform(
                string_split(found.prerelease, '.'),
                lambda word: CASE
                    WHEN regexp_full_match(word, '\d{1,20}') THEN '0' || lpad(word, 20, '0')
                    ELSE '1' || word
                END
            )
        }
    )[1]
END
