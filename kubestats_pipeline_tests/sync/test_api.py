"""Syncing through GitHub's API: the same tables as through git, few calls, and a mirror that nothing can spoil."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git import history, mirror_folder
from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.scan.outcomes import ScanFailed
from kubestats_pipeline.sync import api
from kubestats_pipeline.sync.sync import sync_all
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.corpus import SMALL, unpack
from kubestats_pipeline_tests.hosts.github_server import GitHubServer, html, secondary_limit
from kubestats_pipeline_tests.hosts.github_wire import BLOCKED, GONE, NOT_FOUND, TAKEN_DOWN, Reply
from kubestats_pipeline_tests.scan.world import BROKEN, config, documents, helm_repository, release
from kubestats_pipeline_tests.sync.api_world import NOW, TOKEN, ApiWorld

BIG = b"kind: " + b"a" * 1_100_000


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        server.tokens.add(TOKEN)
        yield server


@pytest.fixture
def world(tmp_path: Path, github: GitHubServer) -> ApiWorld:
    return ApiWorld(tmp_path, github)


def fill(remote: GitRepository) -> None:
    """Everything that real repositories hold, and some things that only odd ones do."""
    remote.commit({"apps/a/release.yaml": release("plex"), "apps/repo.yaml": helm_repository("charts")})
    remote.commit(
        {"apps/a/crlf.yaml": config("crlf").replace("\n", "\r\n"), "apps/two.yml": documents(*map(config, "xy"))}
    )
    remote.commit(
        {"logo.png": os.urandom(5_000), "README.md": "# Home", "empty.yaml": "", "values.yaml.j2": "a: {{ b }}"}
    )
    remote.commit({"large.yaml": BIG, "large.bin": os.urandom(1_200_000), "broken.yaml": BROKEN})
    remote.commit({'odd/sp ace "q" %2e é\n.yaml': config("odd"), "odd/dir.yaml/in.yaml": config("inside")})
    remote.commit({"odd/latin.yaml": config("latin").replace("one", "é").encode("latin-1")})
    remote.move("apps/a", "apps/b")
    remote.symlink("link.yaml", "apps/two.yml")
    remote.symlink("loop.yaml", "loop.yaml")
    remote.submodule("sub.yaml")
    remote.set_mode("apps/two.yml")
    add_latin_name(remote)
    remote.commit({"apps/b/release.yaml": release("plex", interval="1h")}, message="feat: faster\n\nWith a body.")


def add_latin_name(remote: GitRepository) -> None:
    """A file whose name is no UTF-8."""
    blob = remote.git("hash-object", "-w", "--stdin", stdin=config("coffee").encode())
    listing = subprocess.run(
        ["git", f"--git-dir={remote.path}", "ls-tree", "-z", "HEAD"], stdout=subprocess.PIPE, check=True
    ).stdout
    tree = remote.git("mktree", "-z", "--missing", stdin=listing + b"100644 blob %s\tcaf\xe9.yaml\0" % blob.encode())
    remote.reset_to(remote.git("commit-tree", tree, "-p", remote.head, "-m", "coffee"))


def test_the_tables_are_those_that_git_gives_at_the_tip(world: ApiWorld):
    fill(world.remote)
    by_git = world.twin("git-data").update("git", history_days=0)
    by_api = world.update()
    assert by_api == by_git
    names = {row["name"] for row in by_api["resources"]}
    assert {"plex", "charts", "crlf", "x", "y", "odd", "inside", "coffee"} <= names
    assert {row["problem"] for row in by_api["scan_problems"]} >= {"too_large", "syntax", "encoding_replaced"}


@pytest.mark.parametrize("full_name", SMALL)
def test_real_repositories_give_the_same_tables_too(world: ApiWorld, tmp_path: Path, full_name: str):
    repository = unpack(full_name, tmp_path / "corpus")
    world.remote.git("fetch", "--quiet", str(repository), "+main:main")
    world.github.limits["core"] = world.github.remaining["core"] = 10_000
    by_git = world.twin("git-data").update("git", history_days=0)
    assert world.update() == by_git
    assert by_git["resources"]


def test_a_first_sync_costs_the_head_the_commit_the_tree_and_the_yaml_files(world: ApiWorld):
    world.remote.commit(
        {"a.yaml": "kind: A", "b/b.yml": "kind: B", "same.yaml": "kind: A", "c.png": b"\0", "d.md": "#"}
    )
    world.remote.commit({"big.yaml": BIG})
    assert world.sync() == "synced"
    asked = world.paths_asked()
    assert [path.split("/")[1] for path in asked] == ["HEAD", "commits", "trees", "blobs", "blobs"]
    assert world.row["head_commit"] == world.remote.head
    assert world.row["history_since"] == world.row["head_committed_at"] == world.remote.time


def test_a_second_sync_costs_one_call_that_github_does_not_count(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    world.sync()
    world.asked()
    left = world.github.remaining["core"]
    assert world.sync() == "unchanged"
    (request,) = world.asked()
    assert request.path.endswith("/commits/HEAD")
    assert request.headers["if-none-match"]
    assert world.github.remaining["core"] == left


def test_a_changed_file_costs_its_own_blob_and_no_other(world: ApiWorld):
    world.remote.commit({f"{number}/{number}.yaml": config(f"c{number}") for number in range(5)})
    world.sync()
    world.asked()
    world.remote.commit({"3/3.yaml": config("c3", "two"), "4/4.yaml": None})
    world.sync()
    blob = world.remote.git("rev-parse", "HEAD:3/3.yaml")
    asked = world.paths_asked()
    assert [path.rpartition("/")[0] for path in asked] == ["commits", "git/commits", "git/trees", "git/blobs"]
    assert asked[-1].endswith(blob)


def test_each_later_sync_is_one_difference_between_two_tips(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    first = world.update()
    world.remote.commit({"a.yaml": config("a", "two")}, message="never seen")
    world.remote.commit({"b.yaml": None})
    head = world.remote.commit({"moved/a.yaml": config("a", "three"), "a.yaml": None}, message="fix: last\n\nBody")
    second = world.update()
    new = sorted(second["resource_events"], key=lambda event: event["sequence"])[2:]
    assert [(event["event_type"], event["resource_name"], event["file_path"]) for event in new] == [
        ("MODIFIED", "a", "moved/a.yaml"),
        ("DELETED", "b", "b.yaml"),
    ]
    for event in new:
        assert (event["commit_sha"], event["commit_subject"], event["event_timestamp"]) == (
            head,
            "fix: last",
            world.remote.time,
        )
    assert second["resource_events"][:1] == first["resource_events"][:1]


def test_a_bots_commit_counts_as_the_bots(world: ApiWorld):
    world.remote.commit(
        {"a.yaml": config("a")}, author="renovate[bot] <29139614+renovate[bot]@users.noreply.github.com>"
    )
    assert {event["author_kind"] for event in world.update()["resource_events"]} == {"renovate"}


def test_a_person_with_an_odd_name_does_not_break_the_commit(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    client_commit = commit_of(world)
    odd = client_commit.model_copy(
        update={"author": client_commit.author.model_copy(update={"name": "a <b>\nparent x", "email": "\0"})}
    )
    content = api.stand_in(odd).content.decode()
    assert "author a bparent x <> " in content
    assert content.count("\nparent") == 0


def commit_of(world: ApiWorld) -> Any:
    with GitHubClient(world.settings().github) as client:
        return api.get_commit(client, "owner/ops", world.remote.head)


def test_a_listing_that_github_truncates_is_walked(world: ApiWorld):
    files = {
        f"{folder}/{sub}/{number}.yaml": config(f"{folder}{sub}{number}")
        for folder in "ab"
        for sub in "cd"
        for number in range(3)
    }
    world.remote.commit(files)
    world.github.most_entries = 6
    assert len(world.update()["resources"]) == 12


def test_a_directory_that_github_cannot_list_is_an_error_that_says_so(world: ApiWorld):
    world.remote.commit({f"{number}.yaml": config(f"c{number}") for number in range(9)})
    world.github.most_entries = 6
    assert world.sync() == "error"
    assert "Fetch it with git" in world.row["sync_error"]
    assert world.row["head_commit"] is None


def test_a_listing_without_some_of_its_files_is_refused(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    tree = world.remote.git("rev-parse", "HEAD^{tree}")
    blob = world.remote.git("rev-parse", "HEAD:a.yaml")
    listing = {"tree": [{"path": "a.yaml", "mode": "100644", "type": "blob", "sha": blob, "size": 1}]}
    world.github.fail(f"/repos/owner/ops/git/trees/{tree}", Reply(200, listing))
    assert world.sync() == "error"
    assert tree in world.row["sync_error"]
    assert world.sync() == "synced"


def test_content_that_is_not_that_of_its_id_is_refused_and_asked_for_again(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    before = world.update()
    first = world.remote.head
    world.remote.commit({"b.yaml": config("b"), "c.yaml": config("c")})
    blob = world.remote.git("rev-parse", "HEAD:b.yaml")
    world.github.damaged.add(blob)
    assert world.sync() == "error"
    assert blob in world.row["sync_error"]
    assert world.row["head_commit"] == first
    world.scan()
    assert world.tables() == before
    world.github.damaged.clear()
    assert {row["name"] for row in world.update()["resources"]} == {"a", "b", "c"}


def test_a_limit_that_ends_in_the_midst_keeps_what_was_downloaded(world: ApiWorld):
    world.remote.commit({f"{number}.yaml": config(f"c{number}") for number in range(10)})
    world.github.remaining["core"] = 7
    assert world.sync() == "error"
    assert "rate limit is used up until" in world.row["sync_error"]
    world.github.remaining["core"] = 5_000
    world.asked()
    assert world.sync() == "synced"
    assert sum("blobs" in path for path in world.paths_asked()) == 6
    world.scan()
    assert len(world.rows(RESOURCES)) == 10


def test_one_exhausted_limit_costs_a_sweep_one_refused_call_and_git_goes_on(
    world: ApiWorld, tmp_path: Path, github: GitHubServer
):
    others = [ApiWorld(tmp_path, github, name=f"other{number}") for number in range(3)]
    for each in (world, *others):
        each.remote.commit({"a.yaml": config("a")})
    elsewhere = dataclasses.replace(others[2].repository, repository_id="git:other", host="local")
    settings = world.settings(github={"git_url": "https://example.org"})
    github.remaining["core"] = 0
    repositories = [
        dataclasses.replace(each.repository, clone_url=f"https://example.org/owner/{each.repository.name}.git")
        for each in (world, *others[:2])
    ]
    results = list(sync_all([*repositories, elsewhere], settings, world.lake, "run", lambda: NOW))
    statuses = {result.repository.name: result.outcome.status for result in results}
    assert statuses == {"ops": "error", "other0": "error", "other1": "error", "other2": "synced"}
    assert len(github.requests) == 1


def test_other_hosts_are_fetched_with_git(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    world.repository = dataclasses.replace(world.repository, repository_id="git:other", host="local")
    settings = world.settings(github={"git_url": "https://github.com"})
    (result,) = sync_all([world.repository], settings, world.lake, "run", lambda: NOW)
    assert result.outcome.status == "synced"
    assert world.asked() == []


def test_the_sweep_asks_the_api_and_remembers_across_runs(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    statuses = []
    for _ in range(2):
        (result,) = sync_all([world.repository], world.settings(), world.lake, "run", lambda: NOW)
        statuses.append(result.outcome.status)
    assert statuses == ["synced", "unchanged"]
    assert world.github.requests[-1].headers["if-none-match"]


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (NOT_FOUND, "gone"),
        (GONE, "gone"),
        (TAKEN_DOWN, "gone"),
        (BLOCKED, "gone"),
        (Reply(403, {"message": "Resource not accessible"}), "error"),
        (Reply(401, {"message": "Bad credentials"}), "error"),
        (Reply(422, {"message": "No commit found for SHA: HEAD"}), "error"),
        (Reply(200, b"<html>hello</html>"), "error"),
        (html(502), "error"),
        (secondary_limit(), "error"),
    ],
)
def test_what_github_answers_for_the_head_becomes_the_status(world: ApiWorld, reply: Reply, status: str):
    head = world.remote.commit({"a.yaml": config("a")})
    world.sync()
    world.github.fail("/repos/owner/ops/commits/HEAD", *[reply] * 4)
    assert world.sync() == status
    assert world.row["sync_error"].startswith("GitHub's API: ")
    assert world.row["head_commit"] == head
    assert Mirror(world.mirror).head == head


def test_an_empty_repository_is_empty(world: ApiWorld):
    assert world.sync() == "empty"
    assert world.row["consecutive_failures"] == 0
    assert not world.mirror.exists()


def test_a_renamed_repository_is_followed(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    world.github.rename(world.number, "someone/else")
    assert len(world.update()["resources"]) == 1


def test_a_repository_beyond_the_limit_is_not_kept(world: ApiWorld):
    world.remote.commit({f"{number}.yaml": f"a: {os.urandom(400_000).hex()}" for number in range(3)})
    assert world.sync(max_repository_mb=1) == "too_large"
    assert not world.mirror.exists()
    assert world.sync(max_repository_mb=5) == "synced"


def test_what_grew_beyond_the_limit_over_time_is_condensed(world: ApiWorld):
    for _ in range(4):
        world.remote.commit({"a.yaml": f"a: {os.urandom(400_000).hex()}"})
        assert world.sync(max_repository_mb=1) == "synced"
    assert Mirror(world.mirror).size_mb < 1


def test_many_syncs_leave_few_packs_and_lose_nothing(world: ApiWorld, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api, "MANY_PACKS", 3)
    fill(world.remote)
    for number in range(8):
        world.remote.commit({"counter.yaml": config("counter", str(number))})
        world.update()
        assert len(list(world.mirror.glob("objects/pack/*.pack"))) <= 4
        assert len(Mirror(world.mirror).replacements) <= 2
    tip = world.twin("fresh").update()
    assert active(world.tables()) == active(tip)
    counters = [event for event in world.rows(RESOURCE_EVENTS) if event["resource_name"] == "counter"]
    assert len(counters) == 8


def active(tables: dict[str, list[dict[str, Any]]]) -> list[tuple[str, str, str]]:
    rows = [row for row in tables["resources"] if row["status"] == "ACTIVE"]
    return sorted((row["resource_id"], row["file_path"], row["content_hash"]) for row in rows)


def test_the_api_goes_on_from_gits_mirror_and_git_from_the_apis(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    world.remote.commit({"a.yaml": config("a", "two")})
    by_git = world.update("git")
    world.asked()
    assert world.sync() == "unchanged"
    world.remote.commit({"b.yaml": config("b", "two")})
    by_api = world.update()
    assert sum("blobs" in path for path in world.paths_asked()) == 1
    assert not history.is_ancestor(world.mirror, by_git["scans"][0]["scanned_commit"], world.remote.head)
    world.remote.commit({"c.yaml": config("c")})
    again = world.update("git")
    assert Mirror(world.mirror).replacements == {}
    assert not (world.mirror / mirror_folder.REPLACEMENTS).exists()
    ids = [[event["event_id"] for event in sequence(tables)] for tables in (by_git, by_api, again)]
    assert ids[1][: len(ids[0])] == ids[0]
    assert ids[2][: len(ids[1])] == ids[1]
    assert [event["resource_name"] for event in sequence(again)] == ["a", "b", "a", "b", "c"]
    assert git.run(["fsck", "--no-dangling"], directory=world.mirror) == b""


def sequence(tables: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return sorted(tables["resource_events"], key=lambda event: event["sequence"])


def test_git_fetches_the_history_that_the_api_could_not_tell(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    world.remote.commit({"a.yaml": config("a", "two")})
    ids = {row["resource_id"] for row in world.update()["resources"]}
    after = world.update("git")
    assert {row["resource_id"] for row in after["resources"]} == ids
    assert [event["event_type"] for event in sequence(after)] == ["CREATED", "MODIFIED"]


def test_gits_mirror_is_not_shortened_when_only_its_row_is_lost(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a")})
    world.remote.commit({"a.yaml": config("a", "two")})
    world.sync("git")
    shutil.rmtree(world.lake.layout.lake)
    assert len(world.update()["resource_events"]) == 2


def test_git_at_the_tip_alone_does_not_go_on_from_a_mirror_of_the_api(world: ApiWorld):
    world.remote.commit({"a.yaml": config("a"), "b.png": b"\0"})
    world.sync()
    assert world.sync("git", history_days=0) == "synced"
    assert git.run(["cat-file", "-t", world.remote.head], directory=world.mirror) == b"commit\n"
    assert Mirror(world.mirror).replacements == {}


class Killed(BaseException):
    """Stands for the end of the process at some instruction."""


def dying(monkeypatch: pytest.MonkeyPatch, last: int) -> Callable[[], int]:
    """Let the process end before its `last`-th step that changes the mirror; gives how many there were."""
    steps = 0

    def before(function: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == last:
                raise Killed
            return function(*arguments, **options)

        return step

    calls = ((git, "run"), (mirror_folder, "_replace"), (Path, "unlink"), (Path, "write_text"), (Path, "mkdir"))
    for target, name in calls:
        monkeypatch.setattr(target, name, before(getattr(target, name)))
    return lambda: steps


def test_a_sync_that_dies_at_any_step_is_completed_by_the_next(
    world: ApiWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    world.remote.commit({"a.yaml": config("a"), "b/b.yaml": config("b")})
    world.update()
    world.remote.commit({"a.yaml": config("a", "two")})
    world.update()
    world.remote.commit({"b/b.yaml": config("b", "two"), "c.yaml": config("c")})
    kept = tmp_path / "kept"
    shutil.copytree(world.data, kept)
    expected = world.update()
    for last in range(1, 200):
        shutil.rmtree(world.data)
        shutil.copytree(kept, world.data)
        with monkeypatch.context() as patch:
            steps = dying(patch, last)
            try:
                world.sync()
            except Killed:
                assert not isinstance(world.scan(), ScanFailed), "the head before is still there"
        if steps() < last:
            break
        assert world.update() == expected
    assert last > 10


CHILD = """
import sys
from pathlib import Path
from kubestats_pipeline.git.mirror_folder import Mirror
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.setting_sections import GitHubSettings
from kubestats_pipeline.sync.api import ApiSource, sync_by_api
with GitHubClient(GitHubSettings(api_url=sys.argv[2])) as client:
    sync_by_api(ApiSource(client, "owner/ops", 200, 30), Mirror(Path(sys.argv[1])), None)
