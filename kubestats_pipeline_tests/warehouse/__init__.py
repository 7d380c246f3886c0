"""Tests of the warehouse stage."""
