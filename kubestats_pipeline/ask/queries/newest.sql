-- The newest version of a chart, an app or an image that anybody runs.
-- $name: whole or its last part
-- $subject: chart, app or image, or empty for all
FROM newest($name)
WHERE $subject IN ('', subject)
