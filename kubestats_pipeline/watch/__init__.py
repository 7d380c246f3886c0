"""Rules of what is watched, the changes that they find in the published file, and the messages that tell of them."""
