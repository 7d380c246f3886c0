"""Resolution inside a repository: which chart, version and namespace a release really has."""
