"""A sweep that is split into several runs: no repository is left out or done twice, and a slow share keeps no other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import read_repositories
from kubestats_pipeline.lake.tables import RESOURCES, SCANS, SNAPSHOTS
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.automation import build_automation
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.base.shares import SHARE_TAG, Share, share_of
from kubestats_pipeline.orchestration.jobs import parallel_runs
from kubestats_pipeline.orchestration.repairs.pools import fit_pools
from kubestats_pipeline_tests.builders import GitRepository, settings_for
from kubestats_pipeline_tests.orchestration.test_automation import NOW, add_run, change, discover, forget_runs, look

IDS = st.text(min_size=1)
SPLIT = {"sync": {"parallel_runs": 2, "workers": 1}, "scan": {"parallel_runs": 3, "workers": 1}}
NAMES = [f"repo{number}" for number in range(6)]


@given(IDS, st.integers(1, 256))
def test_a_repository_is_in_one_share_whatever_its_id(repository_id: str, shares: int):
    assert 1 <= share_of(repository_id, shares) <= shares


def test_shares_are_the_same_on_every_machine_and_nearly_equal():
    """These numbers were written down once: a repository that changed its share would leave its mirror behind."""
    assert [share_of(f"github:{number}", 4) for number in range(8)] == [4, 2, 4, 3, 4, 4, 3, 2]
    counts = [0, 0, 0, 0]
    for number in range(10_000):
        counts[share_of(f"github:{number}", 4) - 1] += 1
    assert min(counts) > 2_300


@pytest.mark.parametrize("text", ["", "0/2", "3/2", "1", "1/0", "a/b", "-1/2", "1/2/3", "01/2"])
def test_what_is_no_share_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a share of a sweep"):
        Share.parse(text)


@given(st.integers(1, 9999), st.integers(0, 9000))
def test_a_share_reads_what_it_writes(number: int, more: int):
    share = Share(number, min(number + more, 9999))
    assert Share.parse(str(share)) == share


# Runs


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with open_instance(Layout(tmp_path_factory.mktemp("data"))) as instance:
        yield instance


@pytest.fixture
def instance(storage: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """An instance with the policies of an installation, without runs."""
    yield storage
    forget_runs(storage)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One whose pools nobody has used."""
    with open_instance(Layout(tmp_path / "fresh")) as instance:
        yield instance


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(settings_for(tmp_path, repositories=[str(tmp_path / "ann")], **SPLIT), now=lambda: NOW)


def run(services: Services, instance: dg.DagsterInstance, job: str, config: Any = None) -> dg.ExecuteInProcessResult:
    found = build_definitions(services, headless=True).resolve_job_def(job)
    return found.execute_in_process(config, instance=instance, raise_on_error=False)


def names_in(lake: Lake, table: Any) -> set[str]:
    return set(lake.repositories(table))


def test_the_shares_of_a_sweep_do_each_repository_once_and_together_all(services: Services, instance, tmp_path: Path):
    for name in NAMES:
        manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"
        GitRepository(tmp_path / "ann" / f"{name}.git").commit({"a.yaml": manifest})
    assert run(services, instance, "discover_repositories").success
    known = read_repositories(services.lake)
    for op, table in (("sync", SNAPSHOTS), ("scan", SCANS)):
        done: set[str] = set()
        for share in (Share(1, 2), Share(2, 2)):
            assert run(services, instance, f"{op}_repositories", share.run_config(op)).success
            new = names_in(services.lake, table) - done
            assert new == {repository.full_name for repository in share.cut(known.values())}
            assert new
            done |= new
        assert done == set(known)
    assert len(services.lake.read_all(RESOURCES)) == len(NAMES)


def test_a_wrong_share_fails_the_run_with_what_would_be_right(services: Services, instance):
    result = run(services, instance, "sync_repositories", {"ops": {"sync": {"config": {"share": "3/2"}}}})
    failure = result.get_step_failure_events()[0].step_failure_data.error
    assert failure
    assert "'3/2' is not a share of a sweep. Give one such as 1/2 or 2/2" in failure.to_string()


# What starts them


def tick(services: Services, instance: dg.DagsterInstance, job: str) -> Any:
    schedules = {each.job_name: each for each in build_automation(services.settings)[0]}
    return schedules[job](dg.build_schedule_context(instance, resources={"services": services}))


def shares_of(requests: Any) -> list[str]:
    return [request.tags[SHARE_TAG] for request in requests]


