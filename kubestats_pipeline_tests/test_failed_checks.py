"""A check that fails is told by the command that ran it, and one that is an error makes the command fail."""

import datetime
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubestats_pipeline.cli import app
from kubestats_pipeline_tests.builders import GitRepository

MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
NOT_YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [a\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("KUBESTATS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KUBESTATS_REPOSITORIES", str(tmp_path / "ann"))
    monkeypatch.setenv("KUBESTATS_SCAN__WORKERS", "1")
    for name in ("sound", "lost"):
        remote = GitRepository(tmp_path / "ann" / f"{name}.git")
        remote.commit({"a.yaml": MANIFEST}, at=datetime.datetime.now(datetime.UTC))
    return tmp_path


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


def test_a_warning_is_named_and_the_command_succeeds(folder: Path) -> None:
    for name in ("sound", "lost"):
        GitRepository(folder / "ann" / f"{name}.git").commit({"b.yaml": NOT_YAML})
    finished = CliRunner().invoke(app, ["run"])
    assert "warning: check files_read of scan_problems: 2 of 4 files could not be read" in finished.output
    assert finished.exit_code == 0
