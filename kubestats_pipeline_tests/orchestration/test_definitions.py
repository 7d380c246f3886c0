"""What Dagster is given: an asset for every table, jobs, schedules, sensors and checks by their promised names."""

import datetime
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.dependency import NodeHandle

from kubestats_pipeline.lake.contract import Partitioning, Table
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.asset_pages.mart_groups import GROUPS
from kubestats_pipeline.orchestration.asset_pages.sources import code_version
from kubestats_pipeline.orchestration.assets.scan import WRITTEN
from kubestats_pipeline.orchestration.base.asset_specs import COLUMN_SCHEMA, failures_table
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.checks import CHECKS
from kubestats_pipeline.scan.store.scanner_version import SCANNER_VERSION
from kubestats_pipeline.warehouse.marts import MARTS
from kubestats_pipeline_tests.builders import settings_for

TOKEN = "ghp_0123456789abcdef"
JOBS = {
    "discover_repositories": {"repositories", "repository_metrics"},
    "sync_repositories": {"snapshots"},
    "scan_repositories": {*WRITTEN},
    "rescan_repositories": {*WRITTEN},
    "clean_up": set(),
    "retire_events": set(),
    "record_statistics": {"ecosystem_stats"},
    "publish_warehouse": {"warehouse", "report", *(mart.name for mart in MARTS)},
}


VERBS = ("approve", "block", "unblock", "delete")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    settings = settings_for(tmp_path_factory.mktemp("definitions"), github={"token": TOKEN})
    return build_definitions(Services(settings))


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_everything_can_be_loaded(definitions: dg.Definitions):
    dg.Definitions.validate_loadable(definitions)  # raises where it cannot
    assert definitions.resolve_job_def("publish_warehouse")


def test_each_table_each_view_and_the_batches_are_assets_and_nothing_else(specs: dict[str, dg.AssetSpec]):
    views = {mart.name for mart in MARTS}
    assert set(specs) == {*TABLES, *views, "warehouse", "report", "discovery_runs", "sync_runs", "scan_runs"}


def test_every_asset_has_a_description_a_group_and_an_owner(specs: dict[str, dg.AssetSpec]):
    for spec in specs.values():
        assert spec.description, spec.key
        assert spec.group_name in {"discover", "sync", "scan", "warehouse", "report", *GROUPS}, spec.key
        assert spec.owners == ["team:kubestats"], spec.key


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_tables_asset_tells_its_contract(specs: dict[str, dg.AssetSpec], table: Table):
    spec = specs[table.name]
    assert spec.group_name == table.stage
    assert "parquet" in spec.kinds
    assert table.grain.lower() in (spec.description or "").lower()
    columns = spec.metadata[COLUMN_SCHEMA].columns
    assert [(column.name, column.type, column.description) for column in columns] == [
        (column.name, column.type.value, column.meaning) for column in table.columns
    ]
    assert {column.name for column in columns if not column.constraints.nullable} >= set(table.key)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_an_asset_is_partitioned_as_its_table(specs: dict[str, dg.AssetSpec], table: Table):
    partitions = specs[table.name].partitions_def
    expected = {
        Partitioning.WHOLE: type(None),
        Partitioning.REPOSITORY: dg.DynamicPartitionsDefinition,
        Partitioning.DATE: dg.DynamicPartitionsDefinition,
        Partitioning.YEAR: dg.DynamicPartitionsDefinition,
    }
    assert isinstance(partitions, expected[table.partitioning])
    if isinstance(partitions, dg.DynamicPartitionsDefinition):
        names = {Partitioning.DATE: "metrics_day", Partitioning.YEAR: "statistics_day"}
        assert partitions.name == names.get(table.partitioning, "repository")


def test_lineage_leads_from_discovery_to_the_marts(definitions: dg.Definitions):
    graph = definitions.resolve_asset_graph()
    upstream = {key.to_user_string() for key in graph.get_ancestor_asset_keys(dg.AssetKey("releases"))}
    assert upstream >= {*TABLES, "warehouse", "discovery_runs", "sync_runs", "scan_runs"}


