"""Helm values from commit to commit: files feed releases, and a change of a file is a change of its releases."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.tables import HELM_VALUES, RESOURCES
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts, ValuesPart
from kubestats_pipeline.scan.kinds.registry import load_scanners
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.outcomes import Scanned, UpToDate
from kubestats_pipeline.scan.store import position as store
from kubestats_pipeline.scan.store import values as saved_values
from kubestats_pipeline.scan.values.merge import Values, ValuesTree
from kubestats_pipeline_tests.scan.world import BROKEN, World, assert_fold_gives_resources, config, manifest

GROUP = "values.example.org"


def scan_fed(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A release that names its values files, as an Application of Argo CD does."""
    files = tuple(ValuesPart("file", path=path) for path in resource["spec"].get("files", ()))
    return Facts(is_release=True, values=(*files, ValuesPart("map", ("spec", "values"))))


@pytest.fixture(autouse=True)
def _fed_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(load_scanners(), (GROUP, "Fed"), scan_fed)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def fed(name: str, *files: str, **values: Any) -> str:
    return manifest("Fed", name, api=f"{GROUP}/v1", spec={"files": files, "values": values})


def settings(world: World, name: str = "app") -> dict[str, str | None]:
    (resource,) = [row for row in world.resources if row["name"] == name]
    return {
        row["path"]: row["value"] for row in world.rows(HELM_VALUES) if row["resource_id"] == resource["resource_id"]
    }


def is_complete(world: World, name: str = "app") -> bool | None:
    (found,) = [row["values_complete"] for row in world.resources if row["name"] == name]
    assert found is None or isinstance(found, bool)
    return found


def last(world: World) -> tuple[str, str, list[str], list[dict[str, Any]]]:
    event = world.events[-1]
    return (
        event["event_type"],
        event["resource_name"],
        event["changes_detected"],
        json.loads(event["field_changes"] or "[]"),
    )


def test_a_file_beside_a_release_gives_it_values_and_inline_ones_win(world: World) -> None:
    world.git.commit({"a/app.yaml": fed("app", "values.yaml", own=1), "a/values.yaml": "own: 0\nother: {tag: 1.10}\n"})
    world.scan()
    assert settings(world) == {"own": "1", "other.tag": "1.10"}
    assert is_complete(world)
    assert {row["path"]: row["origin"] for row in world.rows(HELM_VALUES)} == {
        "own": "inline",
        "other.tag": "a/values.yaml",
    }


@pytest.mark.parametrize("at_once", [True, False])
def test_a_change_of_a_values_file_is_a_change_of_its_releases_at_that_commit(world: World, at_once: bool) -> None:
    world.git.commit({"app.yaml": fed("app", "values.yaml"), "values.yaml": "a: 1\nkeep: 1\n", "b.yaml": config("b")})
    if not at_once:
        world.scan()
    commit = world.git.commit({"values.yaml": "a: 2\nkeep: 1\n"})
    world.scan()
    assert last(world) == ("MODIFIED", "app", ["values"], [{"path": "$.values.a", "before": 1, "after": 2}])
    assert (world.events[-1]["commit_sha"], len(world.events)) == (commit, 3)
    assert settings(world) == {"a": "2", "keep": "1"}
    assert_fold_gives_resources(world)


def test_formatting_comments_and_settings_that_an_inline_one_hides_are_no_change(world: World) -> None:
    world.git.commit({"app.yaml": fed("app", "values.yaml", hidden=1), "values.yaml": "a: 1\nhidden: 2\nb: 1\n"})
    world.scan()
    world.git.commit({"values.yaml": "# why\nb: 1\nhidden: 3\na:   1\n"})
    world.scan()
    assert len(world.events) == 1
    assert settings(world) == {"a": "1", "hidden": "1", "b": "1"}


def test_a_number_that_is_written_differently_is_no_event_and_its_row_follows(world: World) -> None:
    world.git.commit({"app.yaml": fed("app", "values.yaml"), "values.yaml": "tag: 1.10\n"})
    world.scan()
    world.git.commit({"values.yaml": "tag: 1.1\n"})
    world.scan()
    assert len(world.events) == 1
    assert settings(world) == {"tag": "1.1"}


def test_a_file_feeds_all_releases_that_name_it_and_no_other(world: World) -> None:
    files = {"a/one.yaml": fed("one", "../values.yaml"), "two.yaml": fed("two", "/values.yaml"), "x.yaml": fed("three")}
    world.git.commit({**files, "values.yaml": "a: 1\n"})
    world.scan()
    world.git.commit({"values.yaml": "a: 2\n"})
    world.scan()
    assert [event["resource_name"] for event in world.events[3:]] == ["one", "two"]
    assert settings(world, "three") == {}


