"""`kubestats review`: a change of a user's own repository, seen with what the ecosystem knows."""
