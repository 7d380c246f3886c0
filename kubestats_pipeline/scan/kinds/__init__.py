"""Kind scanners: one module a family of kinds, registered by (group, kind)."""
