"""A published warehouse is whole or it is the old one, whatever happens to the lake, the build or its readers."""

import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import HELM_VALUES, RESOURCE_EVENTS, RESOURCES, SCANS, SNAPSHOTS, TABLES
from kubestats_pipeline.warehouse import build, connect
from kubestats_pipeline.warehouse.build import build_warehouse, schema_version
from kubestats_pipeline.warehouse.marts import INFO, MARTS
from kubestats_pipeline.warehouse.sources import WarehouseError
from kubestats_pipeline.warehouse.statistics.ecosystem import write_ecosystem_stats
from kubestats_pipeline.warehouse.verify import refuse_violations, verify
from kubestats_pipeline_tests.warehouse.small_lake import (
    Row,
    day,
    events,
    image,
    resource,
    scan,
    snapshot,
    write_small_lake,
    write_story,
)

READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
for _ in range(2):
    print(connection.execute("SELECT count(*) FROM resources").fetchone()[0], flush=True)
    sys.stdin.readline()
"""

WRITER = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE mine AS SELECT 1")
os._exit(0)
"""

BUILDER = """
import sys, time
from pathlib import Path
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.warehouse import build

def wait_before_publishing(connection):
    print("built", flush=True)
    time.sleep(60)

build.refuse_violations = wait_before_publishing
build.build_warehouse(Lake(Layout(Path(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The small lake with its warehouse, built once; tests change copies of it."""
    lake = write_small_lake(tmp_path_factory.mktemp("original"))
    build_warehouse(lake)
    return lake


@pytest.fixture
def published(original: Lake, tmp_path: Path) -> Lake:
    shutil.copytree(original.layout.data_dir, tmp_path / "data")
    return Lake(Layout(tmp_path / "data"))


@pytest.fixture
def lake(published: Lake) -> Lake:
    """The small lake before anything was published."""
    published.layout.warehouse.unlink()
    return published


