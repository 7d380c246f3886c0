"""Ctrl-C while DuckDB works.

DuckDB sees it too, and waits then for its other threads, which go on with the query to its end. So the query itself is
told to stop first.
"""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

import duckdb


@contextlib.contextmanager
def stopping(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Have Ctrl-C stop what this connection runs, and then do what it did before. For the main thread."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # who started us has switched Ctrl-C off
        yield connection
        return

    def stop(number: int, frame: FrameType | None) -> None:
        connection.interrupt()
        before(number, frame)

    signal.signal(signal.SIGINT, stop)
    try:
        yield connection
    finally:
        signal.signal(signal.SIGINT, before)
