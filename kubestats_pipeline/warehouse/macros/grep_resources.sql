-- One row per line with some text in a document that exists, in scope: FROM grep_resources('storageClassName: nfs'). Lines are keys and values as
-- `key: value`, without the quotes of JSON. Case does not matter. The lines of a text of several lines are one, with \n between them.
-- parameter text: the text
-- full_name: the repository's present name
-- kind: kind of the resource
-- namespace: effective namespace, or null when the repository does not say
-- name: name of the resource
-- file_path: path in the repository
-- document_line: line of the file on which the document begins, or null where nobody can tell
-- line_number: the line that was found, in the document as json_pretty(data) of resources shows it. The file's own line of it is not kept
-- line: the line, at most 200 characters around the text
-- source_url: the document on the web, or null where its host's links are not known
WITH documents AS (
    SELECT resource_id, string_split(json_pretty(data), chr(10)) AS lines
    FROM resources
    WHERE
        status = 'ACTIVE'
        AND CASE
            WHEN trim(text) = '' THEN error('give a text to look for, such as storageClassName')
            WHEN contains(lower(data::VARCHAR), longest_word(text))
                THEN longest_word(text) = lower(text)
                    OR contains(lower(translate(data::VARCHAR, '" ', '')), lower(translate(text, '" ', '')))
            ELSE FALSE
        END
),
numbered AS (
    SELECT resource_id, generate_subscripts(lines, 1) AS line_number, unnest(lines) AS line
    FROM documents
),
shown AS (
    SELECT
        resource_id,
        line_number,
        CASE WHEN contains(lower(line), longest_word(text))
            THEN ltrim(regexp_replace(line, '^\s*(?:"((?:[^"\\]|\\.)*)": )?"?(.*?)"?,?$', '\1: \2'), ': ')
        END AS line
    FROM numbered
)
SELECT
    overview.full_name,
    overview.kind,
    overview.namespace,
    overview.name,
    overview.file_path,
    overview.line AS document_line,
    shown.line_number,
    substr(shown.line, greatest(strpos(lower(shown.line), lower(text)) - 60, 1)::BIGINT, 200) AS line,
    overview.source_url
FROM shown
JOIN resource_overview AS overview USING (resource_id)
WHERE overview.in_scope AND contains(lower(shown.line), lower(text))
ORDER BY overview.full_name, overview.file_path, overview.kind, overview.name, shown.line_number
