"""Tests mirror the package; each is a sentence about real git, HTTP, DuckDB or Dagster."""
