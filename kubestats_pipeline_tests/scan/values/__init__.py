"""Tests of scan/values."""