def test_a_schedule_starts_a_run_for_each_share_under_a_key_of_its_own(services: Services, instance):
    requests = tick(services, instance, "scan_repositories")
    assert shares_of(requests) == ["1/3", "2/3", "3/3"]
    assert len({request.run_key for request in requests}) == 3, "Dagster starts one run for equal keys of a tick"
    configs = [request.run_config["ops"]["scan"]["config"] for request in requests]
    assert configs == [{"share": "1/3"}, {"share": "2/3"}, {"share": "3/3"}]
    assert shares_of(tick(services, instance, "sync_repositories")) == ["1/2", "2/2"]
    assert isinstance(tick(services, instance, "publish_warehouse"), dg.RunRequest), "the others are never split"


def start(instance: dg.DagsterInstance, job: str, share: str) -> None:
    add_run(instance, job, dg.DagsterRunStatus.STARTED)
    (run,) = instance.get_runs(dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.STARTED]), limit=1)
    if share:
        instance.add_run_tags(run.run_id, {SHARE_TAG: share})


def test_a_share_that_is_under_way_is_left_out_and_keeps_no_other_waiting(services: Services, instance):
    start(instance, "scan_repositories", "2/3")
    assert shares_of(tick(services, instance, "scan_repositories")) == ["1/3", "3/3"]
    for share in ("1/3", "3/3"):
        start(instance, "scan_repositories", share)
    skipped = dg.SkipReason("every share of scan_repositories is queued or running")
    assert tick(services, instance, "scan_repositories") == skipped


@pytest.mark.parametrize("share", ["", "1/2"])
def test_nothing_begins_beside_a_run_over_all_or_one_that_is_cut_otherwise(services: Services, instance, share: str):
    """A run of the UI, and one that was started before the setting was changed."""
    start(instance, "scan_repositories", share)
    skipped = dg.SkipReason("every share of scan_repositories is queued or running")
    assert tick(services, instance, "scan_repositories") == skipped


def test_a_sensor_starts_all_shares_once_for_the_same_news(services: Services, instance):
    change(instance, "snapshots")
    result = look(instance, services, place=1)
    assert shares_of(result.run_requests) == ["1/3", "2/3", "3/3"]
    again = look(instance, services, place=1)
    keys = [[request.run_key for request in each.run_requests] for each in (result, again)]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 3
    start(instance, "scan_repositories", "2/3")
    assert look(instance, services, place=1) == dg.SkipReason("scan_repositories is queued or running")
    forget_runs(instance)


def test_pushed_repositories_of_one_share_are_synced_together(services: Services, instance):
    discover(services.lake, dict.fromkeys("abcdefgh"))
    sensor = build_automation(services.settings)[1][0]
    result = sensor(dg.build_sensor_context(instance, resources={"services": services}))
    batches = [request.run_config["ops"]["sync"]["config"]["repositories"] for request in result.run_requests]
    assert sorted(name for batch in batches for name in batch) == [f"ann/{name}" for name in "abcdefgh"]
    known = read_repositories(services.lake)
    shares = [{share_of(known[name].repository_id, 2) for name in batch} for batch in batches]
    assert shares == [{1}, {2}]
    assert len({request.run_key for request in result.run_requests}) == 2


# Pools


def limits(instance: dg.DagsterInstance) -> dict[str, int]:
    return {limit.name: limit.limit for limit in instance.event_log_storage.get_pool_limits()}


def claims(instance: dg.DagsterInstance, pool: str, number: int) -> int:
    claimed = [
        instance.event_log_storage.claim_concurrency_slot(pool, f"run{each}", "step").is_claimed
        for each in range(number)
    ]
    return sum(claimed)


def test_a_pool_has_as_many_places_as_its_sweep_has_runs(services: Services, fresh):
    assert fit_pools(fresh, parallel_runs(services.settings)) == ["sync", "scan"]
    assert limits(fresh) == {"sync": 2, "scan": 3}
    assert fit_pools(fresh, parallel_runs(services.settings)) == []
    assert claims(fresh, "scan", 5) == 3


def test_one_run_leaves_the_pools_as_they_are(fresh):
    fresh.event_log_storage.initialize_concurrency_limit_to_default("scan")
    assert fit_pools(fresh, {"sync": 1, "scan": 1}) == []
    assert limits(fresh) == {"scan": 1}


def test_a_setting_that_goes_back_takes_the_places_back_and_a_closed_pool_stays_closed(fresh):
    fit_pools(fresh, {"sync": 4, "scan": 4})
    fresh.event_log_storage.set_concurrency_slots("sync", 0)
    assert fit_pools(fresh, {"sync": 1, "scan": 1}) == ["scan"]
    assert limits(fresh) == {"sync": 0, "scan": 1}
