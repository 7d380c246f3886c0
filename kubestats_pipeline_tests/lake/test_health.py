"""The state of an installation for machines: metrics that Prometheus can read, findings as JSON, exit statuses."""

import datetime
import json
from pathlib import Path

import dagster as dg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubestats_pipeline.cli.doctor import _examine_age, _examine_daemons
from kubestats_pipeline.cli.metrics import measure, render, write
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline_tests.builders import settings_for
from kubestats_pipeline_tests.demo import demo  # noqa: F401 - a fixture
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

NOW = datetime.datetime(2026, 3, 10, 12, tzinfo=datetime.UTC)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """What Prometheus' own parser reads."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[f"kubestats_{name}", tuple(sorted(labels.items()))]


def test_the_numbers_are_those_of_the_lake(tmp_path: Path):
    write_small_lake(tmp_path)
    found = samples(render(measure(settings_for(tmp_path), NOW)).decode())
    assert value(found, "repositories", status="active") == 2
    assert value(found, "repositories", status="retired") == 1
    assert value(found, "repositories", status="blocked") == 0
    assert value(found, "resources") == 5
    assert (
        value(found, "last_activity_timestamp_seconds", stage="discover")
        == datetime.datetime(2026, 3, 9, 12, tzinfo=datetime.UTC).timestamp()
    )
    assert value(found, "disk_free_bytes") > 0


def test_a_fresh_installation_has_numbers_too_and_gets_no_folder(tmp_path: Path):
    found = samples(render(measure(settings_for(tmp_path), NOW)).decode())
    assert value(found, "repositories", status="active") == 0
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_partition_is_counted_and_hides_nothing_else(tmp_path: Path):
    lake = write_small_lake(tmp_path)
    Layout(tmp_path / "data").repository_partition("snapshots", "alice/home").write_text("garbage")
    found = samples(render(measure(settings_for(tmp_path), NOW)).decode())
    assert value(found, "repositories_failed", stage="unreadable") == 1
    assert value(found, "repositories", status="active") == 2
    assert lake.layout.data_dir.is_dir()


def test_the_command_prints_what_prometheus_reads(demo):  # noqa: F811
    finished = demo("metrics")
    assert finished.returncode == 0, finished.stderr
    found = samples(finished.stdout)
    assert value(found, "repositories", status="active") == 6
    assert value(found, "repositories_failed", stage="scan") == 0
    assert value(found, "repositories_unscanned") == 0
    assert value(found, "dagster_runs_ended_24h", status="success") == 5
    assert value(found, "warehouse_size_bytes") == (demo.data / "kubestats.duckdb").stat().st_size
    assert finished.stdout.count("# HELP kubestats_repositories ") == 1


def test_a_file_is_replaced_at_once(tmp_path: Path):
    write_small_lake(tmp_path)
    target = tmp_path / "textfile/kubestats.prom"
    write(measure(settings_for(tmp_path), NOW), target)
    first = target.stat().st_ino
    write(measure(settings_for(tmp_path), NOW), target)
    assert samples(target.read_text())
    assert target.stat().st_ino != first, "a new file took the place of the old one"
    assert [path.name for path in target.parent.iterdir()] == ["kubestats.prom"]


@pytest.mark.slow
def test_the_doctor_speaks_json_and_its_exit_status_is_that_of_the_findings(demo):  # noqa: F811
    finished = demo("doctor", "--json", env={"KUBESTATS_GITHUB__API_URL": "http://127.0.0.1:9"})
    findings = {each["subject"]: each for each in map(json.loads, finished.stdout.splitlines())}
    assert {"git", "github", "disk", "lake", "warehouse", "scanners", "dagster", "daemons", "age"} <= set(findings)
    assert findings["github"]["mark"] == "failed", "topics are searched by default"
    assert findings["age"]["mark"] == "ok"
    assert finished.returncode == 1


def test_a_daemon_that_fell_silent_is_a_warning(tmp_path: Path):
    from dagster._daemon.types import DaemonHeartbeat

    layout = Layout(tmp_path / "data")
    assert _examine_daemons(layout).mark == "ok"
    with open_instance(layout) as instance:
        assert isinstance(instance, dg.DagsterInstance)
        long_ago = datetime.datetime.now().timestamp() - 3600
        instance.add_daemon_heartbeat(DaemonHeartbeat(long_ago, "SENSOR", "one", []))
    finding = _examine_daemons(layout)
    assert finding.mark == "warning"
    assert "no sign of life of sensor since" in finding.text
    with open_instance(layout) as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(datetime.datetime.now().timestamp(), "SENSOR", "two", []))
    assert _examine_daemons(layout).mark == "ok"


@pytest.mark.parametrize(("is_there", "text"), [(True, "hours ago"), (False, "nothing was discovered yet")])
def test_old_data_and_none_are_warnings(tmp_path: Path, is_there: bool, text: str):
    if is_there:
        write_small_lake(tmp_path)
    finding = _examine_age(Layout(tmp_path / "data"))
    assert finding.mark == "warning"
    assert text in finding.text
