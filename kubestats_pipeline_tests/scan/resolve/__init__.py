"""Tests of scan/resolve."""
