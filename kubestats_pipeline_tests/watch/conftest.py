"""A receiver for each test that wants one."""

from collections.abc import Iterator

import pytest

from kubestats_pipeline_tests.watch.receiving import PostServer, listening


@pytest.fixture
def phone() -> Iterator[PostServer]:
    """A server that takes what ntfy takes."""
    with listening() as server:
        yield server
