"""The files of the lake that a build reads, each with a stamp by which its replacement is noticed."""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.storage.folder import Stamp


class WarehouseError(ExplainedError):
    """The warehouse cannot be built. The text names table or file, and what to do. The published file is untouched."""


Sources = Mapping[str, Mapping[str, Stamp]]
"""The Parquet files of each table by name, each with its stamp, in the order in which their rows are published."""


def find_sources(lake: Lake, tables: Sequence[Table]) -> Sources:
    """All partition files of some tables as they are now.

    Raises:
        WarehouseError: one of several files of a log is damaged.
    """
    try:
        return {
            table.name: _stamps(path for key in lake.partitions(table) for path in lake.files(table, key))
            for table in tables
        }
    except LakeError as error:
        raise WarehouseError(str(error)) from error


def _stamps(paths: Iterable[Path]) -> dict[str, Stamp]:
    stamps = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # a partition may just be going
            stamps[str(path)] = Stamp.of(path.stat())
    return stamps
