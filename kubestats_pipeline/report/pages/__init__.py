"""One module for each kind of page: which pages there are, and the sections of each."""
