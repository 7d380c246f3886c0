"""Builds of kustomizations: the whole objects that kustomize makes of the files of a repository."""
