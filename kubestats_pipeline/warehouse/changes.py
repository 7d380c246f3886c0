"""Finds the repositories that have changed since a file was published, by the stamps of their files and by their rows.

A sweep replaces files of repositories in which nothing has happened: only when each was looked at. Rows are compared
there, without the columns that no stored mart reads.
"""

import datetime
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import PurePath

import duckdb

from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.paths import encode_name
from kubestats_pipeline.lake.tables import REPOSITORIES, SCANS, SNAPSHOTS, TABLES
from kubestats_pipeline.storage.folder import Stamp
from kubestats_pipeline.warehouse.built_from import BuiltFrom
from kubestats_pipeline.warehouse.load import load_table
from kubestats_pipeline.warehouse.marts import INFO
from kubestats_pipeline.warehouse.sources import Sources

LARGEST_SHARE = 0.1
"""Share of the lake's bytes that may have changed. To replace 22 % of a million events took 0.6 of the CPU of a whole
build, and left a file that was larger by 74 %."""

PASSING: Mapping[str, frozenset[str]] = {
    REPOSITORIES.name: frozenset({"last_seen_at", "pushed_at"}),
    SNAPSHOTS.name: frozenset(
        {"sync_status", "sync_error", "last_sync_at", "consecutive_failures", "next_attempt_at", "sync_run_id"}
    ),
    SCANS.name: frozenset({"last_scan_at", "sync_run_id"}),
}
"""Columns that no stored mart reads."""

OWNED = tuple(table for table in TABLES.values() if table.partitioning is Partitioning.REPOSITORY)
"""The tables of which each repository has its own files."""

FOLDER = "repository="
"""How the name of a repository's folder begins, in each of these tables."""

_STATES = (SNAPSHOTS.name, SCANS.name)
"""Those of which each sweep replaces files."""


class WholeBuildNeeded(Exception):  # noqa: N818 - an answer, not a fault
    """The published file cannot be brought up to date, or hardly cheaper than it is built. The text says why."""


@dataclass(frozen=True)
class Changes:
    """What has changed since a file was published.

    Attributes:
        folders: the folders of the repositories that have changed, as they are called in each table of the lake.
        sources: the files to load: all of these repositories', the states that were written, and the small tables.
        moved: the tables of which some row has changed that a stored mart reads.
    """

    folders: frozenset[str]
    sources: Sources
    moved: frozenset[str]


def find_changes(
    connection: duckdb.DuckDBPyConnection, sources: Sources, origin: BuiltFrom, built_at: datetime.datetime
) -> Changes:
    """Compare the lake's files with those of the origin, and the rows of small tables with those of the file.

    `connection` has the file as `whole`. Its database `memory` is used for the rows of small tables. `built_at` is the
    moment of the new build, which lies before that of the origin where the clock was set back.

    Raises:
        WholeBuildNeeded: a repository has gone, or was decided about.
    """
    written = {name: _written(name, sources, origin) for name in (table.name for table in OWNED)}
    folders = frozenset().union(*(found for name, found in written.items() if name not in _STATES))
    moved = {name for name in TABLES if name not in written and dict(sources[name]) != _stamps(origin, name)}
    load_table(connection, REPOSITORIES, list(sources[REPOSITORIES.name]))
    _refuse_decisions(connection)
    names = _unlike(connection, REPOSITORIES)
    if not names:
        moved.discard(REPOSITORIES.name)
    for table in (SNAPSHOTS, SCANS):
        load_table(connection, table, list(_within(sources[table.name], written[table.name])))
        names |= _unlike(connection, table)
    if early := _dated_after(connection, min(origin.built_at, built_at)):
        moved.add(INFO)
    folders |= {FOLDER + encode_name(name) for name in names | early}
    needed = {name: folders | (written[name] if name in _STATES else set()) for name in written}
    chosen = {name: _within(files, needed[name]) if name in needed else files for name, files in sources.items()}
    return Changes(folders, chosen, frozenset(moved | (set(written) if folders else set())))