def test_jobs_have_their_promised_names_and_assets(definitions: dg.Definitions):
    jobs = {job.name: job for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")}
    assert {
        name: {key.to_user_string() for key in job.asset_layer.selected_asset_keys} for name, job in jobs.items()
    } == JOBS | {f"{verb}_repository": set() for verb in VERBS}


def test_checks_are_evaluated_by_publishing_and_by_no_run_over_partitions(definitions: dg.Definitions):
    steps = {name: {node.name for node in definitions.resolve_job_def(name).nodes} for name in JOBS}
    assert steps["publish_warehouse"] == {"publish", "report_pages", *(check.op.name for check in CHECKS)}
    assert steps["sync_repositories"] == {"sync"}
    assert steps["scan_repositories"] == {"scan"}


def test_every_job_has_a_longest_time_and_retries_with_a_bound(definitions: dg.Definitions):
    for job in map(definitions.resolve_job_def, JOBS):
        assert int(job.tags["dagster/max_runtime"]) > 0
        for node in job.nodes:
            policy = job.get_retry_policy_for_handle(NodeHandle(node.name, None))
            assert policy is not None
            assert (policy.max_retries, policy.delay, policy.backoff) == (3, 60, dg.Backoff.EXPONENTIAL)


def test_every_stage_has_a_pool_of_its_own_so_that_nothing_overlaps_with_itself(definitions: dg.Definitions):
    assets = [each for each in definitions.assets or () if isinstance(each, dg.AssetsDefinition)]
    pools = {each.op.name: each.op.pool for each in assets}
    assert pools == {
        "discover": "discover",
        "sync": "sync",
        "scan": "scan",
        "statistics": "statistics",
        "publish": "warehouse",
        "report_pages": "report",
    }


def test_no_asset_shows_a_setting(specs: dict[str, dg.AssetSpec], definitions: dg.Definitions):
    assert TOKEN not in str(list(specs.values()))
    for name in JOBS:
        job = definitions.resolve_job_def(name)
        assert TOKEN not in str(job.tags) + str(job.run_config)
    assert TOKEN not in str(definitions.resources)


def test_loading_the_code_location_needs_neither_duckdb_nor_the_network(tmp_path: Path):
    script = "import sys, kubestats_pipeline.definitions as d; print(sorted({'duckdb', 'pyarrow'} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, check=True).stdout
    assert output == b"[]\n"
    assert list(tmp_path.iterdir()) == [], "loading makes no file"


def test_a_wrong_setting_stops_the_code_location_with_its_name(tmp_path: Path):
    (tmp_path / "kubestats.yaml").write_text("history_days: ninety\n")
    command = [sys.executable, "-c", "import kubestats_pipeline.definitions"]
    said = subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, check=False).stderr
    assert b"SettingsError: history_days (or KUBESTATS_HISTORY_DAYS): give 0 (tip only)" in said


def test_a_table_of_failures_survives_any_text_and_is_bounded():
    table = failures_table({"a|b": "one\n[two](http://x)"} | {str(number): "why" for number in range(60)})
    assert isinstance(table, dg.TableMetadataValue), "its cells are texts, where markdown would make a link"
    rows = [record.data for record in table.records]
    assert rows[0] == {"what": "a|b", "why": "one␊[two](http://x)"}
    assert len(rows) == 50 + 1
    assert rows[-1] == {"what": "…", "why": "11 more"}
    assert failures_table({}) == "none"


def test_each_mart_is_in_one_group_and_the_graph_of_each_group_fits_a_screen():
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(mart.name for mart in MARTS)
    assert max(map(len, GROUPS.values())) <= 7


def test_code_has_versions_and_can_be_found(specs: dict[str, dg.AssetSpec]):
    assert {specs[table].code_version for table in WRITTEN} == {SCANNER_VERSION}
    for mart in MARTS:
        spec = specs[mart.name]
        assert spec.code_version == code_version(mart.sql)
        files = [Path(each.file_path) for each in spec.metadata["dagster/code_references"].code_references]
        assert {file.name for file in files} == {f"{mart.name}.sql", "warehouse.py"}
        assert all(file.is_file() for file in files)
    made = [spec for name, spec in specs.items() if not name.endswith("_runs")]
    assert all("dagster/code_references" in spec.metadata for spec in made)


def test_what_is_renewed_without_news_has_a_freshness_policy(tmp_path: Path, specs: dict[str, dg.AssetSpec]):
    policies = {name for name, spec in specs.items() if spec.freshness_policy}
    assert policies == {"discovery_runs", "sync_runs", "scan_runs", "ecosystem_stats", "warehouse", "report"}
    slow = settings_for(tmp_path, automation={"sync_minutes": 1440, "publish_minutes": 0})
    changed = {spec.key.to_user_string(): spec for spec in build_definitions(Services(slow)).resolve_all_asset_specs()}
    day = datetime.timedelta(days=1)
    assert changed["sync_runs"].freshness_policy == dg.FreshnessPolicy.time_window(6 * day, 3 * day)
    assert changed["scan_runs"].freshness_policy == dg.FreshnessPolicy.time_window(2 * day, day)
    assert changed["warehouse"].freshness_policy is None, "its schedule is switched off"
