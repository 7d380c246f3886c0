"""Tests of the scan stage: reading manifests, joining their facts, replaying history, and the tables that follow."""
