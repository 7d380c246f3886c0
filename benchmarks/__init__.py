"""Benchmarks: every part of the pipeline beside the least that the same work costs, measured in the same run."""
