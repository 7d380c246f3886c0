"""A check that fails is told by the command that ran it, and one that is an error makes the command fail."""

import dataclasses
import datetime
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.main import app
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline.orchestration.base.console_log import QUIET, build_console
from kubestats_pipeline.orchestration.cycle import Cycle, Runner
from kubestats_pipeline.orchestration.standing import NOTHING_NEW
from kubestats_pipeline_tests.builders import GitRepository

MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
NOT_YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [a\n"


@dg.asset
def sample() -> None:
    """Something to be checked."""


@dg.multi_asset_check(specs=[dg.AssetCheckSpec(name, asset="sample") for name in ("sound", "grave", "mild")])
def checks() -> Iterator[dg.AssetCheckResult]:
    """One that passes, an error and a warning."""
    warn = dg.AssetCheckSeverity.WARN
    yield dg.AssetCheckResult(passed=True, check_name="sound", description="all is well")
    yield dg.AssetCheckResult(passed=False, check_name="grave", description="2 keys are there twice")
    yield dg.AssetCheckResult(passed=False, check_name="mild", description="it is old", severity=warn)


def run_checks() -> Cycle:
    """A run of the sample by which a command does its work."""
    job = dg.define_asset_job("publish", dg.AssetSelection.all() | dg.AssetSelection.checks(checks))
    loggers = {"console": build_console("console")}
    definitions = dg.Definitions(assets=[sample], asset_checks=[checks], jobs=[job], loggers=loggers)
    runner = Runner(definitions, dg.DagsterInstance.ephemeral(), QUIET)
    runner.run(job)
    return runner.sum_up(3, 1)


def test_a_run_whose_checks_found_an_error_has_not_succeeded() -> None:
    cycle = run_checks()
    assert cycle.failures == {}
    assert cycle.failed_checks == {"check grave of sample": "2 keys are there twice"}
    assert cycle.warnings == {"check mild of sample": "it is old"}
    assert not cycle.succeeded
    assert Cycle(3, 1, {}, {}, cycle.warnings).succeeded


def test_the_summary_names_checks_and_what_was_taken_out_of_earlier_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cycle = dataclasses.replace(run_checks(), notes=("7 values that earlier versions had stored were withheld",))
    terminal.show_cycle(cycle, Layout(tmp_path))
    printed = capsys.readouterr()
    assert "3 repositories, 1 with news, 0 failed" in printed.out
    assert "7 values that earlier versions had stored were withheld" in printed.out
    assert "failed: check grave of sample: 2 keys are there twice" in printed.err
    assert "warning: check mild of sample: it is old" in printed.err
    terminal.show_cycle(cycle, Layout(tmp_path), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert list(told["failed_checks"]) == ["check grave of sample"]


def test_earlier_data_that_cannot_be_read_are_a_failure_of_the_run(tmp_path: Path) -> None:
    lake = Lake(Layout(tmp_path / "data"))
    damaged = lake.path(SNAPSHOTS, "ann/one")
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no Parquet")
    runner = Runner(dg.Definitions(), dg.DagsterInstance.ephemeral())
    runner.redact(lake)
    assert list(runner.failures) == ["ann/one"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("KUBESTATS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KUBESTATS_REPOSITORIES", str(tmp_path / "ann"))
    monkeypatch.setenv("KUBESTATS_SCAN__WORKERS", "1")
    for name in ("sound", "lost"):
        remote = GitRepository(tmp_path / "ann" / f"{name}.git")
        remote.commit({"a.yaml": MANIFEST}, at=datetime.datetime.now(datetime.UTC))
    return tmp_path


@pytest.mark.slow  # whole cycles
def test_an_error_that_only_a_check_saw_is_named_and_is_the_exit_status(folder: Path) -> None:
    """Another repository than the one that is synced now has failed before."""
    runner = CliRunner()
    assert runner.invoke(app, ["run"]).exit_code == 0
    shutil.move(folder / "ann/lost.git", folder / "lost.git")
    (folder / "ann/lost.git").mkdir()
    assert runner.invoke(app, ["sync", "local/ann/lost"]).exit_code == 1
    finished = runner.invoke(app, ["sync", "local/ann/sound"])
    assert "check repositories_synced of snapshots: 1 of 2 repositories failed" in finished.output
    assert finished.exit_code == 1
    again = runner.invoke(app, ["sync", "local/ann/sound"])
    assert NOTHING_NEW in again.output
    assert "check repositories_synced of snapshots: 1 of 2 repositories failed" in again.output
    assert again.exit_code == 1, "what a check has found holds as long as the file stands"


@pytest.mark.slow
def test_a_warning_is_named_and_the_command_succeeds(folder: Path) -> None:
    for name in ("sound", "lost"):
        remote = GitRepository(folder / "ann" / f"{name}.git")
        remote.commit({"b.yaml": NOT_YAML}, at=datetime.datetime.now(datetime.UTC))
    finished = CliRunner().invoke(app, ["run"])
    assert "warning: check files_read of scan_problems: 2 of 4 files could not be read" in finished.output
    assert finished.exit_code == 0
    again = CliRunner().invoke(app, ["run"])
    assert NOTHING_NEW in again.output
    assert "warning: check files_read of scan_problems: 2 of 4 files could not be read" in again.output
