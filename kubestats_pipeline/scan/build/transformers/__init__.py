"""Changes that kustomize makes to the resources of a build, each as a function that copies only what it changes."""
