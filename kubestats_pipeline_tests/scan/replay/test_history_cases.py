"""The odd things that real histories do; each case stands in docs/history.md with what is decided about it."""

from pathlib import Path

import pytest

from kubestats_pipeline_tests.scan.world import (
    BROKEN,
    World,
    assert_fold_gives_resources,
    assert_ids_are_unique,
    config,
    documents,
    manifest,
    told,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def join(world: World, *branches: str, files: dict[str, str] | None = None) -> str:
    """A merge of any branches whose tree is that of the default branch with the files of the branches, and more."""
    for branch in branches:
        for path in world.git.git("diff", "--name-only", f"{world.git.default}...{branch}").splitlines():
            world.git.commit({path: world.git.git("show", f"{branch}:{path}")}, branch="joined")
    if files:
        world.git.commit(files, branch="joined")
    parents = [argument for name in (world.git.default, *branches) for argument in ("-p", name)]
    merged = world.git.git("commit-tree", "joined^{tree}", *parents, "-m", "Merge many", at=world.git.time)
    world.git.reset_to(merged)
    return merged


def last(world: World, known: int) -> list[tuple[str, ...]]:
    """The events of a whole replay after the first `known` ones, in short."""
    return told(world.replay())[known:]


def test_an_octopus_merge_is_one_step_with_all_that_its_branches_brought(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    for name in ("x", "y", "z"):
        world.git.commit({f"{name}.yaml": config(name)}, branch=name)
    merged = join(world, "x", "y", "z")
    events = world.replay()[1:]
    assert told(events) == [("CREATED", name, f"{name}.yaml") for name in ("x", "y", "z")]
    assert {event.commit.sha for event in events} == {merged}


def test_what_a_merge_changes_by_itself_belongs_to_the_merge(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"b.yaml": config("b")}, branch="feature")
    merged = join(world, "feature", files={"a.yaml": config("a", "fixed while merging")})
    assert last(world, 1) == [("CREATED", "b", "b.yaml"), ("MODIFIED", "a", "a.yaml", "data")]
    assert {event.commit.sha for event in world.replay()[1:]} == {merged}


def test_a_merge_that_takes_none_of_its_branch_says_nothing(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"b.yaml": config("b")}, branch="feature")
    ours = world.git.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-p", "feature", "-m", "ours")
    world.git.reset_to(ours)
    assert last(world, 1) == []


def test_a_history_that_is_joined_from_elsewhere_arrives_with_its_merge(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"other.yaml": config("other")}, branch="scratch")
    foreign = world.git.git("commit-tree", "scratch^{tree}", "-m", "another root")
    merged = world.git.git("commit-tree", "scratch^{tree}", "-p", "HEAD", "-p", foreign, "-m", "join")
    world.git.reset_to(merged)
    assert last(world, 1) == [("CREATED", "other", "other.yaml")]
    assert world.replay()[-1].commit.sha == merged


def test_crossing_merges_show_each_change_once(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"b.yaml": config("b")}, branch="feature")
    world.git.commit({"c.yaml": config("c")})
    world.git.git("update-ref", "refs/heads/before", "HEAD")
    world.git.merge("feature")
    back = world.git.git("commit-tree", "HEAD^{tree}", "-p", "feature", "-p", "before", "-m", "cross")
    world.git.git("update-ref", "refs/heads/feature", back)
    world.git.commit({"d.yaml": config("d")}, branch="feature")
    world.git.merge("feature")
    assert [(each[0], each[1]) for each in told(world.replay())] == [("CREATED", name) for name in "acbd"]


def test_a_revert_is_a_change_back_and_keeps_every_id(world: World) -> None:
    for text in (config("a"), config("a", "two"), config("a")):
        world.git.commit({"a.yaml": text})
    first, second, third = world.replay()
    assert (first.after.manifest.content_hash, first.after.resource_id) == (
        third.after.manifest.content_hash,
        third.after.resource_id,
    )
    assert (second.event_type, third.event_type) == ("MODIFIED", "MODIFIED")


def test_line_ends_and_byte_order_marks_are_no_change(world: World) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  value: one\n"
    for each in (text, text.replace("\n", "\r\n"), "\ufeff" + text, text):
        world.git.commit({"a.yaml": each})
    assert told(world.replay()) == [("CREATED", "a", "a.yaml")]


def test_line_ends_inside_a_block_text_are_no_change_either(world: World) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  value: |\n    one\n    two\n"
    world.git.commit({"a.yaml": text})
    world.git.commit({"a.yaml": text.replace("\n", "\r\n")})
    assert told(world.replay()) == [("CREATED", "a", "a.yaml")]


def test_a_file_that_becomes_a_link_is_deleted_and_comes_back_as_itself(world: World) -> None:
    world.git.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    world.git.symlink("a.yaml", "b.yaml")
    world.git.commit({"a.yaml": config("a")})
    events = world.replay()
    assert told(events)[2:] == [("DELETED", "a", "a.yaml"), ("RESURRECTED", "a", "a.yaml")]
    assert len({event.after.resource_id for event in events}) == 2


