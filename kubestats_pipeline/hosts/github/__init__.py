"""GitHub's API: search, repositories, contents and rates."""
