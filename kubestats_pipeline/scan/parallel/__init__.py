"""Processes that scan side by side, and a helper that reads ahead."""
