"""The files by which the script of the site searches: names, and words of documents."""
