"""Helm values: their inputs, how they are merged, and their rows."""
