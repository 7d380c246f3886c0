"""What a new version does once to the data that earlier ones have left."""
