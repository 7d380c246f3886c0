"""Tree differences to events."""
