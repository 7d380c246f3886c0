"""Tests of the sync stage against real remotes: folders and servers on the loopback."""
