"""Telling as a job: started after publications, failed where a receiver does not answer, and never for nothing."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from kubestats_pipeline.orchestration.alerts import AlertError, tell_failure
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.automation import build_automation
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.cycle import run_cycle
from kubestats_pipeline.setting_sections import AlertSettings
from kubestats_pipeline.settings import Settings
from kubestats_pipeline_tests.builders import GitRepository, settings_for
from kubestats_pipeline_tests.watch.conftest import phone  # noqa: F401 - a fixture
from kubestats_pipeline_tests.watch.receiving import TOPIC, PostServer, listening

NOW = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
RULES = [{"chart": "podinfo", "what": ["rolled_back", "new_major"]}]


def release(version: str) -> dict[str, str]:
    return {
        "podinfo.yaml": f"""
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: podinfo, namespace: apps}}
spec:
  chart: {{spec: {{chart: podinfo, version: {version}, sourceRef: {{kind: HelmRepository, name: podinfo}}}}}}
""",
        "source.yaml": """
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: podinfo, namespace: apps}
spec: {url: https://charts.example.org}
""",
    }


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance on disk."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as storage:
        yield storage


def watching(tmp_path: Path, server: PostServer, **more: object) -> Settings:
    alerts = {"receivers": {"phone": server.ntfy}, "timeout_seconds": 5}
    return settings_for(tmp_path, **{"alerts": alerts, "watch": RULES, **more})


@pytest.mark.slow  # five cycles; each step of it has a test of its own, here and in watch/
def test_a_cycle_tells_once_what_was_pushed(tmp_path: Path, instance: dg.DagsterInstance, phone: PostServer):  # noqa: F811
    git = GitRepository(tmp_path / "repos" / "ann" / "home.git")
    git.commit(release("6.5.0"), at=NOW - datetime.timedelta(days=30))
    git.commit(release("6.6.0"), at=NOW - datetime.timedelta(days=20))
    settings = watching(tmp_path, phone, repositories=[str(tmp_path / "repos")])

    def cycle(hours: int) -> None:
        services = Services(settings, now=lambda: NOW + datetime.timedelta(hours=hours))
        assert run_cycle(services, instance).failures == {}

    cycle(0)
    assert phone.received == []
    git.commit(release("6.5.0"), at=NOW + datetime.timedelta(hours=1))
    cycle(2)
    cycle(3)
    (body,) = phone.bodies
    assert json.loads(body)["message"] == "local/ann/home went back from podinfo 6.6.0 to 6.5.0, 2026-07-01"
    git.commit(release("7.0.0"), at=NOW + datetime.timedelta(hours=4))
    phone.answers = [500]
    services = Services(settings, now=lambda: NOW + datetime.timedelta(hours=5))
    failed = run_cycle(services, instance)
    assert failed.failures == {
        "tell_changes": "alerts.receivers: not told were phone: it answered HTTP 500. They are told what they "
        "missed after the next publication"
    }
    (run,) = instance.get_runs(dg.RunsFilter(job_name="tell_changes", statuses=[dg.DagsterRunStatus.FAILURE]))
    assert TOPIC not in str(instance.all_logs(run.run_id)) + str(run)
    cycle(6)  # nothing is published, and what was missed is told all the same
    assert len(phone.received) == 3
    assert "major version 7 of podinfo: 6.5.0 → 7.0.0" in json.loads(phone.bodies[2])["message"]


@pytest.fixture
def services(tmp_path: Path, phone: PostServer) -> Services:  # noqa: F811
    return Services(watching(tmp_path, phone), now=lambda: NOW)


def sensor_of(services: Services) -> dg.SensorDefinition:
    _, sensors = build_automation(services.settings)
    (sensor,) = [each for each in sensors if each.name == "tell_after_publication"]
    return sensor


def tick(services: Services, instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    context = dg.build_sensor_context(instance, cursor=cursor, resources={"services": services})
    return sensor_of(services)(context)  # type: ignore[return-value]


def publish(instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("warehouse"))


def test_the_sensor_asks_for_one_run_after_each_publication(services: Services, instance: dg.DagsterInstance):
    assert isinstance(tick(services, instance, None), dg.SkipReason)
    publish(instance)
    first = tick(services, instance, None)
    assert isinstance(first, dg.SensorResult)
    assert len(first.run_requests or []) == 1
    assert isinstance(tick(services, instance, first.cursor), dg.SkipReason)
    publish(instance)
    second = tick(services, instance, first.cursor)
    assert isinstance(second, dg.SensorResult)
    assert [each.run_key for each in second.run_requests or []] != [each.run_key for each in first.run_requests or []]


@pytest.mark.parametrize("job", ["publish_warehouse", "tell_changes"])
def test_the_sensor_waits_for_a_publication_and_a_telling_under_way(
    services: Services, instance: dg.DagsterInstance, job: str
):
    publish(instance)
    instance.add_run(dg.DagsterRun(job_name=job, status=dg.DagsterRunStatus.STARTED))
    assert f"{job} is queued or running" in str(tick(services, instance, None))


def test_without_rules_there_is_neither_a_job_nor_a_sensor(tmp_path: Path):
    definitions = build_definitions(Services(settings_for(tmp_path)))
    assert "tell_changes" not in {job.name for job in definitions.jobs or ()}
    assert "tell_after_publication" not in {sensor.name for sensor in definitions.sensors or ()}


def test_with_rules_the_definitions_can_be_loaded(services: Services):
    definitions = build_definitions(services)
    dg.Definitions.validate_loadable(definitions)
    assert definitions.resolve_job_def("tell_changes").description


def test_a_failed_run_is_told_to_the_receivers_that_want_to_know(phone: PostServer):  # noqa: F811
    run = dg.DagsterRun(job_name="scan_repositories", run_id="0123456789")
    with listening() as webhook:
        receivers = {"phone": phone.ntfy, "desk": "ntfy://127.0.0.1:9/other"}
        alerts = AlertSettings(receivers=receivers, failures_to=["phone"], webhook_url=webhook.url)
        tell_failure(alerts, run, "disk <full>")
        assert len(webhook.received) == 1
    sent = json.loads(phone.bodies[0])
    assert (sent["title"], sent["message"]) == ("Kubestats: scan_repositories failed", "Run 01234567\ndisk ‹full›")


def test_a_receiver_that_cannot_be_told_of_a_failure_keeps_no_other_from_it(phone: PostServer):  # noqa: F811
    run = dg.DagsterRun(job_name="scan_repositories", run_id="0123456789")
    receivers = {"phone": phone.ntfy, "desk": "ntfy://127.0.0.1:9/topic-that-is-secret"}
    alerts = AlertSettings(receivers=receivers, failures_to=["desk", "phone"])
    with pytest.raises(
        AlertError, match=r"^desk was not told: it cannot be reached .* See alerts\.receivers$"
    ) as caught:
        tell_failure(alerts, run, "disk full")
    assert TOPIC not in str(caught.value)
    assert len(phone.received) == 1
