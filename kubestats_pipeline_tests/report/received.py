"""A published file in which people take, hold and go back from versions of a chart, and a server of files."""

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from kubestats_pipeline.report.confidence import answers
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import day
from kubestats_pipeline_tests.warehouse.told_history import History, put, release, write_histories

HOME = "https://charts.example.org/stable"


def holder(number: int, **columns: Any) -> History:
    """Runs 6.5.0, holds 6.5.1 for three weeks, and has just come to 6.6.0."""
    return (
        History(number, f"user{number}/home")
        .commit(day(1, 1), release("podinfo", "podinfo", "6.5.0", **columns))
        .commit(day(1, 8), put("podinfo", version="6.5.1"))
        .commit(day(1, 29), put("podinfo", version="6.6.0"))
    )


def returner(number: int, **columns: Any) -> History:
    """Runs 6.5.0, tries 7.0.0 and goes back."""
    return (
        History(number, f"user{number}/home")
        .commit(day(1, 1), release("podinfo", "podinfo", "6.5.0", **columns))
        .commit(day(1, 20), put("podinfo", version="7.0.0"))
        .commit(day(1, 21), put("podinfo", version="6.5.0"))
    )


def publish(folder: Path, *histories: History, **columns: Any) -> Path:
    """The published file of five holders, two returners and some more; `columns` are of each release."""
    own = [*(holder(number, **columns) for number in range(1, 6)), *(returner(number, **columns) for number in (6, 7))]
    return build_warehouse(write_histories(folder, *own, *histories)).path


def write_answers(published: Path, site: Path) -> dict[str, bytes]:
    """Write all files of the API below a folder, and give them."""
    with duckdb.connect(str(published), read_only=True) as connection:
        files = dict(answers(connection))
    for path, content in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    return files


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serve_files(site: Path) -> Iterator[int]:
    """A real server of the files of a folder, on a free port of this machine."""
    site.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
