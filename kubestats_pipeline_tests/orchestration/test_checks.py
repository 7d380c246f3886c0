"""Every table is checked, by what its contract says; what is wrong is told and never quoted."""

import datetime
import os
import shutil
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from kubestats_pipeline.lake.contract import references
from kubestats_pipeline.lake.tables import RESOURCES, SCANS, TABLES
from kubestats_pipeline.orchestration.base.console_log import QUIET
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.checks import (
    CHECKS,
    check_freshness,
    check_tables,
    files_read,
    warehouse_invariants,
)
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.builders import settings_for
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

EVERY_TABLE = {"schema", "key", "equals_lake", "no_secrets"}
NOW = datetime.datetime(2026, 3, 10, 12, tzinfo=datetime.UTC)
TOKEN = "ghp_" + "a1B2c3D4" * 5
SECRETS_BY_NAME = {
    "a GitHub token": TOKEN,
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "an AWS key": "AKIAIOSFODNN7EXAMPLE",
    "a GitLab token": "glpat-" + "x1" * 12,
    "a Slack token": "xoxb-123456789012-abcdef",
    "an age key": "AGE-SECRET-KEY-1" + "QP" * 29,
    "SOPS ciphertext": "ENC[AES256_GCM,data:Tr7o,iv:1=,aad:2=,tag:3=,type:str]",
}
Outcomes = dict[tuple[str, str], dg.AssetCheckEvaluation]


