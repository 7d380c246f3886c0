"""Parquet to one DuckDB file: the stage that publishes."""
