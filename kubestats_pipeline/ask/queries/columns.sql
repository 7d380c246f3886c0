-- The columns of a table or view, and what each means.
-- $table: its name
SELECT column_name, data_type, comment
FROM duckdb_columns()
WHERE table_name = $table
ORDER BY column_index