def test_a_new_image_in_a_values_file_is_an_image_of_the_release(world: World) -> None:
    image = "image: {{repository: ghcr.io/o/a, tag: {tag}}}\n"
    world.git.commit({"app.yaml": fed("app", "values.yaml"), "values.yaml": image.format(tag="1.10")})
    world.scan()
    world.git.commit({"values.yaml": image.format(tag="1.20")})
    world.scan()
    assert last(world)[2] == ["images", "values"]
    (row,) = world.resources
    assert [(image["image"], image["tag"]) for image in row["images"]] == [("ghcr.io/o/a", "1.20")]


@pytest.mark.parametrize("reloaded", [True, False])
def test_a_values_file_that_cannot_be_read_is_a_problem_and_its_last_values_stay(world: World, reloaded: bool) -> None:
    def step(files: dict[str, str | None]) -> None:
        world.git.commit(files)
        if reloaded:
            world.scan()

    step({"app.yaml": fed("app", "values.yaml"), "values.yaml": "a: 1\n"})
    step({"values.yaml": "a: {broken\n"})
    step({"other.yaml": config("other")})
    world.scan()
    assert [(row["file_path"], row["problem"]) for row in world.problems] == [("values.yaml", "syntax")]
    assert "broken" not in world.problems[0]["message"]
    assert (settings(world), len(world.events)) == ({"a": "1"}, 2)
    step({"values.yaml": "a: 2\n"})
    world.scan()
    assert last(world) == ("MODIFIED", "app", ["values"], [{"path": "$.values.a", "before": 1, "after": 2}])
    assert world.problems == []


@pytest.mark.parametrize("reloaded", [True, False])
def test_a_release_that_cannot_be_read_keeps_its_values(world: World, reloaded: bool) -> None:
    def step(files: dict[str, str | None]) -> None:
        world.git.commit(files)
        if reloaded:
            world.scan()

    step({"app.yaml": fed("app", "values.yaml", own=1), "values.yaml": "a: 1\n"})
    step({"app.yaml": BROKEN})
    step({"values.yaml": "a: 2\n"})
    world.scan()
    assert (settings(world), len(world.events)) == ({"a": "1", "own": "1"}, 1)
    step({"app.yaml": fed("app", "values.yaml", own=1)})
    world.scan()
    assert last(world)[2:] == (["values"], [{"path": "$.values.a", "before": 1, "after": 2}])
    assert settings(world) == {"a": "2", "own": "1"}


def test_a_values_file_that_no_release_uses_is_not_read_and_one_that_is_used_later_is(world: World) -> None:
    world.git.commit({"values.yaml": "a: {broken\n"})
    world.scan()
    assert world.problems == []
    world.git.commit({"app.yaml": fed("app", "values.yaml")})
    world.scan()
    assert (len(world.problems), is_complete(world)) == (1, False)
    world.git.commit({"app.yaml": fed("app")})
    world.scan()
    assert (world.problems, is_complete(world)) == ([], True)


def test_values_whose_file_goes_are_gone_and_what_is_left_is_not_complete(world: World) -> None:
    world.git.commit({"app.yaml": fed("app", "values.yaml", own=1), "values.yaml": "a: 1\n"})
    world.scan()
    world.git.commit({"values.yaml": None})
    world.scan()
    assert last(world)[3] == [{"path": "$.values.a", "before": 1, "after": None}]
    assert (settings(world), is_complete(world)) == ({"own": "1"}, False)


def test_a_release_that_is_deleted_has_no_values_and_one_that_comes_back_has(world: World) -> None:
    files = {"app.yaml": fed("app", "values.yaml"), "values.yaml": "a: 1\n"}
    world.git.commit(files)
    world.scan()
    world.git.commit({"app.yaml": None})
    world.scan()
    assert (world.rows(HELM_VALUES), is_complete(world)) == ([], None)
    world.git.commit(files)
    world.scan()
    assert last(world)[0] == "RESURRECTED"
    assert settings(world) == {"a": "1"}
    assert_fold_gives_resources(world)


def test_a_release_and_its_values_that_move_together_only_move(world: World) -> None:
    world.git.commit({"a/app.yaml": fed("app", "values.yaml"), "a/values.yaml": "a: 1\n"})
    world.scan()
    world.git.move("a", "b")
    world.scan()
    assert last(world)[:3] == ("MODIFIED", "app", ["file_path"])
    assert [row["origin"] for row in world.rows(HELM_VALUES)] == ["b/values.yaml"]


