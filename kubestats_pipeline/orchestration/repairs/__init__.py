"""Repairs of what Dagster leaves undone: dead runs, stuck pools, clocks set back, old runs."""
