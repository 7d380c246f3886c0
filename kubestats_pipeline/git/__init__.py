"""The mirror of a repository, and how git is asked."""
