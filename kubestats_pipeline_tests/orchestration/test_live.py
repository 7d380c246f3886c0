"""The pipeline runs itself: real daemon, UI and runs; pushes, breakdowns, power cuts and backfills."""

import datetime
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS
from kubestats_pipeline.orchestration.assets.scan import WRITTEN
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.repairs.clock_reset import TIMES
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.orchestration.live import TOKEN, Live, needs_proc, running

pytestmark = [pytest.mark.slow, needs_proc]

NAMES = [f"local/ann/repo{number:02}" for number in range(20)]
BROKEN = NAMES[7]
SCANNED = WRITTEN


class World:
    """Twenty repositories, what was pushed to them, and the pipeline that watches them."""

    def __init__(self, folder: Path) -> None:
        remotes = folder / "ann"
        self.repositories = {name: GitRepository(remotes / f"{Path(name).name}.git") for name in NAMES}
        self.pushed: Counter[tuple[str, str]] = Counter()
        for name in NAMES:
            self.push(name)
        self.live = Live(folder, remotes)

    def push(self, name: str) -> None:
        """One commit that changes one resource."""
        number = len(self.pushed)
        manifest = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: one}}\ndata: {{number: {number}}}\n"
        now = datetime.datetime.now(datetime.UTC)
        self.pushed[name, self.repositories[name].commit({"a.yaml": manifest}, at=now)] += 1

    def found(self) -> Counter[tuple[str, str]]:
        """How many events the warehouse has of each commit."""
        rows = self.live.rows("SELECT full_name, commit_sha, count(*) FROM resource_events GROUP BY ALL")
        return Counter({(name, commit): count for name, commit, count in rows})

    def wait_until_published(self) -> None:
        self.live.wait_for("every change in the warehouse", lambda: self.found() == self.pushed)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("live"))
    with running(world.live):
        world.wait_until_published()
        yield world


def test_pushes_reach_the_warehouse_by_themselves(world: World):
    for name in NAMES[:5]:
        world.push(name)
    world.wait_until_published()
    assert world.found() == world.pushed


def test_a_repository_that_breaks_is_told_and_after_its_repair_misses_nothing(world: World):
    status = f"SELECT sync_status, sync_error FROM snapshots WHERE full_name = '{BROKEN}'"
    path = world.repositories[BROKEN].path
    away = path.rename(world.live.folder / "away")
    path.mkdir()
    (path / "HEAD").write_text("garbage")
    world.push(NAMES[8])
    world.live.wait_for("the failure in the warehouse", lambda: world.live.rows(status)[0][0] in ("gone", "error"))
    ((_, reason),) = world.live.rows(status)
    assert reason
    (path / "HEAD").unlink()
    path.rmdir()
    away.rename(path)
    world.push(BROKEN)
    world.wait_until_published()
    assert world.found() == world.pushed
    assert [reason for _, reason in world.live.rows(status)] == [None]


@pytest.mark.parametrize("job", ["sync_repositories", "scan_repositories", "publish_warehouse"])
def test_a_power_cut_in_mid_run_loses_and_doubles_nothing(world: World, job: str):
    for name in NAMES:
        world.push(name)
    (killed, *_) = world.live.wait_for(
        f"a run of {job}", lambda: world.live.runs(pipelineName=job, statuses=["STARTED"])
    )
    world.live.kill()
    assert world.live.processes() == []
    for name in NAMES[:3]:
        world.push(name)
    world.live.start()
    world.wait_until_published()
    (after,) = [run for run in world.live.runs() if run["runId"] == killed["runId"]]
    assert after["status"] in ("FAILURE", "SUCCESS")


def test_after_a_week_of_downtime_each_schedule_ticks_once_and_everything_is_found(world: World):
    world.live.kill()
    with open_instance(Layout(world.live.data)) as instance:
        forget_a_week(instance)
        before = {run.run_id for run in instance.get_runs()}
    for name in NAMES:
        world.push(name)
    started = time.time()
    world.live.start()
    world.wait_until_published()
    minutes = (time.time() - started) / 60
    ticked = Counter(
        tag["value"]
        for run in world.live.runs()
        if run["runId"] not in before
        for tag in run["tags"]
        if tag["key"] == "dagster/schedule_name"
    )
    assert ticked["record_statistics_schedule"] == 1
    assert max(ticked.values()) <= minutes + 2, "one for the week, then one a minute"


