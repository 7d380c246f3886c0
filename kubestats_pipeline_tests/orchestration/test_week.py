"""A week of an installation, day by day: pushes, failures, kills, a full disk, another clock, an upgrade before all.

The tests are the days of one week and follow one another. The last ones ask what is left of it: each change of every
history exactly once, and a file that equals one that was built from nothing.
"""

import datetime
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from kubestats_pipeline.clean.leftovers import remove_leftovers
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, APPLIED_RESOURCES, HELM_VALUES, RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.standing import NOTHING_NEW
from kubestats_pipeline.storage.folder import Stamp
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.orchestration.live import Live, needs_proc, running
from kubestats_pipeline_tests.orchestration.week import (
    CUT_WHILE_FETCHING,
    PATIENCE,
    TOKEN,
    Accident,
    Week,
    cut_before_rename,
    unpack_commit,
)
from kubestats_pipeline_tests.sync.git_server import serve
from kubestats_pipeline_tests.warehouse.whole_build import differences

pytestmark = [pytest.mark.slow, needs_proc]

EARLIER = "112077c"
"""The commit of the version that the week begins with."""

AURORA, TIDEWATER, MAGPIE = "aurora/home-cluster", "tidewater/home-ops", "magpie/infra"
ORCHARD, SPROUT, GRANITE = "orchard/argo-homelab", "sprout/cluster", "granite-peak/k8s-gitops"
RENAMED = "guild/argo-homelab"
KILLED = -signal.SIGKILL
COUNTED_BACK = {"table_figures"}
"""The view that counts back from the moment of a build, which differs where the clock was moved."""


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory, sample_repositories: Path) -> Iterator[Week]:
    """The data directory of the earlier version, as it was left on Sunday night."""
    folder = tmp_path_factory.mktemp("week")
    if not unpack_commit(EARLIER, folder / "earlier"):
        pytest.skip(f"the code of {EARLIER} is not in this clone")
    with GitHubServer() as github, serve(folder / "remotes") as git:
        week = Week(folder, github, git)
        github.tokens = {TOKEN}
        for name, commits in {AURORA: 12, TIDEWATER: 15, MAGPIE: 8, ORCHARD: 14, SPROUT: 1, GRANITE: 29}.items():
            week.create(name, sample_repositories / f"{name}.git", commits)
        assert well(week.run(code=folder / "earlier"))
        assert not week.lake.layout.basis.exists(), "today's code has not been here"
        yield week


def well(result: tuple[int, str]) -> str:
    """What a command said that succeeded."""
    status, said = result
    assert status == 0, said
    return said


def failing(result: tuple[int, str]) -> set[str]:
    """The repositories that a command said to have failed."""
    status, said = result
    assert status == 1, said
    lines = [line.split(": ")[1] for line in said.splitlines() if line.startswith("failed: ")]
    return {name for name in lines if not name.startswith("check ")}


def published(week: Week) -> dict[str, str]:
    """The commit of each repository that the published file has."""
    return dict(week.query("SELECT full_name, scanned_commit FROM scans"))


def is_brought_up_to_date(week: Week) -> bool:
    """True if the published file was not built as a whole."""
    with duckdb.connect(str(week.lake.layout.built_from), read_only=True) as connection:
        ((built_at, whole_at),) = connection.execute("SELECT built_at, whole_at FROM info").fetchall()
    assert week.query("SELECT built_at FROM warehouse_info") == [(built_at,)], "both files are of one build"
    return bool(whole_at < built_at)


def test_monday_an_upgrade_that_is_cut_off_is_finished_by_the_next_run(week: Week):
    week.clock = 1
    week.watched[AURORA].push(3)
    assert week.run(accident=cut_before_rename("lake/resource_events/"))[0] == KILLED
    said = well(week.run())
    assert "6 repositories, 6 with news, 0 failed" in said
    assert "values that earlier versions had stored were withheld" in said
    assert NOTHING_NEW in well(week.run())


def test_tuesday_the_power_is_cut_while_it_syncs_scans_and_publishes(week: Week):
    week.clock = 2
    week.watched[TIDEWATER].push(-4)
    week.watched[ORCHARD].push(3)
    assert week.run(accident=CUT_WHILE_FETCHING)[0] == KILLED
    assert week.run(accident=cut_before_rename("lake/resources/"))[0] == KILLED
    week.watched[TIDEWATER].push(6)
    well(week.run())
    before = published(week)
    assert before == week.heads()
    week.watched[SPROUT].push(1)
    assert week.run(accident=cut_before_rename("data/kubestats.duckdb"))[0] == KILLED
    assert published(week) == before, "of the two files of a build only one was in its place"


def test_wednesday_the_disk_is_full(week: Week):
    week.clock = 3
    status, said = week.run(accident=Accident(most_bytes=0))
    assert (status, len(said.splitlines())) == (1, 1), said
    assert "the disk is neither full nor read-only" in said
    well(week.run())
    week.watched[SPROUT].push(1)
    last = Stamp.of(week.lake.layout.warehouse.stat())
    assert week.run(accident=Accident(most_bytes=last.size - 1_000_000))[0] == 1, "it is too large to be copied"
    assert Stamp.of(week.lake.layout.warehouse.stat()) == last
    assert list(week.data.glob("*.tmp*")) == []
    well(week.run())
    assert published(week) == week.heads()
    assert is_brought_up_to_date(week)
    assert set(differences(week.lake)) <= COUNTED_BACK


