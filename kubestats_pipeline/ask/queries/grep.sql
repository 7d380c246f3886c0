-- Lines with a text in all documents.
-- $text: the text
FROM grep_resources($text)
