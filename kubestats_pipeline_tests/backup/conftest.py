"""The tests look at files through the same system that wrote them, so nothing waits for the disk."""

import os

import pytest


@pytest.fixture(autouse=True)
def unflushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are made and counted, and reach no disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
