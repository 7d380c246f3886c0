"""Tests of what makes Dagster run and serve the pipeline."""
