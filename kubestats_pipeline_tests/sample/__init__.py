"""The sample's repositories: built alike everywhere, whole or not at all, and telling what they promise."""
