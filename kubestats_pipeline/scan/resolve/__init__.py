"""Resolution inside a repository: the effective chart, version and namespace of each release."""
