"""The skin by which Dagster runs and serves the pipeline."""
