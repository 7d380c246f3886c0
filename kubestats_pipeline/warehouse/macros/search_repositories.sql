-- One row per repository in scope that has each of some words in its name, description or topics, parts of words included:
-- FROM search_repositories('home kubesearch'). Case does not matter. Hits in names come before those in descriptions, then by stars.
-- parameter words: the words, separated by blanks
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- html_url: the page for people
-- description: the owner's description
-- topics: topics of the repository
-- stars_count: the newest stars that are known
-- releases: releases of charts in active context
-- found_in: where a word was found: name, description, topics
WITH searched AS (
    SELECT
        *,
        list_distinct(regexp_split_to_array(trim(lower(words)), '\s+')) AS wanted,
        lower(full_name) AS in_name,
        lower(coalesce(description, '')) AS in_description,
        lower(array_to_string(topics, ' ')) AS in_topics
    FROM repository_overview
    WHERE in_scope
)
SELECT
    repository_id,
    full_name,
    html_url,
    description,
    topics,
    stars_count,
    releases,
    list_filter(
        ['name', 'description', 'topics'],
        lambda place, number: len(
            list_filter(wanted, lambda word: contains([in_name, in_description, in_topics][number], word))
        ) > 0
    ) AS found_in
FROM searched
WHERE len(
    list_filter(
        wanted,
        lambda word: NOT (contains(in_name, word) OR contains(in_description, word) OR contains(in_topics, word))
    )
) = 0
ORDER BY list_contains(found_in, 'name') DESC, stars_count DESC NULLS LAST, full_name
