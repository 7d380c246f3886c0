-- How the versions of a chart or an image were received, newest first.
-- $name: whole or its last part
-- $subject: chart or image, or empty for both
FROM version_confidence
WHERE is_called(name, $name) AND $subject IN ('', subject)
ORDER BY version_order(version) DESC, family_url, name