def query(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def everything(lake: Lake) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table as they lie in it, and those of every view, which promise no order."""
    tables = {name: query(lake, f"SELECT * FROM {name}") for name in TABLES}
    return tables | {mart.name: sorted(query(lake, f"SELECT * FROM {mart.name}"), key=repr) for mart in MARTS}


def files_beside(lake: Lake) -> set[str]:
    kept = {"lake", "kubestats.basis.json", "kubestats.built_from.duckdb"}
    return {path.name for path in lake.layout.data_dir.iterdir()} - kept


def start(script: str, argument: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(argument)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_every_row_of_the_lake_is_published(lake):
    report = build_warehouse(lake)
    rows = {name: lake.read_all(table).height for name, table in TABLES.items()}
    assert report.rows == rows
    assert {name: query(lake, f"SELECT count(*) FROM {name}")[0][0] for name in TABLES} == rows
    assert rows["resource_events"] == 14
    assert report.views == tuple(mart.name for mart in MARTS)
    assert report.size_bytes == lake.layout.warehouse.stat().st_size
    assert files_beside(lake) == {"kubestats.duckdb"}


def test_tables_have_the_contracts_columns_and_types_in_its_order(published):
    types = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    for table in TABLES.values():
        described = [(name, kind.replace('"', "")) for name, kind, *_ in query(published, f"DESCRIBE {table.name}")]
        assert described == [(c.name, types.get(c.type.value, c.type.value)) for c in table.columns]


def test_every_table_and_column_has_its_comment(published):
    assert dict(query(published, "SELECT table_name, comment FROM duckdb_tables()")) == {
        **{table.name: table.grain for table in TABLES.values()},
        **{mart.name: mart.description for mart in MARTS if mart.is_stored},
        INFO: "one row: this build of the warehouse",
    }
    assert (
        query(published, "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL")
        == []
    )
    meaning = "SELECT comment FROM duckdb_columns() WHERE table_name = 'resources' AND column_name = 'content_hash'"
    assert query(published, meaning) == [("hash of the canonical redacted document",)]


def test_a_stored_mart_is_a_table_with_the_rows_of_its_select(published):
    stored = [mart for mart in MARTS if mart.is_stored]
    tables = {name for (name,) in query(published, "SELECT table_name FROM duckdb_tables()")}
    assert {mart.name for mart in MARTS} & tables == {mart.name for mart in stored}
    rows = {mart.name: sorted(query(published, f"SELECT * FROM {mart.name}"), key=repr) for mart in stored}
    assert rows == {mart.name: sorted(query(published, mart.sql), key=repr) for mart in stored}
    assert rows["daily_event_counts"]


def test_json_maps_and_images_can_be_queried_as_what_they_are(lake):
    write_ecosystem_stats(lake, day(3, 8).date())
    build_warehouse(lake)
    assert query(lake, "SELECT data->>'$.metadata.name' FROM resources WHERE resource_id = '2-dns'") == [("dns",)]
    assert query(lake, "SELECT popular_helm_charts['thing'] FROM ecosystem_stats") == [(1,)]
    assert query(lake, "SELECT images[1].tag FROM resources WHERE resource_id = '1-sonarr'") == [("4.0",)]


def test_documents_are_stored_compressed(published):
    """DuckDB would not by itself, and they are nearly all of the file."""
    storage = "SELECT DISTINCT compression FROM pragma_storage_info('resources') WHERE segment_type = 'JSON'"
    assert query(published, storage) == [("ZSTD",)]


def test_a_repositorys_events_lie_together_and_in_the_order_of_its_resources(published):
    rows = query(published, "SELECT full_name, resource_id, sequence FROM resource_events ORDER BY rowid")
    assert rows == sorted(rows)


def test_the_info_row_says_when_and_from_what_the_warehouse_was_built(lake):
    report = build_warehouse(lake)
    assert query(lake, f"SELECT * FROM {INFO}") == [(report.built_at, schema_version(), report.rows, [], "looks")]


def test_an_empty_lake_gives_empty_tables_and_views(tmp_path: Path):
    lake = Lake(Layout(tmp_path / "data"))
    report = build_warehouse(lake)
    assert set(report.rows.values()) == {0}
    filled = {name: len(rows) for name, rows in everything(lake).items() if rows}
    kept_by_hand = {"chart_mirrors", "image_renames"}
    assert filled.keys() == {"table_figures", *kept_by_hand}
    assert filled["table_figures"] == len(TABLES)


def test_a_second_build_gives_the_same_rows(published):
    first = everything(published)
    build_warehouse(published)
    assert everything(published) == first


def test_rows_of_a_repository_that_discovery_does_not_know_are_published(lake):
    write_story(lake, 9, "eve/unlisted", {"app": ([("CREATED", day(3, 9), "1")], {"images": [image("x", "1")]})})
    lake.write(SNAPSHOTS, "eve/unlisted", [snapshot(9, "eve/unlisted")])
    lake.write(SCANS, "eve/unlisted", [scan(9, "eve/unlisted")])
    build_warehouse(lake)
    status = (
        "SELECT full_name, status, sync_status, scan_status FROM repository_status WHERE repository_id = 'github:9'"
    )
    assert query(lake, status) == [("eve/unlisted", None, "synced", "scanned")]
    assert query(lake, "SELECT repositories FROM image_usage WHERE image = 'x'") == [(1,)]


def test_an_open_reader_keeps_the_old_rows_and_a_new_one_sees_the_new(published):
    reader = start(READER, published.layout.warehouse)
    assert read_line(reader) == "9"
    write_story(published, 4, "dave/new", {"app": ([("CREATED", day(3, 9), "1")], {})})
    build_warehouse(published)
    assert query(published, "SELECT count(*) FROM resources") == [(10,)]
    again, _ = reader.communicate("\n\n", timeout=20)
    assert again.strip() == "9"
    assert reader.returncode == 0


def test_a_build_killed_before_publishing_leaves_the_old_file_and_the_next_one_cleans_up(published):
    old = published.layout.warehouse.read_bytes()
    builder = start(BUILDER, published.layout.data_dir)
    assert read_line(builder) == "built"
    builder.kill()
    builder.communicate(timeout=20)
    assert published.layout.warehouse.read_bytes() == old
    assert f"kubestats.duckdb.{builder.pid}.tmp" in files_beside(published)
    build_warehouse(published)
    assert files_beside(published) == {"kubestats.duckdb"}


def test_the_temporary_of_a_build_that_still_runs_is_left_alone(lake):
    builder = start(BUILDER, lake.layout.data_dir)
    try:
        assert read_line(builder) == "built"
        build_warehouse(lake)
        assert f"kubestats.duckdb.{builder.pid}.tmp" in files_beside(lake)
    finally:
        builder.kill()
        builder.communicate(timeout=20)


def test_a_log_left_by_a_writer_of_the_old_file_does_not_spoil_the_new_one(published):
    start(WRITER, published.layout.warehouse).communicate(timeout=20)
    assert "kubestats.duckdb.wal" in files_beside(published)
    build_warehouse(published)
    assert query(published, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mine'") == [(0,)]


def assert_refused(lake: Lake, match: str) -> WarehouseError:
    """The build fails with a text that matches, and the published file stays as it was with nothing beside it."""
    old = lake.layout.warehouse.read_bytes()
    with pytest.raises(WarehouseError, match=match) as caught:
        build_warehouse(lake)
    assert lake.layout.warehouse.read_bytes() == old
    assert files_beside(lake) == {"kubestats.duckdb"}
    return caught.value


def test_a_truncated_partition_is_named_and_the_old_file_stays(published):
    path = published.path(RESOURCES, "bob/cluster")
    path.write_bytes(path.read_bytes()[:-20])
    error = assert_refused(
        published, r"cannot be read as resources .*(;|\.) [rR]estore it from a backup, or delete it and run again"
    )
    assert str(error).startswith(str(path))


def test_a_partition_damaged_in_the_middle_is_named(published):
    """Its footer is whole, so that only reading the rows shows it."""
    path = published.path(RESOURCES, "bob/cluster")
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :])
    assert str(assert_refused(published, "resources")).startswith(str(path))


def test_a_partition_of_an_older_contract_is_named(published):
    path = published.path(RESOURCES, "bob/cluster")
    pl.read_parquet(path, hive_partitioning=False).drop("context").write_parquet(path)
    assert str(assert_refused(published, "resources")).startswith(str(path))


IMAGE = ("image", "tag", "digest", "role")
"""The fields of an image in the first version."""


@pytest.mark.parametrize("older", [["alice/home"], ["bob/cluster"], ["alice/home", "bob/cluster", "carol/gone"]])
def test_columns_that_files_of_an_earlier_version_lack_are_null(published, older):
    for name in older:
        path = published.path(RESOURCES, name)
        rows = pl.read_parquet(path, hive_partitioning=False)
        fewer = pl.List(pl.Struct(dict.fromkeys(IMAGE, pl.String())))
        images = [[{key: one[key] for key in IMAGE} for one in each] for each in rows["images"]]
        rows.drop("values_complete").with_columns(pl.Series("images", images, dtype=fewer)).write_parquet(path)
    build_warehouse(published)
    with duckdb.connect(str(published.layout.warehouse), read_only=True) as connection:
        query = "SELECT count(*), count(values_complete), count(content_hash) FROM resources"
        assert connection.execute(query).fetchone() == (9, 0, 9)


def test_values_of_what_is_no_active_release_are_refused(published):
    owner = published.read(RESOURCES, "bob/cluster").rows.filter(pl.col("status") == "DELETED")["resource_id"][0]
    row = {
        "repository_id": "github:2",
        "full_name": "bob/cluster",
        "resource_id": owner,
        "applied_id": "",
        "origin": "inline",
    }
    published.write(HELM_VALUES, "bob/cluster", [{**row, "path": "a.b", "value_type": "integer", "value": "1"}])
    assert "values_have_a_release" in str(assert_refused(published, "helm_values"))


def test_no_value_of_a_damaged_partition_stands_in_the_error(published):
    """DuckDB's own message quotes the text that is no JSON."""
    path = published.path(RESOURCES, "bob/cluster")
    frame = pl.read_parquet(path, hive_partitioning=False)
    frame.with_columns(pl.lit("{hunter2").alias("data")).write_parquet(path)
    error = assert_refused(published, "ConversionException")
    assert "hunter2" not in "".join(traceback.format_exception(error))


def test_a_document_whose_settings_cannot_be_withheld_is_never_published(published):
    """It is deeper than any that a scan writes, and is read by DuckDB, but not by the function that withholds."""
    path = published.path(RESOURCES, "bob/cluster")
    frame = pl.read_parquet(path, hive_partitioning=False)
    deep = '{"set":' + "[" * 1500 + '"hunter2"' + "]" * 1500 + "}"
    frame.with_columns(pl.lit(deep).alias("data")).write_parquet(path)
    error = assert_refused(published, "settings cannot be withheld")
    assert "hunter2" not in "".join(traceback.format_exception(error))


def test_a_key_that_two_partitions_hold_is_refused(published):
    published.write(SNAPSHOTS, "bob/renamed", [snapshot(2, "bob/renamed")])
    assert_refused(published, r"snapshots: 1 keys \(repository_id\) that several rows have, such as github:2")


def test_a_required_value_that_is_missing_is_refused(published):
    path = published.path(SCANS, "bob/cluster")
    rows = [scan(2, "bob/cluster", scan_status=None)]
    pl.DataFrame(rows, schema=parquet_schema(SCANS), orient="row").write_parquet(path)
    assert_refused(published, "scans: 1 rows in which scan_status is null")


STEPS = [("CREATED", day(3, 9), "1")]


def log_of_one() -> list[Row]:
    """The one event of repository frank/one."""
    return events(7, "frank/one", "app", resource(7, "frank/one", "app", STEPS), STEPS, 0)


def write_one(lake: Lake, **changes: object) -> None:
    """Repository frank/one with one event, and its resource with some columns changed."""
    lake.write(RESOURCE_EVENTS, "frank/one", log_of_one())
    lake.write(RESOURCES, "frank/one", [resource(7, "frank/one", "app", STEPS, **changes)])


def violations(lake: Lake) -> list[tuple[str, str, int]]:
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        return [(found.check, found.table, found.count) for found in verify(connection)]


def test_a_published_warehouse_passes_its_own_checks(published):
    assert violations(published) == []


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"resource_id": "other"}, "fold_gives_resources"),
        ({"status": "DELETED"}, "fold_gives_status"),
        ({"content_hash": "other"}, "fold_gives_content"),
    ],
)
def test_a_resource_that_the_events_do_not_give_is_refused(published, changes, check):
    write_one(published, **changes)
    error = assert_refused(published, rf"such as frank/one, resource .*\[{check}\]")
    assert "Scan the repositories named again" in str(error)


