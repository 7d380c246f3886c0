"""Tests of scan/clusters."""
