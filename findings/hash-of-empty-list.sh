#!/usr/bin/env bash
# Versions: DuckDB 2.0.1, from the package duckdb.
# Behaviour: hash() of an empty list, of a list of NULL and of a struct of NULL is that of NULL, also inside a row.
# Seen: 2026-12-01, with the output below. Values that DuckDB itself holds for different have one hash, while '' and NULL have two.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "$0")/lib-duckdb"

program <<'END'
import duckdb

pairs = (
    ("[]::INTEGER[]", "NULL::INTEGER[]"),
    ("[NULL]::INTEGER[]", "NULL::INTEGER[]"),
    ("{'a': NULL::INTEGER}", "NULL::STRUCT(a INTEGER)"),
    ("{'id': 1, 'images': []::VARCHAR[]}", "{'id': 1, 'images': NULL::VARCHAR[]}"),
    ("''", "NULL::VARCHAR"),
)
for one, other in pairs:
    query = f"SELECT {one} IS DISTINCT FROM {other}, hash({one}) = hash({other})"
    ((different, hashes),) = duckdb.execute(query).fetchall()
    print(f"{one} and {other}: {'different' if different else 'equal'}, {'one hash' if hashes else 'two hashes'}")
END

echo "A digest of rows by hash() does not notice that a list has lost its last item and is NULL now:"
seen <<'END'
[]::INTEGER[] and NULL::INTEGER[]: different, one hash
[NULL]::INTEGER[] and NULL::INTEGER[]: different, one hash
{'a': NULL::INTEGER} and NULL::STRUCT(a INTEGER): different, one hash
{'id': 1, 'images': []::VARCHAR[]} and {'id': 1, 'images': NULL::VARCHAR[]}: different, one hash
'' and NULL::VARCHAR: different, two hashes
END