"""


def test_a_first_sync_that_is_killed_keeps_what_it_had_written(world: ApiWorld, github: GitHubServer):
    world.remote.commit({f"{number}.yaml": config(f"c{number}") for number in range(140)})
    github.latency = 0.01
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(world.mirror), github.url])
    while not any(world.mirror.glob("objects/pack/*.idx")):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    github.latency = 0
    assert Mirror(world.mirror).head is None
    world.asked()
    assert len(world.update()["resources"]) == 140
    assert sum("blobs" in path for path in world.paths_asked()) == 140 - api.BATCH_BLOBS


def lose_an_index(mirror: Path) -> None:
    next(mirror.glob("objects/pack/*.idx")).unlink()


def lose_the_packs(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")


def lock(mirror: Path) -> None:
    (mirror / "shallow.lock").touch()
    (mirror / "refs/heads/head.lock").touch()


def break_the_head(mirror: Path) -> None:
    (mirror / "HEAD").write_bytes(b"\xff")
    (mirror / "refs/heads/head").write_text("nothing")


def break_the_packs(mirror: Path) -> None:
    for path in mirror.glob("objects/pack/*.pack"):
        path.chmod(0o600)
        path.write_bytes(b"PACK" + bytes(60))


def forget_the_stand_ins(mirror: Path) -> None:
    shutil.rmtree(mirror / "refs/replace")


@pytest.mark.parametrize("damage", [lose_an_index, lose_the_packs, lock, break_the_head], ids=lambda one: one.__name__)
@pytest.mark.parametrize("changed", [False, True])
def test_a_damaged_mirror_is_mended_by_the_next_sync(world: ApiWorld, damage: Callable[[Path], None], changed: bool):
    world.remote.commit({"a.yaml": config("a")})
    world.update()
    damage(world.mirror)
    if changed:
        world.remote.commit({"b.yaml": config("b")})
    assert len(world.update()["resources"]) == 1 + changed
    assert world.row["sync_status"] == "synced"
    assert world.sync() == "unchanged"


@pytest.mark.parametrize("damage", [break_the_packs, forget_the_stand_ins], ids=lambda one: one.__name__)
def test_damage_that_only_git_sees_is_healed_within_two_rounds(world: ApiWorld, damage: Callable[[Path], None]):
    world.remote.commit({"a.yaml": config("a")})
    world.update()
    damage(world.mirror)
    world.remote.commit({"b.yaml": config("b")})
    for _ in range(2):
        world.sync()
        world.scan()
    assert {row["name"] for row in world.rows(RESOURCES)} == {"a", "b"}
    assert world.tables()["scans"][0]["scan_status"] == "scanned"
    assert world.sync() == "unchanged"
