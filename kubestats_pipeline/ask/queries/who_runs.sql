-- Who runs a chart, an app or an image of a name.
-- $name: whole or its last part
-- $subject: chart, app or image to see only what is called so as one, or empty for all
FROM who_runs($name)
WHERE $subject = '' OR list_contains(found_as, $subject)
