"""Tests of scan/kinds."""
