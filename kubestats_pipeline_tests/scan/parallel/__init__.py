"""Tests of scan/parallel."""
