"""The demo: real git repositories that the package builds itself, commit by commit."""
