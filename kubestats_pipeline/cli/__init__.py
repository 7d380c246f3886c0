"""The `kubestats` command."""
