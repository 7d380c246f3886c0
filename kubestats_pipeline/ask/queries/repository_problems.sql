-- The files of a repository that could not be read wholly, and why.
-- $name: its full name
SELECT problem, file_path, message
FROM scan_problems
WHERE lower(full_name) = lower($name)
ORDER BY problem, file_path
