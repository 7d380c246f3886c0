"""Bounded mirrors: the stage that writes `snapshots`."""
