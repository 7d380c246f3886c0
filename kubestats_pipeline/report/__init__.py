"""The static site, made from the published file alone."""
