"""Questions to the published file, and their answers with bounds, for programs and for people."""
