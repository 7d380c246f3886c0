"""A published file from a real web server: fetched once, again only where it changed, and whole or not at all."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kubestats_pipeline.review.clone import ReviewError
from kubestats_pipeline.review.download import fetch_published


@dataclass
class Site:
    """What a server has, and what it was asked for: the status of each answer."""

    content: bytes = b"first"
    etag: str | None = '"one"'
    length: int = 0
    answers: list[int] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://ann:pass@127.0.0.1:{self.port}/kubestats.duckdb?token=hidden"


@pytest.fixture
def site() -> Iterator[Site]:
    served = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = served.etag is not None and self.headers.get("If-None-Match") == served.etag
            served.answers.append(304 if known else 200)
            self.send_response(served.answers[-1])
            if served.etag:
                self.send_header("ETag", served.etag)
            self.send_header("Content-Length", "0" if known else str(len(served.content) + served.length))
            self.end_headers()
            self.wfile.write(b"" if known else served.content)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def test_an_unchanged_file_is_not_fetched_again(site: Site, tmp_path: Path):
    first = fetch_published(site.url, tmp_path / "cache")
    second = fetch_published(site.url, tmp_path / "cache")
    assert (first, first.read_bytes(), site.answers) == (second, b"first", [200, 304])
    site.content, site.etag = b"second", '"two"'
    assert fetch_published(site.url, tmp_path / "cache").read_bytes() == b"second"


def test_a_server_without_marks_is_asked_each_time(site: Site, tmp_path: Path):
    site.etag = None
    assert [fetch_published(site.url, tmp_path).read_bytes() for _ in range(2)] == [b"first"] * 2
    assert site.answers == [200, 200]


def test_a_download_that_breaks_off_leaves_the_file_before(site: Site, tmp_path: Path):
    file = fetch_published(site.url, tmp_path)
    site.content, site.etag, site.length = b"half", '"two"', 1000
    with pytest.raises(ReviewError, match="cannot be fetched"):
        fetch_published(site.url, tmp_path)
    assert file.read_bytes() == b"first"
    site.length = 0
    assert fetch_published(site.url, tmp_path).read_bytes() == b"half"


def test_a_failure_says_what_to_do_and_quotes_no_secret(site: Site, tmp_path: Path):
    site.port, closed = 9, site.port
    with pytest.raises(ReviewError) as failed:
        fetch_published(site.url, tmp_path)
    site.port = closed
    assert str(failed.value).startswith("http://127.0.0.1:9/kubestats.duckdb cannot be fetched (ConnectError). Correct")
    with pytest.raises(ReviewError, match="the address cannot be fetched"):
        fetch_published("http://a:port/kubestats.duckdb", tmp_path)
