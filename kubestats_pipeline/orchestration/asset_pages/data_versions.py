"""Data versions: a table that was written again with the same content makes nothing after it out of date.

Dagster compares the versions of what an asset was made from with the present ones, and calls it unsynced where they
differ. Without a version of ours every materialization counts as new content.
"""

import hashlib
from collections.abc import Collection, Mapping

import polars as pl

DATA_VERSION = "dagster/data_version"
"""The tag of a materialization that Dagster reads its version from."""


def fingerprint(rows: pl.DataFrame | None, without: Collection[str] = ()) -> str:
    """The version of a table with these rows: the same for the same rows in the same order.

    Args:
        rows: of the table, or None where it has no file.
        without: columns that say when somebody looked, and nothing about what was seen.
    """
    content = "" if rows is None else rows.drop(without, strict=False).write_ndjson()
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def version_tag(rows: pl.DataFrame | None, without: Collection[str] = ()) -> Mapping[str, str]:
    """The tags of a materialization with these rows."""
    return {DATA_VERSION: fingerprint(rows, without)}
