-- Who runs images whose name contains a text.
-- $part: the text
FROM search_images($part)
