"""A copy of all that is known and cannot be made again, taken from a running installation, and the way back."""
