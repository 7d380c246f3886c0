-- The words and numbers in a text, as a list in whose order numbers count as numbers: rc9 is below rc10.
-- parameter text: any text
list_transform(
    regexp_extract_all(lower(text), '\d+|[a-z]+'),
    lambda word: CASE WHEN regexp_matches(word, '\d') THEN '0' || lpad(word, 40, '0') ELSE '1' || word END
)
