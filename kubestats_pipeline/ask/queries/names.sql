-- What there is to ask for: all charts, apps, images and repositories by their names.
SELECT DISTINCT 'chart' AS subject, chart_name AS name FROM releases WHERE in_scope AND chart_name IS NOT NULL
UNION
SELECT 'app', app_name FROM resource_uses WHERE in_scope AND app_name IS NOT NULL
UNION
SELECT 'image', image FROM image_uses WHERE in_scope
UNION
SELECT 'repo', full_name FROM repositories
ORDER BY subject, name