def find_ids(connection: duckdb.DuckDBPyConnection, sources: Sources, folders: Container[str]) -> set[str]:
    """The ids of all repositories with a row in the files of some folders."""
    found: set[str] = set()
    for table in OWNED:
        if files := list(_within(sources[table.name], folders)):
            query = "SELECT DISTINCT repository_id FROM read_parquet($files, hive_partitioning = false)"
            found |= {one for (one,) in connection.execute(query, {"files": files}).fetchall()}
    return found


def with_folders(changes: Changes, sources: Sources, more: frozenset[str]) -> Changes:
    """The changes with some more repositories."""
    added = {table.name: {**changes.sources[table.name], **_within(sources[table.name], more)} for table in OWNED}
    ordered = {name: {path: files[path] for path in sources[name] if path in files} for name, files in added.items()}
    moved = changes.moved | {table.name for table in OWNED}
    return Changes(changes.folders | more, {**changes.sources, **ordered}, frozenset(moved))


def refuse_many(changes: Changes, sources: Sources) -> None:
    """Look how much of the lake is to be loaded.

    Raises:
        WholeBuildNeeded: more than `LARGEST_SHARE`.
    """
    some, every = _size(changes.sources), _size(sources)
    if some > every * LARGEST_SHARE:
        raise WholeBuildNeeded(f"{some / every:.0%} of the lake has changed")


def _size(sources: Sources) -> int:
    return sum(size for files in sources.values() for _, size, _ in files.values())


def _written(name: str, sources: Sources, origin: BuiltFrom) -> set[str]:
    """The folders of a table in which some file has been written, added or removed."""
    before, now = _by_folder(_stamps(origin, name)), _by_folder(sources[name])
    if before.keys() - now.keys():
        raise WholeBuildNeeded("a repository has gone from the lake")
    return {folder for folder, files in now.items() if before.get(folder) != files}


def _stamps(origin: BuiltFrom, name: str) -> dict[str, Stamp]:
    return {path: stamp for path, (stamp, _) in origin.files.get(name, {}).items()}


def _by_folder(files: Mapping[str, Stamp]) -> dict[str, dict[str, Stamp]]:
    found: dict[str, dict[str, Stamp]] = {}
    for path, stamp in files.items():
        found.setdefault(PurePath(path).parent.name, {})[path] = stamp
    return found


def _within(files: Mapping[str, Stamp], folders: Container[str]) -> dict[str, Stamp]:
    return {path: stamp for path, stamp in files.items() if PurePath(path).parent.name in folders}


def _refuse_decisions(connection: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT count(*) FROM whole.repositories AS old "
        "LEFT JOIN memory.main.repositories AS new USING (repository_id) "
        "WHERE new.status IS DISTINCT FROM old.status OR new.full_name IS DISTINCT FROM old.full_name"
    )
    ((count,),) = connection.execute(query).fetchall()
    if count:
        raise WholeBuildNeeded(f"{count} repositories have another name or status")


def _unlike(connection: duckdb.DuckDBPyConnection, table: Table) -> set[str]:
    """The names of repositories whose row is another one, by all columns that a stored mart may read."""
    columns = ", ".join(f'"{name}"' for name in table.column_names if name not in PASSING[table.name])
    new = f"SELECT {columns} FROM memory.main.{table.name}"  # noqa: S608 - the contract's
    old = f"SELECT {columns} FROM whole.{table.name} SEMI JOIN memory.main.{table.name} USING (repository_id)"  # noqa: S608
    query = f"SELECT DISTINCT full_name FROM (({old} EXCEPT {new}) UNION ALL ({new} EXCEPT {old}))"  # noqa: S608
    return {name for (name,) in connection.execute(query).fetchall()}


def _dated_after(connection: duckdb.DuckDBPyConnection, moment: datetime.datetime) -> set[str]:
    """The repositories with commits that are dated after a build: their marts change as time passes."""
    query = (
        "SELECT full_name FROM whole.snapshots WHERE head_committed_at > $moment "
        "UNION SELECT full_name FROM whole.resource_events WHERE event_timestamp > $moment"
    )
    return {name for (name,) in connection.execute(query, {"moment": moment}).fetchall()}
