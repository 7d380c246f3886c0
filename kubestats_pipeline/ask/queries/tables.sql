-- All tables, views and macros, and what a row of each is.
SELECT table_name AS name, comment FROM duckdb_tables()
UNION ALL
SELECT view_name, comment FROM duckdb_views() WHERE NOT internal
UNION ALL
SELECT function_name || '(' || array_to_string(parameters, ', ') || ')', comment
FROM duckdb_functions()
WHERE NOT internal AND function_type = 'table_macro'
ORDER BY name
