"""Kustomizations: their resources, patches and selectors."""
