"""A repository's tables and its position in the lake."""
