"""The objects that each cluster runs: the walk of what applies what, the substitution and the references."""
