"""Upgrades that a new version applies once to the data of earlier ones."""
