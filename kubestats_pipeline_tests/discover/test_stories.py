"""What happens to repositories in their lives, and what the administrator decides about them."""

import random

import pytest

from kubestats_pipeline.discover import register
from kubestats_pipeline.discover.github import GitHubTopics
from kubestats_pipeline.discover.membership import MISSES
from kubestats_pipeline.lake import relocation as moves
from kubestats_pipeline.lake.repositories import find_active, find_repository, read_repositories
from kubestats_pipeline.lake.tables import REPOSITORY_METRICS, SNAPSHOTS
from kubestats_pipeline.locks import locked
from kubestats_pipeline_tests.discover.world import World, config
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.hosts.github_wire import GONE, TAKEN_DOWN
from kubestats_pipeline_tests.sync.git_server import serve


@pytest.fixture
def world(tmp_path):
    with GitHubServer() as github, serve(tmp_path / "remotes") as git:
        world = World(tmp_path, github, git)
        world.ops = world.create("ada/ops", 1)
        world.create("bob/cluster", 2)
        yield world


def mirror(world: World, full_name: str):
    return world.lake.layout.mirror("github.com", *full_name.split("/"))


def test_a_renamed_repository_keeps_its_history_under_its_new_name(world):
    world.cycle()
    before = world.events("ada/ops")
    world.rename(1, "ada/home-ops")
    report = world.discover()
    assert report.names == {"ada/ops": "ada/home-ops"}
    assert (world.row(1)["full_name"], world.row(1)["previous_names"]) == ("ada/home-ops", ["ada/ops"])
    assert [(event, kind) for event, _, kind, _ in world.events("ada/home-ops")] == [(e, k) for e, _, k, _ in before]
    assert {name for _, name, _, _ in world.events("ada/home-ops")} == {"ada/home-ops"}
    assert not [path for path in world.files() if "ada%2Fops" in path or "ada/ops" in path]
    assert mirror(world, "ada/home-ops").is_dir()
    assert world.sync()["ada/home-ops"] == "unchanged"
    assert world.scan() == {}
    world.ops.commit({"b.yaml": config("second")})
    assert world.sync()["ada/home-ops"] == "synced"
    assert world.scan() == {"ada/home-ops": 1}
    assert find_repository(world.lake, "Ada/Ops")["full_name"] == "ada/home-ops"
    assert find_active(world.lake, ["ada/ops"]) == ["ada/home-ops"]


def test_a_transferred_repository_keeps_its_history_and_its_old_name_goes_to_another(world):
    world.cycle()
    before = [event for event, *_ in world.events("ada/ops")]
    world.rename(1, "guild/ops")
    world.create("ada/ops", 3)
    world.cycle()
    assert [event for event, *_ in world.events("guild/ops")] == before
    assert world.row(3)["full_name"] == "ada/ops"
    assert {event for event, *_ in world.events("ada/ops")}.isdisjoint(before)


def test_two_repositories_swap_their_names_with_all_that_is_known(world):
    world.cycle()
    ids = {name: [event for event, *_ in world.events(name)] for name in ("ada/ops", "bob/cluster")}
    world.rename(1, "ada/temporary")
    world.rename(2, "ada/ops")
    world.rename(1, "bob/cluster")
    world.cycle()
    assert [event for event, *_ in world.events("ada/ops")] == ids["bob/cluster"]
    assert [event for event, *_ in world.events("bob/cluster")] == ids["ada/ops"]
    assert world.scan() == {}


