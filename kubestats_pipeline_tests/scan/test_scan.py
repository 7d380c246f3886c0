"""Whole scans: from a mirror to the tables of a repository, again and again, whatever happens in between."""

import datetime
import shutil
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kubestats_pipeline.git.command import GitError
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake, LakeError
from kubestats_pipeline.lake.tables import HELM_VALUES, RESOURCE_EVENTS, RESOURCES, SCAN_PROBLEMS, SCANS, SNAPSHOTS
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.outcomes import NotSynced, ScanFailed, Scanned, UpToDate
from kubestats_pipeline.scan.scan import scan_all
from kubestats_pipeline_tests.builders import START, GitRepository, settings_for
from kubestats_pipeline_tests.scan.world import (
    BROKEN,
    NOW,
    World,
    assert_fold_gives_resources,
    assert_ids_are_unique,
    config,
    documents,
    release,
)

TABLES = (RESOURCES, HELM_VALUES, RESOURCE_EVENTS, SCAN_PROBLEMS, SCANS)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def files_of(world: World, *tables: Table) -> dict[Path, tuple[int, bytes]]:
    """Each file's time and content."""
    paths = [world.lake.path(table, world.repository.full_name) for table in tables or TABLES]
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def put_back(files: dict[Path, tuple[int, bytes]]) -> None:
    for path, (_, content) in files.items():
        path.write_bytes(content)


def snapshot(world: World, head: str | None = None) -> None:
    """What a sync would have written."""
    row: dict[str, Any] = dict.fromkeys(SNAPSHOTS.column_names) | {
        "repository_id": world.repository.repository_id,
        "full_name": world.repository.full_name,
        "head_commit": head or world.git.head,
        "sync_status": "synced",
        "last_sync_at": NOW,
        "consecutive_failures": 0,
    }
    world.lake.write(SNAPSHOTS, world.repository.full_name, [row])


def sweep(world: World, *more: World, workers: int = 1, now: Any = lambda: NOW) -> dict[str, Any]:
    """Scan as a run does, and give the outcomes by name."""
    settings = settings_for(world.lake.layout.data_dir.parent, scan={"workers": workers})
    repositories = [each.repository for each in (world, *more)]
    return {
        repository.name: outcome for repository, outcome in scan_all(repositories, world.lake, settings, "run", now)
    }


def test_a_first_scan_writes_all_tables(world: World) -> None:
    world.git.commit({"a.yaml": config("a"), "b.yaml": BROKEN})
    head = world.git.commit({"a.yaml": config("a", "two")})
    done = world.scan()
    assert isinstance(done, Scanned)
    assert (done.commit, done.resources, done.events, done.new_events, done.problems) == (head, 1, 2, 2, 1)
    (scan,) = world.rows(SCANS)
    assert (scan["scan_status"], scan["scanned_commit"], scan["resources_count"]) == ("scanned", head, 1)
    assert_fold_gives_resources(world)