def test_only_the_releases_that_changed_are_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.git.commit({"one.yaml": fed("one", a=1), "two.yaml": fed("two", a=1)})
    world.scan()
    merged: list[str] = []
    merge = saved_values.merge_values

    def counted(found: Manifest, values: Values | None) -> tuple[ValuesTree, bool]:
        merged.append(found.key.name)
        return merge(found, values)

    monkeypatch.setattr(saved_values, "merge_values", counted)
    world.git.commit({"two.yaml": fed("two", a=2)})
    world.scan()
    assert merged == ["two"]
    assert (settings(world, "one"), settings(world, "two")) == ({"a": "1"}, {"a": "2"})


def test_a_commit_that_changes_no_values_leaves_their_file_as_it_is(world: World) -> None:
    world.git.commit({"one.yaml": fed("one", a=1)})
    world.scan()
    path = world.lake.path(HELM_VALUES, world.repository.full_name)
    before = path.stat().st_ino
    world.git.commit({"c.yaml": config("c")})
    world.scan()
    assert path.stat().st_ino == before
    assert isinstance(world.scan(), UpToDate)


def histories() -> Iterator[dict[str, str | None]]:
    yield {"app.yaml": fed("app", "values.yaml"), "values.yaml": "a: 1\n"}
    yield {"values.yaml": "a: {broken\n", "inline.yaml": fed("inline", a=1)}
    yield {"app.yaml": BROKEN}
    yield {"values.yaml": "a: 2\n"}
    yield {"app.yaml": fed("app", "values.yaml", "more.yaml"), "more.yaml": "b: [1]\n"}
    yield {"more.yaml": None, "inline.yaml": None}
    yield {"more.yaml": "b: [2]\n", "inline.yaml": fed("inline", a=2)}


def test_stops_after_any_commit_change_nothing(tmp_path: Path) -> None:
    stopped, undisturbed = World(tmp_path / "stopped"), World(tmp_path / "undisturbed")
    for files in histories():
        for each in (stopped, undisturbed):
            each.git.commit(files)
        stopped.scan()
    undisturbed.scan()
    assert stopped.tables() == undisturbed.tables()


@pytest.mark.parametrize("commits", range(1, 7))
def test_a_run_that_was_killed_after_it_wrote_the_values_leaves_no_trace(tmp_path: Path, commits: int) -> None:
    killed, undisturbed = World(tmp_path / "killed"), World(tmp_path / "undisturbed")
    for world in (killed, undisturbed):
        for number, files in enumerate(histories()):
            world.git.commit(files)
            path = world.lake.path(RESOURCES, world.repository.full_name)
            before = path.read_bytes() if path.exists() else None
            world.scan()
            if world is killed and number == commits and before is not None:
                path.write_bytes(before)
    killed.scan()
    assert killed.tables() == undisturbed.tables()


def test_tables_of_an_older_scanner_are_replayed_from_the_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for files in histories():
        world.git.commit(files)
    write_as_older(world, monkeypatch)
    assert isinstance(world.scan(), Scanned)
    rebuilt = world.tables()
    for table in (HELM_VALUES, RESOURCES):
        world.lake.delete(table, world.repository.full_name)
    world.scan()
    assert world.tables() == rebuilt
    assert isinstance(world.scan(), UpToDate)


def test_an_older_log_that_reaches_further_back_than_the_mirror_is_continued(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for files in histories():
        world.git.commit(files)
    world.since = world.git.time.replace(year=2025)
    write_as_older(world, monkeypatch)
    events = [event["event_id"] for event in world.events]
    world.since = world.git.time
    assert isinstance(world.scan(), Scanned)
    assert [event["event_id"] for event in world.events] == events
    assert settings(world) == {"a": "2", "b[0]": "2"}
    assert isinstance(world.scan(), UpToDate)


def write_as_older(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scan, and leave the tables as a version without the newer columns would have."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "writer", lambda: "an older one")
        world.scan()
    world.lake.delete(HELM_VALUES, world.repository.full_name)
    path = world.lake.path(RESOURCES, world.repository.full_name)
    metadata = world.lake.read_metadata(RESOURCES, world.repository.full_name) or {}
    frame = world.lake.read(RESOURCES, world.repository.full_name)
    assert frame is not None
    tags = {f"kubestats.{name}": value for name, value in metadata.items() if not name.startswith("values")}
    frame.rows.drop("chart_url_raw", "values_complete").write_parquet(path, metadata=tags)
