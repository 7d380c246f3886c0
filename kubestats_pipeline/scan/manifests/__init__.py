"""Documents to the resources of a file, and of all files of a commit."""
