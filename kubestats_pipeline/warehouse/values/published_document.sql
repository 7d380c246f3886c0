-- The rows of a table with what is published of the documents in {column}. Values of settings are decided about in Python, but hardly any document
-- has to go there: `published_settings` gets the settings of a Flux release alone, and `published_document` those that may hold more of them.
SELECT * EXCLUDE (held, said, block, rest) REPLACE (
    CASE
        WHEN held IS NULL THEN {column}
        WHEN
            contains(rest, '"parameters":') OR contains(rest, '"set":') OR contains(rest, 'values.yaml"') OR contains(rest, 'values.yml"')
            -- Below a key of settings a list of texts is none: it is that of a selector.
            OR (contains(rest, '"values') AND regexp_matches(
                regexp_replace(rest, '"values(Object|Inline|Content)?"\s*:\[("([^"\\]|\\.)*",?)*\]', '', 'g'), '"values(Object|Inline|Content)?"\s*:'
            ))
            -- The settings stand there more than once, or in a member whose name only ends like theirs.
            OR (block IS NOT NULL AND (strlen(rest) <> strlen(held) - strlen(block) - 8 OR contains(rest, '\' || chr(10))))
            THEN coalesce(published_document(chart_name, said, held), {column})
        WHEN block IS NOT NULL
            THEN coalesce(replace(held, '"values":' || block, '"values":' || published_settings(chart_name, said, block))::JSON, {column})
        ELSE {column}
    END AS {column}
)
FROM (
    SELECT *, CASE WHEN block IS NULL THEN held ELSE replace(held, '"values":' || block, chr(10)) END AS rest
    FROM (
        SELECT * REPLACE (CASE WHEN starts_with(block, chr(123)) THEN block END AS block)
        FROM (
            SELECT
                *,
                CASE WHEN held IS NOT NULL THEN {words} END AS said,
                CASE WHEN contains(held, '"values":') THEN json_extract(held, '$.spec.values')::VARCHAR END AS block
            FROM (
                SELECT
                    *,
                    CASE
                        WHEN
                            contains({column}::VARCHAR, '"values') OR contains({column}::VARCHAR, '"parameters":')
                            OR contains({column}::VARCHAR, '"set":') OR contains({column}::VARCHAR, 'values.y')
                            THEN {column}::VARCHAR
                    END AS held
                FROM ({rows})
            )
        )
    )
)