class Published:
    """A small lake with its published warehouse, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.services = Services(settings_for(folder), now=lambda: NOW)
        self.lake = self.services.lake

    def change(self, sql: str) -> None:
        """Change the published file, which nobody should be able to do."""
        with duckdb.connect(str(self.lake.layout.warehouse)) as connection:
            connection.execute(sql)

    def evaluate(self, *chosen: dg.AssetChecksDefinition, raising: bool = False) -> Outcomes:
        """Run some checks, or all, as Dagster does."""
        checks = chosen or CHECKS
        job = dg.define_asset_job("checks", dg.AssetSelection.checks(*checks))
        definitions = dg.Definitions(asset_checks=checks, jobs=[job], resources={"services": self.services})
        instance = dg.DagsterInstance.ephemeral()
        result = definitions.resolve_job_def("checks").execute_in_process(
            QUIET, instance=instance, raise_on_error=raising
        )
        logs = instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        found = (log.dagster_event.asset_check_evaluation_data for log in logs if log.dagster_event)
        return {(each.asset_key.to_user_string(), each.check_name): each for each in found}

    def failed(self) -> dict[tuple[str, str], str]:
        """The checks that do not pass, with what they found."""
        return {
            name: str(each.metadata["found"].value)
            for name, each in self.evaluate(check_tables).items()
            if not each.passed and "found" in each.metadata
        }


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    build_warehouse(write_small_lake(folder))
    return folder / "data"


@pytest.fixture
def published(original: Path, tmp_path: Path) -> Published:
    made = Published(tmp_path)
    shutil.copytree(original, made.services.settings.data_dir)
    return made


@pytest.fixture(scope="module")
def sound(original: Path) -> Outcomes:
    return Published(original.parent).evaluate()


def test_every_table_has_the_checks_that_its_contract_gives(sound: Outcomes):
    for table in TABLES.values():
        expected = EVERY_TABLE | ({"references"} if references(table, tuple(TABLES.values())) else set())
        assert expected <= {check for asset, check in sound if asset == table.name}
    assert {asset for asset, check in sound if check == "references"} == set(TABLES) - {
        "repositories",
        "ecosystem_stats",
    }


def test_a_sound_installation_passes_all_of_them_but_statistics_that_nobody_computed(sound: Outcomes):
    assert {name for name, each in sound.items() if not each.passed} == {("ecosystem_stats", "freshness")}
    assert sound["ecosystem_stats", "freshness"].description == "there is nothing in it yet"


def test_a_key_that_two_rows_have_is_an_error(published: Published):
    published.change("INSERT INTO resources SELECT * FROM resources LIMIT 1")
    outcome = published.evaluate(check_tables)["resources", "key"]
    assert (outcome.passed, outcome.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert outcome.metadata["violations"].value == 1
    assert "keys (resource_id) that several rows have" in str(outcome.metadata["found"].value)


def test_the_rules_that_bar_publishing_are_shown_and_stop_what_follows(published: Published):
    published.change("DELETE FROM resource_events WHERE event_type = 'CREATED'")
    outcome = published.evaluate(warehouse_invariants)["warehouse", "warehouse_invariants"]
    assert not outcome.passed
    assert outcome.blocking


def test_rows_of_a_repository_that_nobody_knows_are_told(published: Published):
    published.change("DELETE FROM repositories WHERE repository_id = 'github:1'")
    found = published.failed()
    assert "values of repository_id that repositories does not have, such as github:1" in found["scans", "references"]
    assert ("resources", "references") in found


def test_one_changed_value_in_the_warehouse_is_no_longer_the_lake(published: Published):
    published.change(
        "UPDATE resources SET namespace = 'elsewhere' WHERE resource_id = (SELECT min(resource_id) FROM resources)"
    )
    found = published.failed()
    assert set(found) == {("resources", "equals_lake")}
    assert "1 partitions differ between lake and warehouse, such as github:" in found["resources", "equals_lake"]


def test_what_was_scanned_after_the_build_is_to_differ(published: Published):
    partition = published.lake.read(RESOURCES, "alice/home")
    assert partition is not None
    published.lake.write(RESOURCES, "alice/home", partition.rows.head(1), partition.metadata)
    assert ("resources", "equals_lake") not in published.failed()


def test_a_lost_file_of_the_lake_is_seen(published: Published):
    published.lake.delete(SCANS, "alice/home")
    assert "such as github:1" in published.failed()["scans", "equals_lake"]


def test_a_file_of_an_earlier_version_is_a_warning_and_is_named(published: Published):
    path = published.lake.path(RESOURCES, "alice/home")
    before = path.stat()
    pl.read_parquet(path, hive_partitioning=False).drop("app_name").write_parquet(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    outcome = published.evaluate(check_tables)["resources", "schema"]
    assert (outcome.passed, outcome.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"1 files of another version (app_name), such as {path}" in str(outcome.metadata["found"].value)


def test_a_secret_is_found_in_any_column_and_never_quoted(published: Published):
    for number, secret in enumerate(SECRETS_BY_NAME.values()):
        published.change(
            f"""UPDATE resource_events SET resource_data = '{{"spec": {{"note": "see {secret} "}}}}'
            WHERE event_id = (SELECT event_id FROM resource_events ORDER BY event_id LIMIT 1 OFFSET {number})"""
        )
    published.change(f"UPDATE repositories SET topics = ['a', '{TOKEN}'] WHERE repository_id = 'github:1'")
    outcomes = published.evaluate(check_tables)
    events, repositories = outcomes["resource_events", "no_secrets"], outcomes["repositories", "no_secrets"]
    assert events.severity is dg.AssetCheckSeverity.ERROR
    for name in SECRETS_BY_NAME:
        assert f"1 rows in which resource_data holds {name}" in str(events.metadata["found"].value)
    assert "1 rows in which topics holds a GitHub token" in str(repositories.metadata["found"].value)
    assert not [secret for secret in SECRETS_BY_NAME.values() if secret[:12] in str(list(outcomes.values()))]


def test_what_the_build_withheld_is_a_warning_and_the_rest_still_equals_the_lake(tmp_path: Path):
    """A stage has missed it: the lake holds it, the file does not."""
    missed = Published(tmp_path)
    partition = write_small_lake(tmp_path).read(RESOURCES, "alice/home")
    assert partition is not None
    missed.lake.write(RESOURCES, "alice/home", partition.rows.with_columns(pl.lit(f"v1-{TOKEN}").alias("version")))
    build_warehouse(missed.lake)
    outcomes = missed.evaluate(check_tables)
    told = outcomes["resources", "no_secrets"]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told.description == "5 lake rows in which version holds a GitHub token"
    assert {name for name, each in outcomes.items() if not each.passed} == {("resources", "no_secrets")}
    missed.change("UPDATE resources SET namespace = 'elsewhere'")
    assert ("resources", "equals_lake") in missed.failed()


def test_freshness_is_by_the_clock_and_only_warns(published: Published):
    outcome = published.evaluate(check_freshness)["snapshots", "freshness"]
    assert outcome.passed
    assert outcome.metadata["age_hours"].value == 24.0
    published.change("UPDATE snapshots SET last_sync_at = last_sync_at - INTERVAL 1 MINUTE")
    later = published.evaluate(check_freshness)["snapshots", "freshness"]
    assert (later.passed, later.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_files_with_mistakes_are_a_share_of_all_and_templates_are_none(published: Published):
    def problem(path: str, kind: str) -> str:
        return f"('github:1', 'alice/home', '{path}', '{kind}', NULL, 'line 1', 'c1', now())"

    columns = "repository_id, full_name, file_path, problem, document_index, message, commit_sha, first_seen_at"
    published.change(
        f"INSERT INTO scan_problems ({columns}) VALUES {problem('a.yaml', 'syntax')}, {problem('b.yaml', 'template')}"
    )
    outcome = published.evaluate(files_read)["scan_problems", "files_read"]
    numbers = {name: outcome.metadata[name].value for name in ("unread_files", "files", "share")}
    assert numbers["unread_files"] == 1
    assert numbers["share"] == round(1 / numbers["files"], 4)


def test_before_the_first_publication_a_check_says_what_to_do(tmp_path: Path):
    unpublished = Published(tmp_path)
    write_small_lake(tmp_path)
    with pytest.raises(dg.Failure, match=r"is not published yet\. Run publish_warehouse first"):
        unpublished.evaluate(files_read, raising=True)
