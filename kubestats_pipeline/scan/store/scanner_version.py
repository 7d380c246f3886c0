"""The version of the scanner, which the page of each of its tables shows."""

SCANNER_VERSION = "7"
"""Raised when the scanner reads the same history differently: repositories are then replayed from the start."""