def test_the_fold_goes_by_sequence_and_not_by_time(lake):
    steps = [("CREATED", day(3, 5), "1"), ("DELETED", day(3, 3), None)]
    write_story(lake, 7, "frank/clock", {"app": (steps, {})}, by_time=False)
    assert build_warehouse(lake).rows["resources"] == 10


def test_two_events_at_one_position_are_refused(published):
    log = log_of_one()
    write_one(published)
    published.write(RESOURCE_EVENTS, "frank/one", [*log, {**log[0], "event_id": "second"}])
    assert_refused(published, r"\[sequence_is_unique\]")


def test_an_event_id_that_two_repositories_share_is_refused(published):
    write_one(published)
    log = log_of_one()
    published.write(RESOURCE_EVENTS, "frank/one", [{**log[0], "event_id": "2-plex-0"}])
    assert_refused(published, r"resource_events: 1 keys \(event_id\) .* 2-plex-0")


def test_lost_rows_are_found_in_a_published_file(published):
    with duckdb.connect(str(published.layout.warehouse)) as connection:
        connection.execute("DELETE FROM scans")
    assert violations(published) == [("rows_equal_lake", "scans", 2)]


def test_a_scan_that_finishes_during_a_build_only_makes_it_begin_again(published, monkeypatch):
    """The scan had written its events but not yet its resources when the build read them."""
    write_one(published, content_hash="of the scan before")
    tries = []

    def verify_while_scan_ends(connection: duckdb.DuckDBPyConnection) -> None:
        tries.append(connection)
        write_one(published)
        refuse_violations(connection)

    monkeypatch.setattr(build, "refuse_violations", verify_while_scan_ends)
    assert build_warehouse(published, whole=True).rows["resources"] == 10
    assert len(tries) == 2


def test_a_folder_that_cannot_be_written_to_is_an_error_that_says_so(lake):
    lake.layout.warehouse.mkdir()
    with pytest.raises(
        WarehouseError, match=r"kubestats\.duckdb cannot be built \(IsADirectoryError\)\. See that the disk"
    ):
        build_warehouse(lake)


def test_the_schema_version_stands_for_names_and_types(monkeypatch):
    before = schema_version()
    monkeypatch.setitem(TABLES, "ecosystem_stats", TABLES["scans"])
    assert schema_version() != before


def test_memory_that_cannot_be_let_go_of_is_no_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connect, "KEPT_MEMORY", "1MB")
    with connect.open_to_build() as connection:
        connection.execute("SET temp_directory = ''; CREATE TABLE kept AS SELECT range AS number FROM range(2_000_000)")
        limit = connection.execute("SELECT current_setting('memory_limit')").fetchall()
        connect.forget_blocks(connection)
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == limit
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute("SET memory_limit = '1MB'")