class KilledError(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.mark.parametrize("step", ["take_aside", "put_in_place", "after"])
def test_a_rename_that_was_killed_is_finished_by_the_next_discovery(world, step, monkeypatch):
    def die(*_):
        raise KilledError

    world.cycle()
    before = [event for event, *_ in world.events("ada/ops")]
    world.rename(1, "ada/home-ops")
    with monkeypatch.context() as patch:
        patch.setattr(*((register, "_forget_metrics", die) if step == "after" else (moves, step, die)))
        with pytest.raises(KilledError):
            world.discover()
    assert list(read_repositories(world.lake)) == ["bob/cluster"], "nobody works on it meanwhile"
    world.cycle()
    assert [event for event, *_ in world.events("ada/home-ops")] == before
    assert list(read_repositories(world.lake)) == ["ada/home-ops", "bob/cluster"]


def test_a_rename_waits_while_the_repository_is_scanned(world, monkeypatch):
    monkeypatch.setattr(moves, "LOCK_SECONDS", 0.05)
    world.cycle()
    world.rename(1, "ada/home-ops")
    world.now = world.now.replace(day=2)
    with locked(world.lake.layout.scan_lock("ada/ops"), 1):
        (failure,) = world.discover().failures
    assert "another process held" in failure.reason
    assert world.events("ada/ops"), "it lies where it lay"
    assert list(read_repositories(world.lake)) == ["bob/cluster"], "nobody begins to work on it"
    assert world.metrics() == {"github:1": 3, "github:2": 3}
    world.cycle()
    assert world.events("ada/home-ops")


def test_what_a_sync_that_began_before_a_rename_wrote_to_the_old_name_is_swept_away(world):
    world.cycle()
    world.rename(1, "ada/home-ops")
    world.discover()
    world.lake.write(SNAPSHOTS, "ada/ops", world.lake.read(SNAPSHOTS, "ada/home-ops").rows)
    world.cycle()
    assert world.lake.read(SNAPSHOTS, "ada/ops") is None
    assert world.events("ada/home-ops")


@pytest.mark.parametrize(("answer", "said"), [(None, "404"), (GONE, "410"), (TAKEN_DOWN, "451")])
def test_a_deleted_repository_retires_after_several_misses_and_its_host_says_so(world, answer, said):
    world.cycle()
    if answer is None:
        world.github.remove(1)
    else:
        world.github.refuse(1, answer)
    for misses in range(1, MISSES):
        assert world.discover().failures == ()
        assert (world.row(1)["status"], world.row(1)["missed_searches"]) == ("active", misses)
    world.discover()
    assert world.row(1)["status"] == "retired"
    assert said in world.row(1)["status_reason"]
    assert world.events("ada/ops"), "its history stays"
    assert list(read_repositories(world.lake)) == ["bob/cluster"]
    world.now = world.now.replace(day=9)
    world.discover()
    assert world.metrics() == {"github:2": 3}


def test_a_repository_that_comes_back_goes_on_where_it_was(world):
    world.cycle()
    before = world.events("ada/ops")
    repository = world.github.repositories.pop(1)
    for _ in range(MISSES):
        world.discover()
    assert world.row(1)["status"] == "retired"
    world.github.repositories[1] = repository
    world.cycle()
    assert (world.row(1)["status"], world.row(1)["retired_at"]) == ("active", None)
    assert world.events("ada/ops") == before


def test_a_search_that_drops_a_repository_never_retires_it(world):
    world.cycle()
    world.github.repositories[1]["fork"] = True  # GitHub's search leaves it out, and it is there all the same
    for _ in range(3 * MISSES):
        world.discover()
    assert world.row(1)["status"] == "active"
    assert world.row(1)["is_fork"] is True


def test_a_search_that_failed_says_nothing_about_absence(world):
    world.cycle()
    world.github.remove(1)
    world.github.total_count = 5  # more than it lists: the answer has gaps
    for _ in range(3 * MISSES):
        assert world.discover().failures
    assert world.row(1)["status"] == "active"


def test_a_repository_that_loses_its_topic_is_kept_and_marked(world):
    world.cycle()
    world.github.repositories[1]["topics"] = ["other"]
    world.now = world.now.replace(day=2)
    for _ in range(3 * MISSES):
        world.cycle()
    assert (world.row(1)["status"], world.row(1)["topics"]) == ("active", ["other"])
    assert world.row(1)["topic_lost_at"] is not None
    assert world.row(1)["missed_searches"] is None


def test_flags_of_the_host_are_kept(world):
    world.github.repositories[1] |= {"archived": True, "is_template": True}
    world.cycle()
    row = world.row(1)
    assert (row["is_archived"], row["is_template"], row["is_fork"], row["status"]) == (True, True, False, "active")


def test_a_large_repository_waits_until_it_is_approved(world):
    world.create("eve/huge", 3, size=900_000)
    world.cycle()
    assert world.row(3)["status"] == "pending_approval"
    assert "900 MB on its host are more than max_repository_mb = 200" in world.row(3)["status_reason"]
    assert world.lake.read(SNAPSHOTS, "eve/huge") is None
    assert world.metrics()["github:3"] == 3
    assert world.decide("approve", "eve/huge").text == "eve/huge is active, approved"
    for _ in range(2):
        world.cycle()
        assert (world.row(3)["status"], world.row(3)["is_approved"]) == ("active", True)
    assert world.events("eve/huge")


def test_a_mirror_that_passes_the_limit_waits_for_an_approval_and_is_kept_after_it(world):
    world.overrides = {
        "max_repository_mb": 1,
        "repositories": [f"{world.git.url.replace('127.0.0.1', 'localhost')}/x/big"],
    }
    big = world.create("x/big", 9, topics=())
    big.commit({f"{number}.bin": random.Random(number).randbytes(700_000) for number in range(4)})
    name = "localhost/x/big"
    world.discover()
    assert world.sync()[name] == "too_large"
    world.discover()
    row = find_repository(world.lake, name)
    assert row["status"] == "pending_approval"
    assert "are more than max_repository_mb = 1" in row["status_reason"]
    world.decide("approve", name)
    assert world.sync()[name] == "synced"
    world.cycle()
    assert world.events(name)


def test_a_blocked_repository_keeps_its_history_and_its_metrics_and_nothing_else_happens(world):
    world.cycle()
    assert world.decide("block", "ada/ops", "spam").text == "ada/ops is blocked (spam)"
    world.ops.commit({"b.yaml": config("second")})
    world.now = world.now.replace(day=2)
    before = world.events("ada/ops")
    for _ in range(2):
        world.cycle()
        assert (world.row(1)["status"], world.row(1)["status_reason"]) == ("blocked", "spam")
    assert world.events("ada/ops") == before
    assert world.metrics() == {"github:1": 3, "github:2": 3}
    world.rename(1, "ada/elsewhere")
    world.cycle()
    assert (world.row(1)["full_name"], world.row(1)["status"]) == ("ada/elsewhere", "blocked")
    assert world.decide("unblock", "ada/elsewhere").text == "ada/elsewhere is active"
    world.cycle()
    assert len(world.events("ada/elsewhere")) == len(before) + 1


def test_a_deleted_repository_leaves_nothing_but_its_tombstone_and_no_discovery_brings_it_back(world):
    world.cycle()
    world.now = world.now.replace(day=2)
    world.cycle()
    text = world.decide("delete", "ada/ops", "the owner asked").text
    assert text == "ada/ops is retired (deleted by the administrator: the owner asked)"
    world.github.requests.clear()
    for _ in range(2):
        assert not [path for path in world.files() if "ada" in path]
        days = list(world.lake.dates(REPOSITORY_METRICS))
        assert len(days) == 2
        numbers = {row["repository_id"] for day in days for row in world.rows(REPOSITORY_METRICS, day)}
        assert numbers == {"github:2"}
        assert (world.row(1)["status"], world.row(1)["description"]) == ("retired", None)
        world.cycle()
    assert "/repositories/1" not in [request.path for request in world.github.requests]
    said = "deleted by the administrator, who lifted that. It comes back when a discovery finds it"
    assert world.decide("approve", "ada/ops").text == f"ada/ops is retired, approved ({said})"
    world.cycle()
    assert world.row(1)["status"] == "active"
    assert world.events("ada/ops")


def test_a_deletion_that_was_killed_is_finished_by_the_next_discovery(world, monkeypatch):
    def die(*_):
        raise KilledError

    world.cycle()
    with monkeypatch.context() as patch:
        patch.setattr(moves, "remove", die)
        with pytest.raises(KilledError):
            world.decide("delete", "ada/ops")
    world.discover()
    assert not [path for path in world.files() if "ada" in path]


def test_a_decision_that_is_made_while_a_discovery_asks_github_holds_after_it(world, monkeypatch):
    world.cycle()
    ask = GitHubTopics.find

    def find(source):
        world.decide("block", "ada/ops", "spam")
        return ask(source)

    monkeypatch.setattr(GitHubTopics, "find", find)
    world.discover()
    assert (world.row(1)["status"], world.row(1)["status_reason"]) == ("blocked", "spam")
