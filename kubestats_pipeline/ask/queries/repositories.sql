-- Repositories whose name, description and topics have all these words.
-- $words: the words, separated by blanks
FROM search_repositories($words)
