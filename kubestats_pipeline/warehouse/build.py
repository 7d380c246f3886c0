"""Builds the DuckDB file from the lake's Parquet beside the published one and renames it into place.

`whole.py` fills an empty file with everything. Where few repositories have changed, `refresh.py` brings a copy of the
published file up to date instead. `verify.py` checks before publishing in both cases. A reader has the old file or the
new one, whole. A build that fails or dies changes nothing that anybody reads.
"""

import datetime
import hashlib
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.locks import is_alive
from kubestats_pipeline.storage.folder import Stamp, flush
from kubestats_pipeline.warehouse.basis import Basis, note_basis, read_basis
from kubestats_pipeline.warehouse.built_from import BuiltFrom, rows_of, with_rows, write_built_from
from kubestats_pipeline.warehouse.changes import WholeBuildNeeded
from kubestats_pipeline.warehouse.connect import forget_blocks, open_to_build
from kubestats_pipeline.warehouse.marts import MACROS, MARTS
from kubestats_pipeline.warehouse.refresh import Build, refresh
from kubestats_pipeline.warehouse.sources import WarehouseError, find_sources
from kubestats_pipeline.warehouse.values.known_secrets import SecretFinding, withhold_secrets
from kubestats_pipeline.warehouse.values.withhold import PublishRule
from kubestats_pipeline.warehouse.verify import refuse_contradictions, refuse_violations
from kubestats_pipeline.warehouse.whole import create_marts, load_tables, write_info

ATTEMPTS = 3
"""How often a build is tried while a scan goes on replacing files under it: events and resources are two files."""


@dataclass(frozen=True)
class WarehouseReport:
    """The results of a build.

    Attributes:
        path: the published file.
        built_at: when the build began to read the lake.
        rows: rows of each table.
        views: the views and stored marts, in the order in which they were created.
        size_bytes: size of the file.
        seconds: wall time of the build.
        withheld: texts of the lake with the shape of a secret. The file does not hold them.
        whole_because: why everything was built, or None where the last file was brought up to date.
    """

    path: Path
    built_at: datetime.datetime
    rows: Mapping[str, int]
    views: tuple[str, ...]
    size_bytes: int
    seconds: float
    withheld: tuple[SecretFinding, ...] = ()
    whole_because: str | None = None


def build_warehouse(lake: Lake, publish_values: PublishRule = "looks", *, whole: bool = False) -> WarehouseReport:
    """Build the warehouse from everything in the lake and publish it.

    Every row of every partition is published. When the lake was written to during a build that failed, the build is
    repeated, at most `ATTEMPTS` times in all. With `whole`, nothing is taken from the published file.

    Raises:
        WarehouseError: a file is damaged, the rows break a rule of `verify.py`, or the disk is full or read-only. The
            published file is as it was and nothing is left beside it.
    """
    started = time.monotonic()
    for path in (lake.layout.built_from, lake.layout.warehouse):
        _remove_leftovers(path)
    for _ in range(ATTEMPTS - 1):
        basis = read_basis(lake, publish_values)
        try:
            return _build(lake, basis, publish_values, started, whole=whole)
        except WarehouseError:
            if find_sources(lake, tuple(TABLES.values())) == basis.sources:
                raise
    return _build(lake, read_basis(lake, publish_values), publish_values, started, whole=whole)


def schema_version() -> str:
    """Digest of the names and types of all columns. It changes exactly when the schema does."""
    tables = [(table.name, [(column.name, column.type.value) for column in table.columns]) for table in TABLES.values()]
    views = [(mart.name, [name for name, _ in mart.columns]) for mart in (*MARTS, *MACROS)]
    return hashlib.sha256(repr((tables, views)).encode()).hexdigest()[:12]


def _build(lake: Lake, basis: Basis, publish_values: PublishRule, started: float, *, whole: bool) -> WarehouseReport:
    built_at = datetime.datetime.now(datetime.UTC)
    build = Build(lake, basis.sources, basis.rules, publish_values, built_at)
    target = lake.layout.warehouse
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        rows, withheld, because = _build_what_is_needed(build, whole=whole)
        _publish(build.origin, lake.layout.built_from)
        published = Stamp.of(build.file.stat())
        _publish(build.file, target)
        note_basis(lake, basis, built_at, published)
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:  # a full disk can be any of them
        problem = f"{target} cannot be built ({type(error).__name__})"
        raise WarehouseError(f"{problem}. See that the disk is neither full nor read-only, and run again") from error
    finally:
        _remove(build.file)
        _remove(build.origin)
    views = tuple(mart.name for mart in MARTS)
    seconds = round(time.monotonic() - started, 3)
    return WarehouseReport(target, built_at, rows, views, published.size, seconds, withheld, because)


def _build_what_is_needed(build: Build, *, whole: bool) -> tuple[dict[str, int], tuple[SecretFinding, ...], str | None]:
    """Build the file, and give its rows by table, what was withheld, and why it was built as a whole."""
    try:
        if whole:
            raise WholeBuildNeeded("it was asked for")
        return refresh(build), (), None
    except WholeBuildNeeded as reason:
        because = str(reason)
    except duckdb.Error as error:  # a whole build asks less of memory and of the old file, or says what is wrong
        because = f"the published file cannot be brought up to date ({type(error).__name__})"
    _remove(build.file)
    _remove(build.origin)
    return *_build_whole(build), because


def _build_whole(build: Build) -> tuple[dict[str, int], tuple[SecretFinding, ...]]:
    with open_to_build(build.file) as connection:
        load_tables(connection, build.sources, build.publish_values)
        files = with_rows(connection, build.sources)
        rows = rows_of(files)
        withheld = withhold_secrets(connection)
        write_info(connection, build.built_at, schema_version(), rows, withheld, build.publish_values)
        forget_blocks(connection)
        create_marts(connection)
        refuse_contradictions(connection)
        refuse_violations(connection)
        connection.execute("CHECKPOINT")
        origin = BuiltFrom(build.built_at, build.built_at, build.file.stat().st_size, build.rules, files)
        write_built_from(connection, build.origin, origin, "setting_shares")
    return rows, tuple(withheld)


def _publish(temporary: Path, target: Path) -> None:
    flush(temporary)
    # Who opened the old file for writing and died left a log, beside which DuckDB refuses to open the new file.
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    temporary.replace(target)
    flush(target.parent)


def _remove(temporary: Path) -> None:
    """Remove a temporary database with its log and the folder that it spilled to."""
    for suffix in ("", ".wal"):
        temporary.with_name(temporary.name + suffix).unlink(missing_ok=True)
    shutil.rmtree(temporary.with_name(temporary.name + ".tmp"), ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Remove what builds that were killed left behind. A build that still runs in another process keeps its own."""
    pattern = re.compile(re.escape(target.name) + r"\.(\d+)\.tmp(\.wal|\.tmp)?")
    for path in target.parent.glob(f"{target.name}.*"):
        match = pattern.fullmatch(path.name)
        if match and (int(match[1]) == os.getpid() or not is_alive(int(match[1]))):
            _remove(target.with_name(f"{target.name}.{match[1]}.tmp"))