def forget_a_week(instance: dg.DagsterInstance) -> None:
    """Let Dagster's storage look as it would if nothing had run since a week ago."""
    week = 7 * 86_400
    for state in instance.all_instigator_state():
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id):
            instance.update_tick(tick._replace(tick_data=tick.tick_data._replace(timestamp=tick.timestamp - week)))
        data = state.instigator_data
        times = {name: getattr(data, name) - week for name in TIMES if getattr(data, name, None)}
        instance.update_instigator_state(state.with_data(data._replace(**times)))


def test_a_backfill_of_all_repositories_from_the_ui_turns_every_partition_green(world: World):
    for name in NAMES:
        world.push(name)
    assert world.live.ended(world.live.backfill(["snapshots"], NAMES)) == "COMPLETED_SUCCESS"
    assert world.live.ended(world.live.backfill(SCANNED, NAMES)) == "COMPLETED_SUCCESS"
    assert world.live.materialized("snapshots") == set(NAMES)
    for asset in SCANNED:
        assert world.live.materialized(asset) == set(NAMES), asset
    world.wait_until_published()


def test_one_repository_is_replayed_from_the_start_from_the_ui(world: World):
    run_id = world.live.launch("rescan_repositories", NAMES[3])
    wait_for_success(world, run_id)
    with open_instance(Layout(world.live.data)) as instance:
        newest = dg.AssetRecordsFilter(dg.AssetKey("scans"), asset_partitions=[NAMES[3]])
        (record,) = instance.fetch_materializations(newest, limit=1).records
    assert record.run_id == run_id
    assert record.asset_materialization is not None
    told = record.asset_materialization.metadata
    assert told["new_events"] == told["events"], "all of them are from this replay"


def wait_for_success(world: World, run_id: str) -> None:
    def ended() -> bool:
        (run,) = [run for run in world.live.runs() if run["runId"] == run_id]
        assert run["status"] not in ("FAILURE", "CANCELED")
        return bool(run["status"] == "SUCCESS")

    world.live.wait_for(f"run {run_id}", ended)


def test_the_days_are_those_with_data_and_a_backfill_of_all_turns_every_day_green(world: World):
    wait_for_success(world, world.live.launch("record_statistics"))
    days = [day.isoformat() for day in Lake(Layout(world.live.data)).read_all(ECOSYSTEM_STATS)["date"].sort()]
    assert days
    assert world.live.materialized("ecosystem_stats") == set(days)
    assert world.live.ended(world.live.backfill(["ecosystem_stats"], days)) == "COMPLETED_SUCCESS"
    assert world.live.materialized("ecosystem_stats") == set(days)


def test_nothing_was_lost_doubled_or_left_running(world: World):
    assert world.found() == world.pushed
    failed = {run["jobName"] for run in world.live.runs(statuses=["FAILURE"])}
    assert failed <= {"sync_repositories", "scan_repositories", "publish_warehouse", "discover_repositories"}
    assert world.live.rows("SELECT count(*) FROM resources WHERE status = 'ACTIVE'") == [(len(NAMES),)]


def test_the_token_of_the_environment_is_in_no_file_no_log_and_no_process_list(world: World):
    files = [path for path in (*world.live.data.rglob("*"), world.live.log) if path.is_file()]
    assert any(path.name == "index.db" for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    commands = [Path(f"/proc/{process}/cmdline").read_bytes() for process in world.live.processes()]
    assert [command for command in commands if TOKEN.encode() in command] == []


def test_only_loopback_listens(world: World):
    """Whoever listens in one of our processes does it on 127.0.0.1 (or a socket file)."""
    assert listening_addresses(world.live.processes()) == {"127.0.0.1"}


def listening_addresses(processes: list[int]) -> set[str]:
    """The addresses on which these processes listen, from /proc."""
    sockets = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").iterdir():
            if link.is_symlink() and (target := str(link.readlink())).startswith("socket:["):
                sockets.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(_address(fields[1].split(":")[0]))
    return found


def _address(hexadecimal: str) -> str:
    """An IPv4 address as /proc writes it, in the machine's order of bytes; others as they are."""
    if len(hexadecimal) != 8:
        return hexadecimal
    return ".".join(str(byte) for byte in bytes.fromhex(hexadecimal)[::-1])
