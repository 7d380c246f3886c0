"""Bytes to YAML documents, as Kubernetes decodes them. Knows neither Kubernetes nor git."""
