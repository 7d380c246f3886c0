"""What is taken from Dagster's own modules stands in one place, and goes as soon as Dagster offers it in public."""

import logging
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from alembic.script import Script, ScriptDirectory
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

import kubestats_pipeline
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.locks import WorkerProcess, this_machine
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.base.dagster_private import kept_connections
from kubestats_pipeline.orchestration.base.worker_identity import tag_of
from kubestats_pipeline.orchestration.repairs.orphaned_runs import fail_orphans
from kubestats_pipeline_tests.orchestration.test_orphaned_runs import add_run

PACKAGE = Path(kubestats_pipeline.__file__).parent
PRIVATE = PACKAGE / "orchestration" / "base" / "dagster_private.py"
IMPORT = re.compile(r"^\s*(?:from|import) (?:dagster|dagster_webserver|dagster_shared)\._?\S*", re.MULTILINE)
PUBLIC_MODULES = {"dagster_webserver.app", "dagster_webserver.cli"}


def test_one_module_alone_imports_names_that_are_not_public():
    found = {
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        for line in IMPORT.findall(path.read_text())
        if line.split()[1] not in PUBLIC_MODULES
    }
    assert found == {PRIVATE.relative_to(PACKAGE)}


@pytest.mark.parametrize(
    "name",
    [
        "StepFailureData",
        "SerializableErrorInfo",
        "SqlEventLogStorage",
        "SqliteEventLogStorage",
        "ProxyServerManager",
        "WorkspaceFileTarget",
        "WorkspaceProcessContext",
        "configure_loggers",
    ],
)
def test_each_of_its_names_has_no_public_twin(name: str):
    assert name in PRIVATE.read_text(), "it is not needed any more: take it out of this list"
    assert not hasattr(dg, name), f"take dagster.{name} instead, and take it out of {PRIVATE.name}"


def test_run_monitoring_does_not_see_that_a_local_worker_died(tmp_path: Path):
    """When this fails, Dagster sees it by itself, and the daemon needs `orphaned_runs.py` no more."""
    with open_instance(Layout(tmp_path)) as instance:
        assert instance.run_monitoring_enabled
        worker = subprocess.Popen([sys.executable, "-c", ""])
        worker.wait()
        run = add_run(instance, dg.DagsterRunStatus.STARTED, launched=True)
        died = WorkerProcess(worker.pid, time.time(), this_machine())
        instance.add_run_tags(run.run_id, tag_of(died, run.run_id))
        with WorkspaceProcessContext(instance, EmptyWorkspaceTarget(), version=dg.__version__) as workspace:
            assert list(execute_run_monitoring_iteration(workspace, logging.getLogger("monitoring"))) == [None]
        assert status_of(instance, run) is dg.DagsterRunStatus.STARTED
        assert fail_orphans(instance) == [run.run_id]
        assert status_of(instance, run) is dg.DagsterRunStatus.FAILURE


def test_events_that_are_written_through_kept_connections_are_seen_at_once_and_the_files_are_closed_at_the_end(
    tmp_path: Path,
):
    """When Dagster keeps its connections itself, `kept_connections` can go: the first line of the test fails then."""
    layout = Layout(tmp_path)
    with open_instance(layout) as instance, open_instance(layout) as reader:
        report(instance, "before")
        assert open_databases(layout) == set()
        with kept_connections(instance):
            report(instance, "a")
            assert "index.db" in open_databases(layout)
            report(reader, "b")
            report(instance, "c")
            assert partitions(reader) == partitions(instance) == ["before", "a", "b", "c"]
        assert open_databases(layout) == set()
        report(instance, "d")
        assert partitions(reader) == ["before", "a", "b", "c", "d"]


def test_a_home_is_opened_and_a_run_begun_without_loading_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When Dagster does so itself, `open_quickly` can go."""
    layout = Layout(tmp_path)
    with open_instance(layout) as instance:
        add_run(instance, dg.DagsterRunStatus.STARTED)
    loaded = list[str]()
    load = ScriptDirectory._load_revisions

    def observed(scripts: ScriptDirectory) -> Iterator[Script]:
        loaded.append(scripts.dir)
        return load(scripts)

    monkeypatch.setattr(ScriptDirectory, "_load_revisions", observed)
    with open_instance(layout) as instance:
        begin(instance)
    assert loaded == []
    with dg.DagsterInstance.from_config(str(layout.dagster_home)) as instance:
        begin(instance)
    assert loaded


def test_the_events_of_a_run_are_laid_as_dagster_lays_them(tmp_path: Path):
    layout = Layout(tmp_path)
    with open_instance(layout) as instance:
        ours = begin(instance)
    with dg.DagsterInstance.from_config(str(layout.dagster_home)) as instance:
        theirs = begin(instance)
        assert instance.all_logs(ours)
        assert sorted(instance.event_log_storage.get_all_run_ids()) == sorted([ours, theirs])  # type: ignore[attr-defined]
    folder = layout.dagster_home / "history" / "runs"
    assert laid(folder / f"{ours}.db") == laid(folder / f"{theirs}.db")


def test_a_file_system_without_hard_links_is_laid_by_dagster_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(path: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "hardlink_to", refused)
    with open_instance(Layout(tmp_path)) as instance:
        assert instance.all_logs(begin(instance))
        folder = Layout(tmp_path).dagster_home / "history" / "runs"
        assert not list(folder.glob(".*.db.*"))


def begin(instance: dg.DagsterInstance) -> str:
    """Report an event of a new run, and give the run's id."""
    run = add_run(instance, dg.DagsterRunStatus.STARTED)
    instance.report_engine_event("it begins", run)
    return run.run_id


def laid(file: Path) -> list[tuple[str, ...]]:
    """The schema of a file of events with its migration and its journal."""
    connection = sqlite3.connect(file)
    queries = ("SELECT name, sql FROM sqlite_master ORDER BY name", "FROM alembic_version", "PRAGMA journal_mode")
    found = [connection.execute(query.replace("FROM a", "SELECT * FROM a")).fetchall() for query in queries]
    connection.close()
    return [row for rows in found for row in rows]


def report(instance: dg.DagsterInstance, partition: str) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("seen", partition=partition))


def partitions(instance: dg.DagsterInstance) -> list[str | None]:
    found = instance.fetch_materializations(dg.AssetKey("seen"), limit=10, ascending=True)
    return [record.partition_key for record in found.records]


def open_databases(layout: Layout) -> set[str]:
    """The files of events that this process has open."""
    events = str(layout.dagster_home / "history" / "runs")
    opened = (link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return {file.name for file in opened if file.suffix == ".db" and str(file).startswith(events)}


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status
