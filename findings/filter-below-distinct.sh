#!/usr/bin/env bash
# Versions: DuckDB 2.0.1, from the package duckdb.
# Behaviour: A filter over SELECT DISTINCT, even over a MATERIALIZED CTE of it, and HAVING on a grouped column run before, on every row.
# Seen: 2026-12-01, with the output below. A slow function is called for each of 1,000 rows instead of 10 values, unless an aggregate makes the value.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib-duckdb"

program <<'END'
import duckdb

calls = []
connection = duckdb.connect()
connection.create_function("is_new", lambda version: calls.append(version) or version > 4, ["BIGINT"], "BOOLEAN")
connection.execute("CREATE TABLE uses AS SELECT range % 10 AS version FROM range(1000)")
for query in (
    "SELECT version FROM (SELECT DISTINCT version FROM uses) WHERE is_new(version)",
    "WITH each AS MATERIALIZED (SELECT DISTINCT version FROM uses) SELECT version FROM each WHERE is_new(version)",
    "SELECT version FROM uses GROUP BY version HAVING is_new(version)",
    "SELECT version FROM (SELECT any_value(version) AS version FROM uses GROUP BY uses.version) WHERE is_new(version)",
):
    calls.clear()
    found = len(connection.execute(query).fetchall())
    print(f"{found} rows, {'once a value' if len(calls) == 10 else 'once a row'}: {query}")
END

echo "A function is meant to judge each version once, and judges it once a row:"
seen <<'END'
5 rows, once a row: SELECT version FROM (SELECT DISTINCT version FROM uses) WHERE is_new(version)
5 rows, once a row: WITH each AS MATERIALIZED (SELECT DISTINCT version FROM uses) SELECT version FROM each WHERE is_new(version)
5 rows, once a row: SELECT version FROM uses GROUP BY version HAVING is_new(version)
5 rows, once a value: SELECT version FROM (SELECT any_value(version) AS version FROM uses GROUP BY uses.version) WHERE is_new(version)
END
