"""One module a stage: its tables as Dagster assets."""
