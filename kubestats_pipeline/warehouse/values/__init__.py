"""The choice of values of settings that are published, by their looks, in rows of settings and inside documents."""
