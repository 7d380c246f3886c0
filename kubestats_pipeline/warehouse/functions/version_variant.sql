-- The part after the numbers of a version, unless it makes it a pre-release: words (-alpine., empty where nothing follows) and
-- numbers (3 and 18 in 1.24.0-alpine3.18). Null for a text without an order. Of one version and equal words the higher numbers are newer: +k3s2 after +k3s1, -ls13 after -ls12.
-- Other words are another variant, neither newer nor older.
-- parameter version: a version as written
list_transform(
    list_transform(
        [version_parts(version).rest],
        lambda rest: CASE WHEN is_prerelease(rest) THEN regexp_extract(rest, '\+.*') ELSE rest END
    ),
    lambda rest: CASE WHEN rest IS NOT NULL THEN {
        'words': regexp_replace(lower(rest), '\d+', '', 'g'), 'numbers': natural_words(regexp_replace(rest, '[^\d]+', ' ', 'g'))
    } END
)[1]
