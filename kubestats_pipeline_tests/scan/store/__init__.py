"""Tests of scan/store."""
