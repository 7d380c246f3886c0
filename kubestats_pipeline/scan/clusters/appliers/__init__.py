"""One applier by itself: the folders that its object asks for, and the objects that it makes of what is built there."""
