"""What makes Dagster run and serve the pipeline."""
