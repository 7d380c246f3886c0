"""Brings a copy of the published file up to date where only a few repositories have changed since it was built.

The files of these repositories are loaded into a small database exactly as the whole lake is: what may not be published
is withheld, and all rules are checked. Its rows then take the place of theirs in the copy, and the marts that depend on
them are computed anew. The result has the rows of a whole build in another order.

Where that is not certain, a whole build is needed. It is needed after a day in any case, and when a repository has
gone or was decided about: DuckDB hides deleted rows, but their bytes stay in a file until it is built anew.
"""

import datetime
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import decode_name, encode_name
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.built_from import BuiltFrom, read_built_from, rows_of, with_rows, write_built_from
from kubestats_pipeline.warehouse.changes import (
    FOLDER,
    OWNED,
    Changes,
    WholeBuildNeeded,
    find_changes,
    find_ids,
    refuse_many,
    with_folders,
)
from kubestats_pipeline.warehouse.connect import open_to_build, quote
from kubestats_pipeline.warehouse.kept_marts import PART, WHOLE, KeptMarts
from kubestats_pipeline.warehouse.marts import INFO
from kubestats_pipeline.warehouse.sources import Sources
from kubestats_pipeline.warehouse.values.known_secrets import withhold_secrets
from kubestats_pipeline.warehouse.values.withhold import SHARED, PublishRule
from kubestats_pipeline.warehouse.verify import verify
from kubestats_pipeline.warehouse.whole import load_tables, write_info

WHOLE_EVERY = datetime.timedelta(days=1)
"""How long a file is brought up to date before it is built anew."""

LARGEST_GROWTH = 1.5
"""Times the size that the last whole build gave. The space of replaced rows is used again in part only."""

_SHARES = (
    "(FROM setting_shares UNION ALL FROM earlier.setting_shares WHERE repository_id NOT IN ({repositories})) AS shares"
)
_FLIPPED = """
WITH old AS ({old}), new AS ({new})
SELECT DISTINCT chart_name FROM ((FROM old EXCEPT FROM new) UNION ALL (FROM new EXCEPT FROM old))
"""


@dataclass(frozen=True)
class Build:
    """One build that is to be published.

    Attributes:
        lake: the tables.
        sources: the files of the lake that it reads.
        rules: digest of the code that decides what it gives, and of its settings.
        publish_values: the rule by which values of settings are published.
        built_at: when it began to read the lake.
    """

    lake: Lake
    sources: Sources
    rules: str
    publish_values: PublishRule
    built_at: datetime.datetime

    @property
    def file(self) -> Path:
        """Where the file is built. It takes the place of the published one by a rename."""
        return _beside(self.lake.layout.warehouse)

    @property
    def origin(self) -> Path:
        """The same of the file that says what it was built from."""
        return _beside(self.lake.layout.built_from)


def refresh(build: Build) -> dict[str, int]:
    """Bring a copy of the published file up to date, and return the rows of each table.

    Raises:
        WholeBuildNeeded: the file has to be built as a whole. What lies in its place may be anything.
        WarehouseError: as in `load_table`.
    """
    before = _usable_origin(build)
    shutil.copyfile(build.lake.layout.warehouse, build.file)
    with open_to_build() as connection:
        connection.execute(f"ATTACH {quote(str(build.file))} AS whole")
        connection.execute(f"ATTACH {quote(str(build.lake.layout.built_from))} AS earlier (READ_ONLY)")
        connection.execute("SET checkpoint_threshold = '1TB'")  # one at the end, not one after each large statement
        _refuse_another_build(connection, before)
        _refuse_withheld(connection)
        found = find_changes(connection, build.sources, before, build.built_at)
        changes, repositories = _load(connection, found, build)
        files = with_rows(connection, build.sources, before.files)
        refreshed = before.refreshed | changes.folders
        now = replace(before, built_at=build.built_at, files=files, refreshed=refreshed)
        _check(connection, changes, now, build.publish_values)
        _replace(connection, changes, repositories, now)
        _refuse_other_counts(connection, now)
        write_built_from(connection, build.origin, now, _SHARES.format(repositories=repositories))
        connection.execute("CHECKPOINT whole; DETACH whole")
    with open_to_build(build.file) as connection:
        _refuse(connection)
    return rows_of(now.files)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.tmp")


def _usable_origin(build: Build) -> BuiltFrom:
    origin = read_built_from(build.lake.layout)
    if origin is None:
        raise WholeBuildNeeded("nobody knows from what the published file was built")
    if origin.rules != build.rules:
        raise WholeBuildNeeded("the published file was built by other rules")
    if not datetime.timedelta(0) <= build.built_at - origin.whole_at < WHOLE_EVERY:
        raise WholeBuildNeeded("the last whole build is a day old")
    if build.lake.layout.warehouse.stat().st_size > origin.whole_bytes * LARGEST_GROWTH:
        raise WholeBuildNeeded("the published file has grown by half")
    return origin


def _refuse_another_build(connection: duckdb.DuckDBPyConnection, before: BuiltFrom) -> None:
    """Look again if all three are of one build. Another process may publish while they are read one after another."""
    query = "SELECT built_at FROM whole.warehouse_info UNION SELECT built_at FROM earlier.info"
    if connection.execute(query).fetchall() != [(before.built_at,)]:
        raise WholeBuildNeeded("another process published meanwhile")


