"""Lakes that other versions of the program wrote: earlier ones are read, newer ones refused with what to do.

`earlier_lakes/` holds one repository of the sample as two earlier contracts wrote it, byte by byte.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.frames import parquet_schema
from kubestats_pipeline.lake.lake import Key, Lake, LakeError, to_frame
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import REPOSITORIES, RESOURCE_EVENTS, RESOURCES, SNAPSHOTS, TABLES
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.load import select_rows
from kubestats_pipeline.warehouse.sources import WarehouseError
from kubestats_pipeline.warehouse.statistics.ecosystem import backfill_ecosystem_stats, days_to_compute
from kubestats_pipeline_tests.scan.world import World, config
from kubestats_pipeline_tests.warehouse.small_lake import day, write_small_lake

EARLIER = Path(__file__).parent / "earlier_lakes"
CONTRACTS = ("before_charts_in_events", "before_helm_values")
NAME = "local/magpie/infra"
each_contract = pytest.mark.parametrize("contract", CONTRACTS)
each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def put_earlier(contract: str, data_dir: Path) -> Lake:
    shutil.copytree(EARLIER / contract, data_dir, dirs_exist_ok=True)
    return Lake(Layout(data_dir))


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@each_contract
def test_every_partition_of_an_earlier_lake_is_read_with_todays_columns(contract: str, tmp_path: Path) -> None:
    lake = put_earlier(contract, tmp_path / "data")
    rows = {name: lake.read_all(table) for name, table in TABLES.items()}
    assert {name: frame.schema for name, frame in rows.items()} == {
        name: parquet_schema(table) for name, table in TABLES.items()
    }
    heights = {name: frame.height for name, frame in rows.items() if frame.height}
    assert heights.pop("ecosystem_stats", 1) == 1
    assert heights == {"snapshots": 1, "scans": 1, "resources": 19, "resource_events": 32, "scan_problems": 6}
    assert rows["resources"]["values_complete"].null_count() == 19


@each_contract
def test_a_warehouse_is_built_from_an_earlier_lake(contract: str, tmp_path: Path) -> None:
    report = build_warehouse(put_earlier(contract, tmp_path / "data"))
    assert (report.rows["resources"], report.rows["resource_events"], report.rows["helm_values"]) == (19, 32, 0)
    assert query(report.path, "SELECT count(*) FROM resource_events WHERE context IS NULL OR resolution IS NULL") == [
        (0,)
    ]


def test_earlier_rows_beside_todays_are_what_the_contract_says_and_todays_stay_as_they_are(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    put_earlier("before_charts_in_events", lake.layout.data_dir)
    path = build_warehouse(lake).path
    found = query(path, f"SELECT DISTINCT context, resolution FROM resource_events WHERE full_name = '{NAME}'")
    assert found == [("active", "not_applicable")]
    today = f"SELECT DISTINCT context, resolution FROM resource_events WHERE full_name <> '{NAME}' ORDER BY ALL"
    assert query(path, today) == [
        ("active", "exact"),
        ("active", "not_applicable"),
        ("active", "unresolved"),
        ("archived", "exact"),
    ]


@each_contract
def test_statistics_are_computed_from_an_earlier_lake(contract: str, tmp_path: Path) -> None:
    lake = put_earlier(contract, tmp_path / "data")
    due = days_to_compute(lake, day(6, 10).date())
    assert backfill_ecosystem_stats(lake, due) == due
    assert len(due) > 30


RETIRED = {
    "deleted by the administrator: spam": "deleted",
    "deleted by the administrator, who lifted that; it comes back when a discovery finds it": "deleted",
    "its name now belongs to github:7": "name_taken",
    "GitHub answers 404: deleted or private": "gone",
}
"""Sentences of earlier versions, each with what they meant."""


def test_why_a_repository_was_retired_is_a_column_for_earlier_rows_too(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    living = lake.read_all(REPOSITORIES)
    one = living.row(0, named=True) | {"status": "retired"}
    retired = [
        one | {"repository_id": f"github:9{number}", "status_reason": reason} for number, reason in enumerate(RETIRED)
    ]
    rows = pl.concat([living, to_frame(REPOSITORIES, retired)]).drop("retired_because")
    rows.write_parquet(lake.path(REPOSITORIES))
    expected = dict(living.select("repository_id", "retired_because").iter_rows())
    expected |= {row["repository_id"]: RETIRED[row["status_reason"]] for row in retired}
    read = lake.read_all(REPOSITORIES)
    assert dict(read.select("repository_id", "retired_because").iter_rows()) == expected
    with duckdb.connect() as connection:
        files = [str(lake.path(REPOSITORIES))]
        loaded = select_rows(connection, REPOSITORIES, files, older=True)
        query_both = f"SELECT repository_id, retired_because FROM ({loaded})"
        found = connection.execute(query_both, {"files": files}).fetchall()
    assert dict(found) == expected


def test_the_limit_that_a_mirror_passed_is_a_column_for_earlier_rows_too(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    sentence = "300 MB are more than max_repository_mb = 200; raise it or approve the repository"

    def earlier(rows: pl.DataFrame) -> pl.DataFrame:
        told = {"sync_status": pl.lit("too_large"), "sync_error": pl.lit(sentence)}
        return rows.drop("size_limit_mb").with_columns(**told)

    rewrite(lake, SNAPSHOTS, earlier)
    partition = lake.read(SNAPSHOTS, any_key(lake, SNAPSHOTS))
    assert partition is not None
    assert partition.rows["size_limit_mb"].to_list() == [200]
    path = build_warehouse(lake).path
    assert query(path, "SELECT sync_status, size_limit_mb FROM snapshots WHERE size_limit_mb IS NOT NULL") == [
        ("too_large", 200)
    ]


def any_key(lake: Lake, table: Table) -> Key:
    return lake.partitions(table)[0]


def rewrite(lake: Lake, table: Table, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
    path = lake.path(table, any_key(lake, table))
    change(pl.read_parquet(path, hive_partitioning=False)).write_parquet(path)
    return path


def of_the_future(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit("x").alias("mood"))


@each_table
def test_a_newer_lake_is_refused_and_told_apart_from_a_damaged_one(table: Table, tmp_path: Path) -> None:
    """Reading it without its new column, and writing it again, would lose what is known."""
    lake = write_small_lake(tmp_path)
    if not lake.partitions(table):
        pytest.skip(f"the small lake has no {table.name}")
    published = build_warehouse(lake).path.read_bytes()
    path = rewrite(lake, table, of_the_future)
    explained = rf"{table.name}.* was written by a newer version of Kubestats \(it has the column mood\); install that"
    with pytest.raises(LakeError, match=explained):
        lake.read(table, any_key(lake, table))
    with pytest.raises(WarehouseError, match=explained) as caught:
        build_warehouse(lake)
    assert str(path) in str(caught.value)
    assert lake.layout.warehouse.read_bytes() == published


def test_a_newer_field_of_an_image_is_refused_too(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    kind = parquet_schema(RESOURCES)["images"]
    fields = [*kind.inner.fields, pl.Field("mood", pl.String())]
    rewrite(lake, RESOURCES, lambda rows: rows.with_columns(pl.lit([], pl.List(pl.Struct(fields))).alias("images")))
    with pytest.raises(LakeError, match=r"newer version .* the column images"):
        lake.read(RESOURCES, any_key(lake, RESOURCES))


def test_a_required_column_without_an_earlier_value_makes_a_file_none_of_the_table(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    rewrite(lake, RESOURCE_EVENTS, lambda rows: rows.drop("sequence"))
    with pytest.raises(LakeError, match="does not have the columns of resource_events; restore it"):
        lake.read(RESOURCE_EVENTS, any_key(lake, RESOURCE_EVENTS))


def test_what_a_newer_scanner_read_is_not_replayed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    monkeypatch.setattr(store, "SCANNER_VERSION", "1")
    with pytest.raises(LakeError, match=r"newer version of Kubestats \(scanner \d+\); install that version"):
        store.read_position(RepositoryTables.of(world.lake, world.repository))
