-- The tags at which an image or the images of an app run, commonest first.
-- $name: whole or its last part
-- $subject: app or image
SELECT image, coalesce(tag, digest) AS tag, count(DISTINCT full_name) AS repositories, count(*) AS resources
FROM who_runs($name)
WHERE list_contains(found_as, $subject) AND image IS NOT NULL
GROUP BY ALL
ORDER BY repositories DESC, resources DESC, image, tag
