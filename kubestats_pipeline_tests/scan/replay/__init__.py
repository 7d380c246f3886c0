"""Tests of scan/replay."""
