"""Tests of scan/documents."""
