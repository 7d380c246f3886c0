-- The class of a text in the place of a version: exact (three or four numbers), partial (one or two, such as 10.0),
-- range (>=1.0 <2, 1.x, ^1.2), name (latest, main: it moves, or says nothing), digest, or placeholder (${VAR}). Null for null.
-- Only exact and partial are versions with an order: version_key. A leading v or = makes no difference.
-- parameter version: a version as written
CASE
    WHEN version IS NULL THEN NULL
    WHEN contains(version, '${') OR contains(version, '{{') OR contains(version, 'ENC[') THEN 'placeholder'
    WHEN regexp_matches(version, '^(.*@)?sha(256|512):[0-9a-f]+$') THEN 'digest'
    WHEN regexp_full_match(version, '\s*=?\s*v?\d{1,15}(\.\d{1,15}){2,3}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\s*') THEN 'exact'
    WHEN regexp_full_match(version, '\s*=?\s*v?\d{1,15}(\.\d{1,15})?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\s*') THEN
        -- "1.0 - 2.0" has blanks and does not match here. "1-x" would.
        CASE WHEN regexp_matches(version, '-[xX*]') THEN 'range' ELSE 'partial' END
    WHEN regexp_matches(version, '[<>~^*|,]|\s-\s|^\s*=?\s*v?(\d+\.)*[xX](\.|$)|^[^a-zA-Z]*\d\s+\S') THEN 'range'
    ELSE 'name'
END