def _refuse_withheld(connection: duckdb.DuckDBPyConnection) -> None:
    if connection.execute("FROM whole.warehouse_info WHERE len(withheld) > 0").fetchall():
        raise WholeBuildNeeded("texts with the shape of a secret were withheld")


def _load(connection: duckdb.DuckDBPyConnection, changes: Changes, build: Build) -> tuple[Changes, str]:
    """Load the repositories that have changed, and those that may show more or less because of them.

    Return the changes with all of them, and an SQL list of their ids.
    """
    while True:
        refuse_many(changes, build.sources)
        repositories = _list_ids(connection, changes)
        shares = _SHARES.format(repositories=repositories)
        load_tables(connection, changes.sources, build.publish_values, shares)
        more = _others_affected(connection, shares) - changes.folders
        if not more:
            return changes, repositories
        changes = with_folders(changes, build.sources, more)


def _list_ids(connection: duckdb.DuckDBPyConnection, changes: Changes) -> str:
    """An SQL list of the ids of the repositories in all files of their folders. None may have been another one's."""
    found = find_ids(connection, changes.sources, changes.folders)
    names = [decode_name(folder.removeprefix(FOLDER)) for folder in changes.folders]
    query = (
        "SELECT repository_id FROM whole.scans WHERE list_contains($names, full_name) "
        "UNION SELECT repository_id FROM whole.snapshots WHERE list_contains($names, full_name)"
    )
    if {one for (one,) in connection.execute(query, {"names": names}).fetchall()} - found:
        raise WholeBuildNeeded("a name belongs to another repository now")
    return ", ".join(quote(one) for one in sorted(found)) or "''"


def _others_affected(connection: duckdb.DuckDBPyConnection, shares: str) -> frozenset[str]:
    """The folders of all repositories that ever had a chart of which other values are shared now by three."""
    flipped = _FLIPPED.format(old=SHARED.format(shares="earlier.setting_shares"), new=SHARED.format(shares=shares))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE flipped AS {flipped}")
    logs = " UNION ".join(
        f"SELECT full_name FROM whole.{table} AS each "  # noqa: S608 - the contract's
        "WHERE EXISTS (FROM flipped WHERE flipped.chart_name IS NOT DISTINCT FROM each.chart_name)"
        for table in ("resource_events", "resources", "applied_resources")
    )
    return frozenset(FOLDER + encode_name(name) for (name,) in connection.execute(logs).fetchall())


def _check(connection: duckdb.DuckDBPyConnection, changes: Changes, now: BuiltFrom, rule: PublishRule) -> None:
    """Check the rows that are to be published, as a file of their own."""
    if withhold_secrets(connection):
        raise WholeBuildNeeded("a text has the shape of a secret")
    rows = {name: sum(now.files[name][path][1] for path in files) for name, files in changes.sources.items()}
    write_info(connection, now.built_at, "", rows, (), rule)
    _refuse(connection)


def _refuse(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave it to a whole build to say what is wrong."""
    if violations := verify(connection):
        raise WholeBuildNeeded(f"rows break the rule {violations[0].check} of {violations[0].table}")


def _replace(connection: duckdb.DuckDBPyConnection, changes: Changes, repositories: str, now: BuiltFrom) -> None:
    """Replace the rows of the repositories in the file, and what depends on them."""
    marts = KeptMarts(connection, repositories, set(changes.moved))
    marts.remember()
    connection.execute("CREATE TEMP TABLE old_stars AS SELECT repository_id, stars_count FROM whole.latest_metrics")
    for name in TABLES:
        own = f"SELECT repository_id FROM {PART}.{name}"  # noqa: S608 - the contract's
        owned = f"repository_id IN ({repositories}) OR repository_id IN ({own})"
        old = owned if name in {table.name for table in OWNED} else "TRUE"
        connection.execute(f"DELETE FROM {WHOLE}.{name} WHERE {old}")  # noqa: S608 - the contract's
        connection.execute(f"INSERT INTO {WHOLE}.{name} FROM {PART}.{name}")
    rows = rows_of(now.files)
    new_info = [now.built_at, list(rows), list(rows.values())]
    connection.execute(f"UPDATE {WHOLE}.{INFO} SET built_at = ?, source_rows = map(?, ?)", new_info)  # noqa: S608
    connection.execute(
        "CREATE TEMP TABLE starred AS SELECT DISTINCT repository_id FROM "
        "((SELECT repository_id, stars_count FROM whole.latest_metrics EXCEPT FROM old_stars) UNION ALL "
        "(FROM old_stars EXCEPT SELECT repository_id, stars_count FROM whole.latest_metrics))"
    )
    marts.bring_up_to_date()


def _refuse_other_counts(connection: duckdb.DuckDBPyConnection, now: BuiltFrom) -> None:
    for name, expected in rows_of(now.files).items():
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {WHOLE}.{name}").fetchall()  # noqa: S608
        if rows != expected:
            raise WholeBuildNeeded(f"{name} would have {rows} rows in place of {expected}")
