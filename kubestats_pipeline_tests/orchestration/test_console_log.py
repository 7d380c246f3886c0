"""What a run writes: one line for what changed and one for what failed, readable or as JSON, and nothing else."""

import datetime
import json
import logging

import dagster as dg
import pytest

from kubestats_pipeline.orchestration.base.console_log import Line, build_console, read_line, to_json
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.demo import Command

MANIFEST = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
BROKEN = {"b.yaml": "apiVersion: v1\nkind: [\n"}


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The JSON lines of a cycle over a repository that is there and one that is not, and the command's output."""
    folder = tmp_path_factory.mktemp("logs")
    GitRepository(folder / "remotes/ann/one.git").commit({"a.yaml": MANIFEST} | BROKEN, at=YESTERDAY)
    names = f"{folder / 'remotes/ann/one.git'},http://127.0.0.1:9/bob/two.git"
    finished = Command(folder)(
        "run", env={"KUBESTATS_REPOSITORIES": names, "KUBESTATS_LOG_FORMAT": "json"}, timeout=400
    )
    assert finished.returncode == 1
    return [json.loads(line) for line in finished.stderr.splitlines()], finished.stdout


def of(lines, **wanted):
    return [line for line in lines[0] if all(line.get(name) == value for name, value in wanted.items())]


def test_every_line_says_when_how_grave_and_of_which_run(lines):
    for line in lines[0]:
        assert list(line)[:3] == ["time", "level", "message"]
        assert datetime.datetime.fromisoformat(line["time"]).utcoffset() == datetime.timedelta()
        assert {"run_id", "job"} <= set(line)


def test_a_scanned_repository_is_one_line_with_its_facts_as_fields(lines):
    (line,) = of(lines, asset="scans")
    assert line["repository"] == "local/ann/one"
    assert (line["resources"], line["new_events"], line["problems"]) == (1, 1, 1)
    assert len(line["commit"]) == 40
    assert line["seconds"] > 0


def test_a_repository_that_fails_is_a_warning_with_its_reason(lines):
    (line,) = of(lines, level="WARNING", step="sync")
    assert line["repository"] == "127.0.0.1/bob/two"
    assert "127.0.0.1:9" in line["reason"]


def test_a_batch_and_a_publication_are_one_line_each(lines):
    (sync,) = of(lines, asset="sync_runs")
    assert (sync["requested"], sync["changed"], sync["failed"]) == (2, 1, 1)
    (warehouse,) = of(lines, asset="warehouse")
    assert warehouse["rows_resources"] == 1
    assert not of(lines, asset="releases"), "the views are in the warehouse"
    (statistics,) = of(lines, job="record_statistics", step="statistics")
    assert statistics["days"] > 1


def test_a_check_that_fails_is_a_line_and_one_that_passes_is_none(lines):
    (check,) = of(lines, check="repositories_synced")
    assert (check["level"], check["asset"], check["failed"]) == ("ERROR", "snapshots", 1)
    assert not of(lines, check="repositories_scanned")


def test_there_is_no_noise(lines):
    runs = len({line["run_id"] for line in lines[0]})
    assert runs == 5
    assert len(lines[0]) <= 2 * runs + 12


def test_the_summary_is_one_json_object_on_standard_output(lines):
    (summary,) = map(json.loads, lines[1].splitlines())
    assert (summary["repositories"], summary["changed"], summary["failed"]) == (2, 1, 1)
    assert list(summary["failures"]) == ["127.0.0.1/bob/two"]


def test_a_fact_cannot_take_the_place_of_the_message():
    line = Line(logging.INFO, "mine", {"message": "theirs", "time": 0, "size": 1})
    told = json.loads(to_json(line, {}, datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)))
    assert told == {"time": "2026-01-02T00:00:00Z", "level": "INFO", "message": "mine", "size": 1}


def test_the_readable_console_has_the_same_lines(capfd):
    @dg.asset
    def sample(context: dg.AssetExecutionContext) -> None:
        context.log_event(dg.AssetMaterialization("snapshots", partition="ann/one", metadata={"commit": "abc"}))
        raise dg.Failure("the disk is full; free some", allow_retries=False)

    config = {"loggers": {"console": {"config": {}}}}
    job = dg.define_asset_job("sample_job", [sample], config=config)
    definitions = dg.Definitions(assets=[sample], jobs=[job], loggers={"console": build_console("console")})
    definitions.resolve_job_def("sample_job").execute_in_process(raise_on_error=False)
    shown = [line.split(" ", 1)[1] for line in capfd.readouterr().err.splitlines()]
    assert shown[:2] == [
        "INFO    sample_job: run started",
        "INFO    sample_job: snapshots ann/one  asset=snapshots repository=ann/one commit=abc",
    ]
    assert 'sample_job: Execution of step "sample" failed.  reason=the disk is full; free some' in shown[2]


def test_dagsters_own_housekeeping_is_no_line():
    class Event:
        event_type = dg.DagsterEventType.STEP_OUTPUT

    record = logging.makeLogRecord({"dagster_meta": {"dagster_event": Event(), "orig_message": "yielded"}})
    assert read_line(record) is None
