"""The stage that makes a static site of the published DuckDB file: pages, their JSON, feeds and a sitemap."""
