"""Tests of scan/build."""
