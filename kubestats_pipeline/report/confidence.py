"""Merge confidence for Renovate: a file for each answer of its API that the published file can give.

Renovate asks for `api/mc/availability` when it starts, and for `api/mc/json/{datasource}/{package}/{current}/{new}` for
each update. It escapes slashes of the package as `%2f`, early releases of 39 only the first, and 44 colons too. Servers
of files decode a path before they look for a file, so that one file at the decoded path answers all of them. Where
nobody can say anything there is no file: Renovate takes 404 for neutral, but ends its run at 403 and at 5xx. The rules
of what is high and low are those of `version_confidence`. `confidence.sql` bounds the pairs of versions.
"""

import re
from collections.abc import Iterator
from importlib.resources import files

import duckdb
import orjson

AVAILABILITY = "api/mc/availability"

JUDGED_VERSIONS = 20
"""Versions of one package for which answers are given, the newest of those that can be judged."""

RUNNING_VERSIONS = 40
"""Versions from which somebody may come to each of them, the newest of those that run below it."""

ROWS_AT_ONCE = 10_000

_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}(:\d{1,5})?(/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){0,15}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
"""Versions that are one segment of a path, with nothing that a URL would spell otherwise."""


def answers(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, bytes]]:
    """All files of the API: paths below the site's root, decoded, with their bytes. Each path is a file only.

    Args:
        connection: the published file.
    """
    yield AVAILABILITY, b"{}"
    query = files(__package__).joinpath("confidence.sql").read_text(encoding="utf-8")
    bounds = {"judged": JUDGED_VERSIONS, "running": RUNNING_VERSIONS}
    cursor = connection.cursor().execute(query, bounds)
    given = set[str]()
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        for datasource, package, current, new, confidence in rows:
            path = f"api/mc/json/{datasource}/{package}/{current}/{new}"
            if _is_answerable(package, current, new) and given.isdisjoint(_folders(path)):
                given.add(path)
                yield path, orjson.dumps({"confidence": confidence})


def _is_answerable(package: str, current: str, new: str) -> bool:
    """True if the names are what registries allow. Others are strangers' texts that nobody asks for."""
    return bool(_PACKAGE.fullmatch(package) and _VERSION.fullmatch(current) and _VERSION.fullmatch(new))


def _folders(path: str) -> Iterator[str]:
    """All folders above a path, none of which can be a file: an image may be called as another one's answer is."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
