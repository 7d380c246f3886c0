-- The parts of a version as people write it, all texts: word (what stands before the number: kube-prometheus-stack- in
-- kube-prometheus-stack-39.8.0), numbers (39.8.0) and rest (all after them). Null for a text without an order. A v, = or blanks before the number and a digest
-- after a tag belong to none. The date 2024-06-01T10-20-30Z is four numbers. A commit has none, though it may look like a version.
-- parameter version: a version as written
list_transform(
    [regexp_extract(
        regexp_replace(
            regexp_replace(plain_version(version), '\b(\d{4}-\d\d-\d\d)T(\d\d)[-:]?(\d\d)[-:]?(\d\d)Z?\b', '\1.\2\3\4'),
            '^([A-Za-z._-]*)(\d{4})-(\d\d)-(\d\d)\b', '\1\2.\3.\4'
        ),
        '^=?\s*((?:[A-Za-z][0-9A-Za-z]*[-_/@]|[A-Za-z]+\.)*(?:[A-Za-z]*[A-UW-Za-uw-z])?)'
        || 'v?(\d{1,15}(?:\.\d{1,15}){0,5})((?:[-+_][0-9A-Za-z]|\.?[A-Za-z])[0-9A-Za-z._+-]*)?$',
        ['word', 'numbers', 'rest']
    )],
    lambda found: CASE
        WHEN found.numbers = '' THEN NULL
        WHEN regexp_matches(found.rest, '^[-.]?[xX](\W|$)') OR (regexp_matches(found.rest, '^[A-Za-z]') AND NOT contains(found.numbers, '.')) THEN NULL
        WHEN regexp_matches(lower(found.word), '\b(sha|git|commit)[-_/@]?$') OR regexp_full_match(version, '\d*[a-f][0-9a-f]{6,}') THEN NULL
        ELSE found
    END
)[1]