def test_a_second_scan_touches_no_file(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    before = files_of(world)
    assert isinstance(world.scan(), UpToDate)
    assert files_of(world) == before


def test_a_new_commit_adds_its_events_and_keeps_the_old_rows(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.scan(run="first")
    world.git.commit({"a.yaml": config("a", "two")})
    done = world.scan(run="second")
    assert isinstance(done, Scanned)
    assert (done.events, done.new_events) == (2, 1)
    assert [event["sync_run_id"] for event in world.events] == ["first", "second"]
    assert_fold_gives_resources(world)


def test_a_repository_without_yaml_is_scanned_to_nothing(world: World) -> None:
    world.git.commit({"README.md": "nothing"})
    done = world.scan()
    assert isinstance(done, Scanned)
    assert (done.resources, done.events) == (0, 0)
    assert isinstance(world.scan(), UpToDate)


def test_a_rewritten_history_is_one_difference(world: World) -> None:
    start = world.git.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    world.git.commit({"a.yaml": config("a", "two")})
    world.scan()
    world.git.reset_to(start)
    head = world.git.commit({"a.yaml": config("a", "three"), "c.yaml": config("c")})
    world.git.git("reflog", "expire", "--expire=now", "--all")
    world.git.git("gc", "--quiet", "--prune=now")
    world.scan()
    assert [(event["event_type"], event["resource_name"]) for event in world.events[3:]] == [
        ("CREATED", "c"),
        ("MODIFIED", "a"),
    ]
    assert {event["commit_sha"] for event in world.events[3:]} == {head}
    assert_fold_gives_resources(world)


def test_a_history_that_goes_back_and_forth_keeps_ids_unique(world: World) -> None:
    one = world.git.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    two = world.git.commit({"a.yaml": config("a", "two"), "b.yaml": None, "c.yaml": config("c")})
    for head in (one, two, one, two, one):
        world.git.reset_to(head)
        world.scan()
        assert_fold_gives_resources(world)
        assert_ids_are_unique(world)
    assert {row["name"] for row in world.resources if row["status"] == "ACTIVE"} == {"a", "b"}


def test_a_place_that_is_left_and_taken_again_by_the_same_commits_gives_unique_resources(world: World) -> None:
    commits = [
        world.git.commit({"p.yaml": config("a")}),
        world.git.move("p.yaml", "q.yaml"),
        world.git.commit({"p.yaml": config("a", "new")}),
        world.git.commit({"q.yaml": None, "p.yaml": None, "r.yaml": config("a"), "s.yaml": config("a", "new")}),
    ]
    for _ in range(3):
        for commit in commits[2:]:
            world.git.reset_to(commit)
            world.scan()
            assert_fold_gives_resources(world)
            assert_ids_are_unique(world)


def test_a_mirror_that_was_made_again_without_history_continues_the_log(world: World, tmp_path: Path) -> None:
    world.git.commit({"a.yaml": documents(config("a"), config("b")), "k/c.yaml": config("c")})
    world.git.commit({"a.yaml": documents(BROKEN, config("b"))})
    world.scan()
    world.git.commit({"k/c.yaml": config("c", "two")})
    head = world.git.commit({"d.yaml": config("d")})
    origin = tmp_path / "origin.git"
    world.mirror.rename(origin)
    command = ["git", "clone", "-q", "--bare", "--depth=1", f"file://{origin}", str(world.mirror)]
    subprocess.run(command, check=True, timeout=20)
    world.scan(head)
    assert {(row["name"], row["status"]) for row in world.resources} == {(name, "ACTIVE") for name in "abcd"}
    assert sorted((event["event_type"], event["resource_name"]) for event in world.events[3:]) == [
        ("CREATED", "d"),
        ("MODIFIED", "c"),
    ]
    assert_fold_gives_resources(world)


def test_a_head_that_the_mirror_lacks_is_a_failure_that_loses_nothing(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    snapshot(world)
    assert isinstance(sweep(world)["home"], Scanned)
    before = files_of(world, RESOURCES, RESOURCE_EVENTS, SCAN_PROBLEMS)
    snapshot(world, "b" * 40)
    failed = sweep(world)["home"]
    assert isinstance(failed, ScanFailed)
    assert "b" * 40 in failed.reason
    assert "Sync the repository again" in failed.reason
    (scan,) = world.rows(SCANS)
    assert (scan["scan_status"], scan["scan_error"], scan["resources_count"]) == ("error", failed.reason, 1)
    assert files_of(world, RESOURCES, RESOURCE_EVENTS, SCAN_PROBLEMS) == before


def test_a_mirror_that_is_not_there_is_a_failure(world: World) -> None:
    head = world.git.commit({"a.yaml": config("a")})
    shutil.rmtree(world.mirror)
    with pytest.raises(GitError, match="does not hold commit"):
        world.scan(head)
    assert world.resources == []


def test_a_failure_is_forgotten_when_the_head_is_the_scanned_one_again(world: World) -> None:
    head = world.git.commit({"a.yaml": config("a")})
    synced = shutil.copytree(world.mirror, world.mirror.with_name("synced.git"))
    for each in (head, "b" * 40, head):
        shutil.copytree(synced, world.mirror, dirs_exist_ok=True)
        snapshot(world, each)
        sweep(world)
    (scan,) = world.rows(SCANS)
    assert (scan["scan_status"], scan["scan_error"], scan["scanned_commit"]) == ("scanned", None, head)
    assert isinstance(sweep(world)["home"], UpToDate)


def test_a_deeper_history_is_replayed_from_the_start_and_later_events_keep_their_ids(world: World) -> None:
    texts = [config("a", str(number)) for number in range(5)]
    for text in texts:
        world.git.commit({"a.yaml": text})
    deep = world.mirror.with_name("deep.git")
    world.mirror.rename(deep)
    for depth, days in ((2, 1), (4, 0)):
        shutil.rmtree(world.mirror, ignore_errors=True)
        command = ["git", "clone", "-q", "--bare", f"--depth={depth}", f"file://{deep}", str(world.mirror)]
        subprocess.run(command, check=True, timeout=20)
        world.since = START + datetime.timedelta(days=days)
        before = {event["event_id"] for event in world.events}
        assert isinstance(world.scan(GitRepository(deep, default="head").head), Scanned)
    events = {event["event_id"]: event for event in world.events}
    assert [event["event_type"] for event in world.events] == ["CREATED", *["MODIFIED"] * 3]
    assert len(before & events.keys()) == 2
    assert_fold_gives_resources(world)


HISTORY: list[dict[str, str | None]] = [
    {"a.yaml": config("a"), "bad.yaml": BROKEN, "worse.yaml": BROKEN},
    {"a.yaml": config("a", "two"), "bad.yaml": config("bad"), "new.yaml": BROKEN},
    {"a.yaml": None, "bad.yaml": BROKEN},
]


@pytest.mark.parametrize("written", [(), (SCANS,), (SCANS, RESOURCE_EVENTS), (SCANS, RESOURCE_EVENTS, SCAN_PROBLEMS)])
@pytest.mark.parametrize("rewritten", [False, True])
def test_a_run_that_was_killed_between_two_writes_leaves_no_trace(
    tmp_path: Path, written: tuple[Table, ...], rewritten: bool
) -> None:
    killed, undisturbed = World(tmp_path / "killed"), World(tmp_path / "undisturbed")
    for world in (killed, undisturbed):
        first = world.git.commit(HISTORY[0])
        world.scan()
        old = files_of(world, *(table for table in TABLES if table not in written))
        for files in HISTORY[1:]:
            world.git.commit(files)
        if world is killed:
            world.scan(run="killed")
            put_back(old)
        if rewritten:
            world.git.reset_to(first)
            world.git.commit({"new.yaml": BROKEN, "other.yaml": config("other")})
        world.scan()
        world.git.commit({"last.yaml": config("last")})
        world.scan()
        assert_fold_gives_resources(world)
        assert_ids_are_unique(world)
    assert killed.tables() == undisturbed.tables()


@pytest.mark.parametrize("lost", TABLES, ids=lambda table: table.name)
def test_a_partition_that_was_deleted_is_rebuilt_by_the_next_run(world: World, lost: Table) -> None:
    for files in HISTORY:
        world.git.commit(files)
    world.scan()
    before = world.tables()
    world.lake.delete(lost, world.repository.full_name)
    assert isinstance(world.scan(), Scanned)
    assert world.tables() == before


@pytest.mark.parametrize(
    "damaged", [RESOURCES, HELM_VALUES, RESOURCE_EVENTS, SCAN_PROBLEMS], ids=lambda table: table.name
)
def test_a_damaged_file_is_named_and_left_alone(world: World, damaged: Table) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    world.git.commit({"a.yaml": config("a", "two")})
    path = world.lake.path(damaged, world.repository.full_name)
    path.write_bytes(b"no parquet")
    with pytest.raises(LakeError, match=damaged.name):
        world.scan()
    assert path.read_bytes() == b"no parquet"


def test_bounds_that_are_raised_bring_resources_at_the_next_commit(world: World) -> None:
    world.git.commit({"a.yaml": config("a", "x" * 3000), "b.yaml": config("b")})
    world.scan(bounds=Bounds(max_bytes=2000))
    assert [row["problem"] for row in world.problems] == ["too_large"]
    head = world.git.commit({"b.yaml": config("b", "two")})
    world.scan()
    assert [(event["event_type"], event["resource_name"], event["commit_sha"] == head) for event in world.events] == [
        ("CREATED", "b", False),
        ("MODIFIED", "b", True),
        ("CREATED", "a", True),
    ]
    assert world.problems == []
    assert_fold_gives_resources(world)


def test_bounds_that_are_lowered_keep_the_resources(world: World) -> None:
    world.git.commit({"a.yaml": config("a", "x" * 3000), "b.yaml": config("b")})
    world.scan()
    world.git.commit({"a.yaml": config("a", "y" * 3000)})
    world.scan(bounds=Bounds(max_bytes=2000))
    assert {row["status"] for row in world.resources} == {"ACTIVE"}
    assert [row["problem"] for row in world.problems] == ["too_large"]


@pytest.mark.parametrize("filtered", [True, False], ids=["left out by the mirror", "in the mirror"])
def test_a_blob_of_a_megabyte_is_a_problem_and_is_not_fetched(world: World, tmp_path: Path, filtered: bool) -> None:
    head = world.git.commit({"big.yaml": config("big", "x" * 1024 * 1024), "a.yaml": config("a")})
    if filtered:
        origin = tmp_path / "origin.git"
        world.mirror.rename(origin)
        command = ["git", "clone", "-q", "--bare", "--filter=blob:limit=1m", f"file://{origin}", str(world.mirror)]
        subprocess.run(command, check=True, timeout=20)
        for setting in ("promisor", "partialclonefilter"):  # as sync leaves a mirror: nothing can be fetched later
            subprocess.run(
                ["git", "-C", str(world.mirror), "config", "--unset", f"remote.origin.{setting}"], check=True
            )
        subprocess.run(["git", "-C", str(world.mirror), "remote", "remove", "origin"], check=True)
    world.scan(head)
    assert [(row["file_path"], row["problem"]) for row in world.problems] == [("big.yaml", "too_large")]
    assert [row["name"] for row in world.resources] == ["a"]


def test_a_name_that_is_a_number_is_text_in_every_column(world: World) -> None:
    number = release("app", chartRef={"kind": "OCIRepository", "name": "x"}).replace('"app"', "1234")
    world.git.commit({"a.yaml": number})
    world.scan()
    assert [(row["name"], row["app_name"]) for row in world.resources] == [("1234", "1234")]


def test_another_repository_under_the_same_name_starts_anew(world: World, tmp_path: Path) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    other = World(tmp_path / "other", mirror=world.mirror)
    other.lake = Lake(world.lake.layout)
    object.__setattr__(other.repository, "repository_id", "git:other")
    assert isinstance(other.scan(), Scanned)
    assert {row["repository_id"] for row in other.events + other.resources} == {"git:other"}


def three(tmp_path: Path) -> list[World]:
    worlds = [World(tmp_path, name) for name in ("one", "two", "three")]
    for world in worlds:
        world.git.commit({f"{number}.yaml": config(f"c{number}") for number in range(5)})
        snapshot(world)
    return worlds


def test_a_repository_that_fails_never_stops_the_others(tmp_path: Path) -> None:
    worlds = three(tmp_path)
    shutil.rmtree(worlds[1].mirror)
    outcomes = sweep(*worlds, workers=2)
    assert {name: type(outcome) for name, outcome in outcomes.items()} == {
        "one": Scanned,
        "two": ScanFailed,
        "three": Scanned,
    }
    assert [world.rows(SCANS)[0]["scan_status"] for world in worlds] == ["scanned", "error", "scanned"]
    assert {type(outcome) for name, outcome in sweep(*worlds).items() if name != "two"} == {UpToDate}


def test_a_damaged_snapshot_or_position_fails_alone_and_what_was_never_synced_waits(tmp_path: Path) -> None:
    worlds = [*three(tmp_path), World(tmp_path, "four")]
    worlds[0].lake.path(SNAPSHOTS, worlds[0].repository.full_name).write_bytes(b"")
    worlds[1].scan()
    worlds[1].lake.path(RESOURCES, worlds[1].repository.full_name).write_bytes(b"")
    outcomes = sweep(*worlds)
    assert [type(outcomes[name]) for name in ("one", "two", "three", "four")] == [
        ScanFailed,
        ScanFailed,
        Scanned,
        NotSynced,
    ]


# Anew, because somebody asked for it


def test_a_scan_anew_replays_all_commits_and_gives_the_same_rows(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    world.git.commit({"a.yaml": config("a", "two"), "b.yaml": BROKEN})
    world.scan()
    before = world.tables()
    anew = world.scan(run="other", anew=True)
    assert isinstance(anew, Scanned)
    assert (anew.new_events, anew.events) == (2, 2)
    assert world.tables() == before


def test_a_scan_anew_mends_what_somebody_took_out_of_the_tables(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    right = world.tables()
    position = world.lake.read_metadata(RESOURCES, world.repository.full_name)
    world.lake.write(RESOURCES, world.repository.full_name, [], position)
    assert isinstance(world.scan(), UpToDate), "the position is right, so nobody would notice"
    world.scan(anew=True)
    assert world.tables() == right


def test_a_scan_anew_keeps_what_the_mirror_no_longer_reaches_back_to(world: World) -> None:
    world.since = START
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    before = world.tables()
    world.since = START + datetime.timedelta(days=30)
    assert isinstance(world.scan(anew=True), UpToDate)
    assert world.tables() == before


@pytest.mark.parametrize("goes_on", [False, True], ids=["at the same commit", "with another commit"])
def test_a_resource_that_an_earlier_scanner_read_otherwise_changes_with_an_event(goes_on: bool, world: World):
    """Tables that reach further back than the mirror are continued, and their last events say what was read then."""
    world.git.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    world.since = START
    world.scan()
    name = world.repository.full_name
    kept_in = {RESOURCES: ("content_hash", "data"), RESOURCE_EVENTS: ("file_hash_after", "resource_data")}
    for table, (content_hash, document) in kept_in.items():
        partition = world.lake.read(table, name)
        assert partition is not None
        is_a, text = pl.col(document).str.contains('"a"'), pl.col(document)
        rows = partition.rows.with_columns(
            pl.when(is_a).then(pl.lit("1" * 32)).otherwise(pl.col(content_hash)).alias(content_hash),
            pl.when(is_a).then(text.str.replace("one", "uno")).otherwise(text).alias(document),
        )
        world.lake.write(table, name, rows, {**partition.metadata, "written_by": "0 0"})
    world.since = START + datetime.timedelta(days=1)
    if goes_on:
        world.git.commit({"c.yaml": config("c")})
    world.scan()
    assert_fold_gives_resources(world)
    assert_ids_are_unique(world)
    told = [(row["event_type"], row["resource_name"]) for row in world.events][2:]
    assert told == [("CREATED", "c")] * goes_on + [("MODIFIED", "a")]
