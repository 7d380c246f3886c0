"""The substitution of variables in the objects of a build, as kustomize-controller does it."""
