"""What a kustomization says: resources, patches, selectors."""
