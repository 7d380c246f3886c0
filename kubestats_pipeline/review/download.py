"""A published file from the web: kept in a cache, and fetched again only where its server has another one."""

import hashlib
from pathlib import Path

import httpx

from kubestats_pipeline.locks import locked
from kubestats_pipeline.review.clone import ReviewError
from kubestats_pipeline.storage.folder import flush

TIMEOUT_SECONDS = 60
LOCK_SECONDS = 600
"""How long another download of the same file is waited for."""


def is_url(text: str) -> bool:
    """Recognise an address of the web."""
    return text.startswith(("http://", "https://"))


def fetch_published(url: str, cache: Path) -> Path:
    """The file of an address, in the cache. An unchanged one costs one request (RFC 9110, section 13.1.2).

    Raises:
        ReviewError: it cannot be fetched. The text does not quote the query, which may be a secret.
        BusyError: another process has been fetching it for long.
        OSError: the cache cannot be written.
    """
    file = cache / f"{hashlib.sha256(url.encode()).hexdigest()[:24]}.duckdb"
    cache.mkdir(parents=True, exist_ok=True)
    with locked(file, LOCK_SECONDS):
        try:
            _fetch(url, file)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"status {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else ""
            problem = f"{_shown(url)} cannot be fetched ({reason or type(error).__name__})"
            raise ReviewError(f"{problem}. Correct --against, or see that the server answers") from None
    return file


def _fetch(url: str, file: Path) -> None:
    known = file.with_suffix(".etag")
    headers = {"If-None-Match": known.read_text()} if known.is_file() and file.is_file() else {}
    with httpx.stream("GET", url, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=True) as response:
        if response.status_code == httpx.codes.NOT_MODIFIED and headers:
            return
        response.raise_for_status()
        part = file.with_suffix(".part")
        with part.open("wb") as target:
            for block in response.iter_bytes():
                target.write(block)
        known.unlink(missing_ok=True)  # the next process must not take an old mark for the new file's
        flush(part)
        part.replace(file)
        if etag := response.headers.get("etag"):
            known.write_text(etag)


def _shown(url: str) -> str:
    """An address without user, password, query and fragment."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "the address"
    return f"{parts.scheme}://{parts.netloc.decode()}{parts.path}"
