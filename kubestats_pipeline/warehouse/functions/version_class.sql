-- The class of a text in the place of a version: exact (three numbers or more, or a date), partial (one or two, such as 10.0),
-- range (>=1.0 <2, 1.x, ^1.2), name (latest, main: it moves, or says nothing), digest, or placeholder (${VAR}). Null for null.
-- Only exact and partial are versions with an order: version_order. A leading v or =, a word before the number and a digest beside the tag
-- make no difference.
-- parameter version: a version as written
CASE
    WHEN version IS NULL THEN NULL
    WHEN contains(version, '${') OR contains(version, '{{') OR contains(version, 'ENC[') THEN 'placeholder'
    WHEN regexp_matches(version, '^(.*@)?sha(256|512):[0-9a-f]+$') AND version_parts(version) IS NULL THEN 'digest'
    WHEN version_parts(version) IS NOT NULL THEN
        CASE WHEN regexp_matches(version_parts(version).numbers, '\..*\.') THEN 'exact' ELSE 'partial' END
    WHEN regexp_matches(version, '[<>~^*|,]|\s-\s|^\s*=?\s*v?(\d+\.)*[xX](\.|$)|^[^a-zA-Z]*\d\s+\S|^\d+-[xX*]') THEN 'range'
    ELSE 'name'
END
