"""What the UI shows, asked of a real webserver as the UI asks it: partitions, metadata, checks, columns, lineage."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import kubestats_pipeline
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.orchestration.checks import CHECKS
from kubestats_pipeline.warehouse.column_lineage import DECLARED
from kubestats_pipeline.warehouse.marts import MARTS
from kubestats_pipeline_tests.demo import Command, clean_environment, demo  # noqa: F401 - a fixture

REPOSITORY = "local/tidewater/home-ops"
PATIENCE = 180
"""Seconds until the webserver answers: it loads the code location in a process of its own."""

Ask = Callable[[str], Any]

METADATA = """metadataEntries {
    label
    ... on IntMetadataEntry { intValue }
    ... on FloatMetadataEntry { floatValue }
    ... on TextMetadataEntry { text }
    ... on UrlMetadataEntry { url }
    ... on TableMetadataEntry { table { records schema { columns { name type } } } }
    ... on TableSchemaMetadataEntry { schema { columns { name type description } } }
    ... on TableColumnLineageMetadataEntry { lineage { columnName columnDeps { assetKey { path } columnName } } }
}"""


@pytest.fixture(scope="module")
def ask(demo: Command, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:  # noqa: F811
    """Ask a webserver over a copy of what the demo left."""
    folder = tmp_path_factory.mktemp("ui")
    shutil.copytree(demo.data, folder / "data", symlinks=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    workspace = Path(kubestats_pipeline.__file__).with_name("workspace.yaml")
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", str(workspace)]
    home = str(Layout(folder / "data").dagster_home)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=clean_environment() | {"DAGSTER_HOME": home}, stdout=log, stderr=log
        )
        try:
            _wait_for(port, server, folder / "log")
            yield lambda query: _post(port, query)
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            _post(port, "{ version }")
            return
        time.sleep(0.5)
    raise TimeoutError(log.read_text())


def _post(port: int, query: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
        content = json.load(answer)
    assert "errors" not in content, content["errors"]
    return content["data"]


def _node(ask: Ask, asset: str, fields: str) -> Any:
    (node,) = ask(f'{{ assetNodes(assetKeys: [{{path: ["{asset}"]}}]) {{ {fields} }} }}')["assetNodes"]
    return node


def _entries(holder: Any) -> dict[str, Any]:
    """Metadata by label: the one value that its kind has."""
    kinds = ("intValue", "floatValue", "text", "url", "table", "schema", "lineage")
    return {
        entry["label"]: next((entry[kind] for kind in kinds if entry.get(kind) is not None), None)
        for entry in holder["metadataEntries"]
    }


def test_every_asset_is_in_its_group_with_a_description_an_owner_and_kinds(ask: Ask):
    fields = (
        "assetKey { path } groupName description kinds owners { ... on TeamAssetOwner { team } } tags { key value }"
    )
    nodes = {node["assetKey"]["path"][0]: node for node in ask(f"{{ assetNodes {{ {fields} }} }}")["assetNodes"]}
    assert {*TABLES, *(mart.name for mart in MARTS), "warehouse", "discovery_runs", "sync_runs", "scan_runs"} <= set(
        nodes
    )
    for name, node in nodes.items():
        assert node["description"], name
        assert node["kinds"], name
        assert node["owners"] == [{"team": "kubestats"}], name
        assert "kubestats/partitioning" in {tag["key"] for tag in node["tags"]}, name
    assert {nodes[table.name]["groupName"] for table in TABLES.values()} == {"discover", "sync", "scan", "warehouse"}


def test_each_repository_is_a_partition_and_all_are_green(ask: Ask):
    fields = "partitionKeys partitionStats { numMaterialized numFailed numPartitions }"
    for asset in ("snapshots", "scans", "resources", "resource_events"):
        node = _node(ask, asset, fields)
        assert REPOSITORY in node["partitionKeys"]
        assert node["partitionStats"] == {"numMaterialized": 6, "numFailed": 0, "numPartitions": 6}, asset


def test_a_partitions_page_has_the_repositorys_history(ask: Ask):
    materializations = f'assetMaterializations(partitions: ["{REPOSITORY}"]) {{ partition runId {METADATA} }}'
    (scan,) = _node(ask, "scans", materializations)["assetMaterializations"]
    told = _entries(scan)
    assert len(told["commit"]) == 40
    assert told["events"] >= told["resources"] > 0
    assert {"new_events", "problems", "seconds"} <= set(told)
    (resources,) = _node(ask, "resources", materializations)["assetMaterializations"]
    assert _entries(resources)["dagster/partition_row_count"] >= told["resources"]


@pytest.mark.parametrize(
    ("asset", "numbers"),
    [
        ("discovery_runs", {"found", "new", "failed_sources", "seconds"}),
        ("sync_runs", {"requested", "changed", "failed", "seconds"}),
        ("scan_runs", {"requested", "changed", "failed", "seconds", "events", "problems"}),
    ],
)
def test_a_batch_has_numbers_that_can_be_plotted(ask: Ask, asset: str, numbers: set[str]):
    (batch,) = _node(ask, asset, f"assetMaterializations(limit: 1) {{ {METADATA} }}")["assetMaterializations"]
    told = _entries(batch)
    assert {name for name, value in told.items() if isinstance(value, int | float)} >= numbers
    if asset != "discovery_runs":
        assert (told["requested"], told["changed"], told["failed"]) == (6, 6, 0)


def test_a_table_shows_its_columns_and_where_they_come_from(ask: Ask):
    told = _entries(_node(ask, "scans", METADATA))
    columns = {column["name"]: column for column in told["dagster/column_schema"]["columns"]}
    assert list(columns) == list(TABLES["scans"].column_names)
    assert columns["resources_count"]["type"] == "BIGINT"
    assert {entry["columnName"] for entry in told["dagster/column_lineage"]} == set(DECLARED["scans"])


def test_a_mart_shows_types_meanings_rows_and_the_columns_it_is_made_of(ask: Ask):
    query = f"assetMaterializations(limit: 1) {{ {METADATA} }}"
    told = _entries(_node(ask, "chart_popularity", query)["assetMaterializations"][0])
    columns = {column["name"]: column for column in told["dagster/column_schema"]["columns"]}
    assert columns["repositories"]["type"] == "BIGINT"
    assert columns["repositories"]["description"] == "repositories that run it ← `releases.repository_id`"
    assert told["dagster/row_count"] > 0
    sources = {
        entry["columnName"]: {(dep["assetKey"]["path"][0], dep["columnName"]) for dep in entry["columnDeps"]}
        for entry in _entries(_node(ask, "chart_popularity", METADATA))["dagster/column_lineage"]
    }
    assert ("releases", "repository_id") in sources["repositories"]
    assert sources["chart_url"] == {("releases", "chart_url")}


def test_every_check_was_run_and_passes(ask: Ask):
    wanted = {key.to_user_string() for checks in CHECKS for key in checks.check_keys}
    fields = """assetKey { path } assetChecksOrError { ... on AssetChecks { checks {
        name blocking description executionForLatestMaterialization { status } } } }"""
    nodes = ask(f"{{ assetNodes {{ {fields} }} }}")["assetNodes"]
    shown = {
        f"{node['assetKey']['path'][0]}:{check['name']}": check
        for node in nodes
        for check in node["assetChecksOrError"].get("checks", ())
    }
    assert set(shown) == wanted
    assert shown["warehouse:warehouse_invariants"]["blocking"]
    assert all(check["description"] for check in shown.values())
    assert {
        name for name, check in shown.items() if check["executionForLatestMaterialization"]["status"] != "SUCCEEDED"
    } == set()


LEFT_OUT = {"topics", "languages", "waves", "replacements", "how-long-things-stay", "gone-back-from"}
"""Sections that a page leaves out where there is nothing in them, as in the sample. The link opens their page."""


def _published(ask: Ask, asset: str) -> dict[str, Any]:
    """What the last publication told of a table or mart: an observation of a table, which others materialize."""
    kind = "assetObservations" if asset in TABLES else "assetMaterializations"
    return _entries(_node(ask, asset, f"{kind}(limit: 1) {{ {METADATA} }}")[kind][0])


@pytest.mark.parametrize("asset", [*TABLES, *(mart.name for mart in MARTS)])
def test_the_page_of_every_table_and_mart_shows_its_first_rows_and_numbers_to_plot(ask: Ask, demo: Command, asset: str):  # noqa: F811
    told = _published(ask, asset)
    with duckdb.connect(str(demo.data / "kubestats.duckdb"), read_only=True) as connection:
        relation = connection.sql(f"SELECT * FROM {asset}")
        rows, columns = len(relation.fetchall()), relation.columns
        repositories = f"SELECT count(DISTINCT repository_id) FROM {asset}"
        expected = connection.execute(repositories).fetchone()[0] if "repository_id" in columns else None
    assert told["dagster/row_count"] == rows
    assert told.get("repositories") == expected
    if rows:
        shown = [json.loads(record) for record in told["first_rows"]["records"]]
        assert len(shown) == min(rows, 5)
        assert all(sorted(row) == sorted(columns) for row in shown)
        assert all(isinstance(value, str | int | float | bool | None) for row in shown for value in row.values())


def test_a_page_of_the_report_is_linked_where_there_is_one_and_it_is_there(ask: Ask, demo: Command):  # noqa: F811
    links = {name: _published(ask, name).get("page") for name in [*TABLES, *(mart.name for mart in MARTS)]}
    for link in filter(None, links.values()):
        address, _, anchor = link.removeprefix("http://127.0.0.1:3080/").partition("#")
        page = (demo.data / "report" / address).read_text()
        assert not anchor or f'id="{anchor}"' in page or anchor in LEFT_OUT, link
    assert links["ecosystem_growth"].endswith("/ecosystem.html#growth")
    assert links["releases"].endswith("/charts/index.html"), "only the pages below this list read it"
    assert links["kinds"].endswith("/kinds/index.html#kinds")
    assert links["use_spans"] is None


def test_nothing_that_is_up_to_date_is_unsynced_or_missing(ask: Ask):
    fields = "assetKey { path } staleStatus staleCauses { reason } partitionDefinition { name } partitionKeys"
    nodes = ask(f"{{ assetNodes {{ {fields} }} }}")["assetNodes"]
    assert {node["assetKey"]["path"][0] for node in nodes if node["staleStatus"] != "FRESH"} == set()
    for node in nodes:
        if node["partitionDefinition"]:
            asset = node["assetKey"]["path"][0]
            counts = "partitionStats { numMaterialized numPartitions } staleStatusByPartition"
            found = _node(ask, asset, counts)
            assert found["partitionStats"]["numMaterialized"] == found["partitionStats"]["numPartitions"], asset
            assert set(found["staleStatusByPartition"]) <= {"FRESH"}, asset


def test_the_days_of_the_ecosystem_begin_with_the_data_and_each_number_plots(ask: Ask):
    days = _node(ask, "ecosystem_stats", "partitionKeys")["partitionKeys"]
    assert days == sorted(days)
    events = f"assetMaterializations(partitions: {json.dumps(days[-30:])}) {{ partition {METADATA} }}"
    materialized = _node(ask, "ecosystem_stats", events)["assetMaterializations"]
    plotted = {event["partition"]: _entries(event) for event in materialized}
    assert set(plotted) == set(days[-30:])
    for numbers in plotted.values():
        assert {"active_resources", "total_repositories", "resource_growth", "daily_modified_resources"} <= set(numbers)


def test_the_repositories_plot_found_synced_and_failed(ask: Ask):
    discovered = _node(ask, "repositories", f"assetMaterializations(limit: 1) {{ {METADATA} }}")
    assert _entries(discovered["assetMaterializations"][0])["found"] == 6
    told = _published(ask, "repositories")
    assert (told["active"], told["synced"], told["failed"]) == (6, 6, 0)


def test_no_text_of_a_stranger_is_markdown(ask: Ask):
    """Markdown would make links and pictures of what a repository, a host or a file says."""
    kinds = "metadataEntries { label __typename }"
    for events in ("assetMaterializations", "assetObservations"):
        nodes = ask(f"{{ assetNodes {{ {events}(limit: 20) {{ {kinds} }} }} }}")["assetNodes"]
        entries = [entry for node in nodes for event in node[events] for entry in event["metadataEntries"]]
        assert len(entries) > 20
        assert [entry["label"] for entry in entries if entry["__typename"] == "MarkdownMetadataEntry"] == []


def test_the_freshness_of_what_is_renewed_is_on_its_page(ask: Ask):
    policy = "internalFreshnessPolicy { ... on TimeWindowFreshnessPolicy { failWindowSeconds warnWindowSeconds } }"
    assert _node(ask, "sync_runs", policy)["internalFreshnessPolicy"] == {
        "failWindowSeconds": 2 * 86_400,
        "warnWindowSeconds": 86_400,
    }