def test_thursday_the_clock_is_set_back_a_rename_is_cut_off_and_one_is_gone(week: Week):
    week.clock = -2
    week.watched[AURORA].push(3)
    week.watched[ORCHARD].push(2)
    week.rename(week.watched[ORCHARD], RENAMED)
    assert week.run(accident=cut_before_rename("data/moving/"))[0] == KILLED
    week.hide(week.watched[MAGPIE])
    assert failing(week.run()) == {MAGPIE}
    assert published(week) == week.heads(), "what is known of it stays"
    week.show(week.watched[MAGPIE])


def test_friday_one_is_too_large_one_is_empty_and_an_old_name_goes_to_a_new_one(week: Week, sample_repositories: Path):
    week.clock = 5
    week.github.repositories[week.watched[MAGPIE].number]["size"] = 300 * 1024
    week.watched[SPROUT].repository.delete_branches()
    week.create(ORCHARD, sample_repositories / f"{SPROUT}.git", 2)
    well(week.run())
    assert week.query("SELECT full_name FROM repositories WHERE status <> 'active'") == [(MAGPIE,)]
    assert week.query("SELECT full_name FROM snapshots WHERE sync_status = 'empty'") == [(SPROUT,)]
    assert set(published(week)) == set(week.watched), "what is known stays"


def test_saturday_an_old_file_is_put_back_and_two_commands_run_at_once(week: Week):
    week.clock = 6
    week.github.repositories[week.watched[MAGPIE].number]["size"] = 5 * 1024
    week.watched[SPROUT].push(0)
    yesterdays = shutil.copyfile(week.lake.layout.warehouse, week.folder / "yesterdays.duckdb")
    week.watched[ORCHARD].push(1)
    well(week.run())
    yesterdays.replace(week.lake.layout.warehouse)
    week.watched[TIDEWATER].push(2)
    week.watched[MAGPIE].push(3)
    both = [week.start("run"), week.start("sync", TIDEWATER)]
    said = [process.communicate(timeout=PATIENCE)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    well(week.run())
    assert published(week) == week.heads()
    build_warehouse(week.lake)  # the last run may have found nothing new, and left older last looks in the file
    assert set(differences(week.lake)) <= COUNTED_BACK


def test_sunday_the_clock_is_right_again_and_the_service_catches_up_by_itself(week: Week):
    week.clock = 0
    for name, commits in {AURORA: 4, TIDEWATER: 2, MAGPIE: 3, RENAMED: 2}.items():
        week.watched[name].push(commits)
    live = Live(week.folder, week.git.root)
    live.env |= week.environment(week.data)
    del live.env["KUBESTATS_REPOSITORIES"]
    with running(live):
        live.wait_for("every push in the published file", lambda: published(week) == week.heads())
    well(week.run())
    assert published(week) == week.heads()


def test_every_change_is_there_exactly_once(week: Week):
    """As one scan of each whole history gives them that nobody disturbed."""
    undisturbed = Lake(Layout(week.folder / "undisturbed"))
    well(week.run(data=undisturbed.layout.data_dir))
    assert week.query("SELECT count(*) - count(DISTINCT event_id) FROM resource_events") == [(0,)]
    for name, watched in week.watched.items():
        if watched.is_appended:
            for table in (RESOURCE_EVENTS, RESOURCES, APPLIED_EVENTS, APPLIED_RESOURCES, HELM_VALUES):
                once = week.rows(table, watched, undisturbed)
                assert week.rows(table, watched).equals(once), (name, table.name)
                assert once.height > 0 or table is not RESOURCE_EVENTS, name
    assert [name for name, watched in week.watched.items() if not watched.is_appended] == [TIDEWATER]
    assert active(week, week.lake) == active(week, undisturbed), "a rewritten history ends in the same resources"


def active(week: Week, lake: Lake) -> set[tuple[str, str]]:
    """The resources that the rewritten repository declares, and their content."""
    rows = week.rows(RESOURCES, week.watched[TIDEWATER], lake).filter(pl.col("status") == "ACTIVE")
    return set(rows.select("resource_id", "content_hash").iter_rows())


def test_the_register_tells_what_happened(week: Week):
    told = week.query("SELECT full_name, status, previous_names FROM repositories ORDER BY full_name")
    assert told == [(name, "active", [ORCHARD] if name == RENAMED else None) for name in sorted(week.watched)]
    states = week.query("SELECT DISTINCT sync_status, sync_error, consecutive_failures FROM snapshots")
    assert set(states) <= {("synced", None, 0), ("unchanged", None, 0)}


def test_the_file_equals_one_that_is_built_as_a_whole_and_nothing_is_left_behind(week: Week):
    assert differences(week.lake) == {}
    remove_leftovers(week.lake.layout, week.now() + datetime.timedelta(days=2))
    left = [path.name for path in week.data.rglob("*") if ".tmp" in path.name or path.name.startswith("tmp_")]
    assert left == []
    assert [*week.lake.layout.all_moving.glob("*")] == []
    with open_instance(week.lake.layout) as instance:
        unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
        assert instance.get_runs(unfinished) == []
