"""Tests of scan/manifests."""
