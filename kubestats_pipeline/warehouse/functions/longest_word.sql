-- The longest run of characters in a text, in lower case, that a document in JSON has as well wherever it has the text: without quotes, blanks,
-- colons, commas and backslashes. Empty without one. To look for it first spares most of the work of a search.
-- parameter text: any text
coalesce(
    list_reduce(
        regexp_extract_all(lower(text), '[^\s":,\\]+') || [''],
        lambda one, other: CASE WHEN length(other) > length(one) THEN other ELSE one END
    ),
    ''
)