def test_a_folder_that_becomes_a_submodule_takes_its_resources_along(world: World) -> None:
    world.git.commit({"apps/a.yaml": config("a")})
    world.git.commit({"apps/a.yaml": None})
    world.git.submodule("apps")
    world.git.git("update-ref", "refs/heads/kept", "HEAD")
    assert last(world, 1) == [("DELETED", "a", "apps/a.yaml")]


def test_a_folder_may_become_a_file_of_the_same_name(world: World) -> None:
    world.git.commit({"a.yaml/b.yaml": config("b")})
    world.git.commit({"a.yaml/b.yaml": None, "a.yaml": config("b")})
    assert last(world, 1) == [("MODIFIED", "b", "a.yaml", "file_path")]


def test_a_move_with_an_edit_in_one_commit_is_one_modification(world: World) -> None:
    world.git.commit({"old/a.yaml": config("a")})
    world.git.commit({"old/a.yaml": None, "new/a.yaml": config("a", "two")})
    assert last(world, 1) == [("MODIFIED", "a", "new/a.yaml", "data", "file_path")]


def test_a_move_in_two_commits_is_a_deletion_and_a_creation(world: World) -> None:
    world.git.commit({"old.yaml": config("a")})
    world.git.commit({"old.yaml": None})
    world.git.commit({"new.yaml": config("a")})
    assert last(world, 1) == [("DELETED", "a", "old.yaml"), ("CREATED", "a", "new.yaml")]


def test_a_file_that_is_split_and_joined_again_keeps_its_resources(world: World) -> None:
    parts = {f"{name}.yaml": config(name) for name in "abc"}
    world.git.commit({"all.yaml": documents(*parts.values())})
    world.git.commit({"all.yaml": None, **parts})
    world.git.commit({"all.yaml": documents(*parts.values()), **dict.fromkeys(parts)})
    events = world.replay()
    assert [each[0] for each in told(events)] == ["CREATED"] * 3 + ["MODIFIED"] * 6
    assert {each[3:] for each in told(events)[3:]} == {("file_path",)}
    assert len({event.after.resource_id for event in events}) == 3


def test_a_resource_of_another_kind_in_the_same_place_is_another_resource(world: World) -> None:
    world.git.commit({"a.yaml": manifest("Deployment", "a", api="apps/v1", spec={"replicas": 1})})
    world.git.commit({"a.yaml": manifest("StatefulSet", "a", api="apps/v1", spec={"replicas": 1})})
    assert last(world, 1) == [("DELETED", "a", "a.yaml"), ("CREATED", "a", "a.yaml")]


def test_two_resources_that_swap_their_names_are_two_modifications(world: World) -> None:
    world.git.commit({"x.yaml": config("a", "one"), "y.yaml": config("b", "two")})
    world.git.commit({"x.yaml": config("b", "one"), "y.yaml": config("a", "two")})
    events = last(world, 2)
    assert {event[0] for event in events} == {"MODIFIED"}
    assert len(events) == 2


def test_a_broken_file_that_is_deleted_and_restored_brings_its_resources_back(world: World) -> None:
    for text in (config("a"), BROKEN, None, config("a")):
        world.git.commit({"a.yaml": text})
    assert told(world.replay()) == [
        ("CREATED", "a", "a.yaml"),
        ("DELETED", "a", "a.yaml"),
        ("RESURRECTED", "a", "a.yaml"),
    ]


def test_a_broken_file_that_is_repaired_in_another_place_is_one_move(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"a.yaml": BROKEN})
    world.git.commit({"a.yaml": None, "b.yaml": config("a", "two")})
    assert last(world, 1) == [("MODIFIED", "a", "b.yaml", "data", "file_path")]


def test_a_problem_goes_with_its_cause(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    broken = world.git.commit({"a.yaml": BROKEN})
    world.scan()
    assert [(row["problem"], row["commit_sha"]) for row in world.problems] == [("syntax", broken)]
    world.git.commit({"a.yaml": config("a", "two")})
    world.scan()
    assert world.problems == []
    assert [event["event_type"] for event in world.events] == ["CREATED", "MODIFIED"]


def test_a_default_branch_that_is_another_one_now_is_one_difference(world: World) -> None:
    """The mirror follows the remote's HEAD under a name of its own, so only the commits matter."""
    start = world.git.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    world.git.commit({"b.yaml": config("b", "on main")})
    world.scan()
    world.git.reset_to(start)
    world.git.commit({"c.yaml": config("c")})
    world.scan()
    assert [(event["event_type"], event["resource_name"]) for event in world.events[3:]] == [
        ("CREATED", "c"),
        ("MODIFIED", "b"),
    ]
    assert_fold_gives_resources(world)
    assert_ids_are_unique(world)


def test_a_commit_before_1970_counts_as_its_first_second(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    header = world.git.git("cat-file", "commit", "HEAD").replace(str(int(world.git.time.timestamp())), "-5000")
    odd = world.git.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=(header + "\n").encode())
    world.git.reset_to(odd)
    assert world.replay()[0].commit.committed_at.year == 1970


def test_thousands_of_files_in_one_commit_are_one_step(world: World) -> None:
    commit = world.git.commit({f"apps/{number}/app.yaml": config(f"app-{number}") for number in range(2_000)})
    world.scan()
    assert {event["commit_sha"] for event in world.events} == {commit}
    assert len(world.events) == 2_000
