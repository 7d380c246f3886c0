"""History to rows: the stage that writes `resource_events`, `resources`, `scan_problems` and `scans`."""
