"""Histories to events: what each kind of commit does to the resources that a repository declares."""

import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.manifests.manifests import digest
from kubestats_pipeline.scan.replay.authors import author_kind
from kubestats_pipeline.scan.replay.field_changes import Version, detect_changes, diff
from kubestats_pipeline_tests.builders import HOUR
from kubestats_pipeline_tests.scan.world import (
    BROKEN,
    World,
    assert_fold_gives_resources,
    assert_ids_are_unique,
    chart,
    config,
    documents,
    flux_path,
    helm_repository,
    kustomization,
    manifest,
    oci_repository,
    read,
    release,
    told,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def events_of(world: World, *commits: dict[str, str | None]) -> list[tuple[str, ...]]:
    """The events of some commits, in short."""
    for files in commits:
        world.git.commit(files)
    return told(world.replay())


def test_a_resource_is_created_modified_deleted_and_comes_back_as_itself(world: World) -> None:
    for text in (config("a"), config("a", "two"), None, config("a", "three")):
        world.git.commit({"a.yaml": text})
    events = world.replay()
    assert [(each.event_type, *each.parts) for each in events] == [
        ("CREATED",),
        ("MODIFIED", "data"),
        ("DELETED",),
        ("RESURRECTED", "data"),
    ]
    assert len({each.after.resource_id for each in events}) == 1
    assert [field.path for field in events[1].fields] == ["$.data.value"]
    assert events[3].after.created_commit == events[0].commit.sha


def test_comments_key_order_and_formatting_are_no_change(world: World) -> None:
    first = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {x: 'text', z: 1}\n"
    second = "# hello\n---\napiVersion: v1\nkind: ConfigMap\ndata:\n  z: 0x1\n  x: text\nmetadata:\n  name: a\n"
    assert events_of(world, {"a.yaml": first}, {"a.yaml": second}) == [("CREATED", "a", "a.yaml")]


@pytest.mark.parametrize(("before", "after"), [("1", "true"), ("0", "false"), ("null", "[]"), ("[1]", "[true]")])
def test_values_that_only_python_takes_for_equal_are_a_change(world: World, before: str, after: str) -> None:
    text = "apiVersion: v1\nkind: X\nmetadata: {{name: a}}\nspec: {{enabled: {}}}\n"
    world.git.commit({"a.yaml": text.format(before)})
    world.git.commit({"a.yaml": text.format(after)})
    assert told(world.replay())[1:] == [("MODIFIED", "a", "a.yaml", "spec")]
    assert len(world.replay()[1].fields) == 1


def test_an_empty_key_that_goes_is_a_change(world: World) -> None:
    text = "apiVersion: v1\nkind: X\nmetadata: {name: a}\n"
    assert events_of(world, {"a.yaml": f"{text}spec:\n"}, {"a.yaml": text})[1:] == [("MODIFIED", "a", "a.yaml", "spec")]


def test_a_move_is_one_modification_with_the_same_id(world: World) -> None:
    world.git.commit({"apps/a.yaml": config("a")})
    world.git.move("apps", "kubernetes/apps")
    created, moved = world.replay()
    assert (moved.event_type, moved.parts) == ("MODIFIED", ("file_path",))
    assert moved.before is not None
    assert (moved.before.identity.path, moved.after.identity.path) == ("apps/a.yaml", "kubernetes/apps/a.yaml")
    assert moved.after.resource_id == created.after.resource_id


def test_a_resource_with_another_name_and_the_same_content_was_renamed(world: World) -> None:
    told_events = events_of(world, {"a.yaml": config("a", "long")}, {"a.yaml": config("b", "long")})
    assert told_events == [("CREATED", "a", "a.yaml"), ("MODIFIED", "b", "a.yaml", "metadata")]


def test_a_bump_of_the_api_version_is_a_change_of_one_resource(world: World) -> None:
    old = release("app", chart=chart("c", "1", "s")).replace("fluxcd.io/v2", "fluxcd.io/v2beta1")
    assert events_of(world, {"a.yaml": old}, {"a.yaml": old.replace("v2beta1", "v2")}) == [
        ("CREATED", "app", "a.yaml"),
        ("MODIFIED", "app", "a.yaml", "api_version"),
    ]


def test_a_version_in_another_file_modifies_the_release_that_uses_it(world: World) -> None:
    use = release("app", chartRef={"kind": "OCIRepository", "name": "app"})
    world.git.commit({"hr.yaml": use, "oci.yaml": oci_repository("app", "1.0.0")})
    bump = world.git.commit({"oci.yaml": oci_repository("app", "1.1.0")}, author="renovate[bot] <bot@renovate>")
    events = [each for each in world.replay() if each.commit.sha == bump]
    assert told(events) == [
        ("MODIFIED", "app", "hr.yaml", "version"),
        ("MODIFIED", "app", "oci.yaml", "spec", "version"),
    ]
    assert [(each.before and each.before.resolved.version, each.after.resolved.version) for each in events] == [
        ("1.0.0", "1.1.0")
    ] * 2
    assert author_kind(events[0].commit.author, events[0].commit.subject) == "renovate"


def test_a_broken_file_keeps_its_resources_and_a_repaired_one_says_nothing_new(world: World) -> None:
    whole = documents(config("a"), config("b"))
    for text in (whole, documents(BROKEN, config("b", "two")), "\0", whole):
        world.git.commit({"a.yaml": text})
    assert told(world.replay())[2:] == [("MODIFIED", "b", "a.yaml", "data"), ("MODIFIED", "b", "a.yaml", "data")]


def test_a_file_that_is_repaired_differently_gives_one_modification(world: World) -> None:
    assert events_of(world, {"a.yaml": config("a")}, {"a.yaml": BROKEN}, {"a.yaml": config("a", "two")}) == [
        ("CREATED", "a", "a.yaml"),
        ("MODIFIED", "a", "a.yaml", "data"),
    ]


def test_a_broken_file_that_is_deleted_takes_its_resources_along(world: World) -> None:
    assert events_of(world, {"a.yaml": config("a")}, {"a.yaml": BROKEN}, {"a.yaml": None})[1:] == [
        ("DELETED", "a", "a.yaml")
    ]


def test_a_broken_file_that_moves_takes_its_resources_along(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"a.yaml": BROKEN})
    world.git.move("a.yaml", "b.yaml")
    assert told(world.replay())[1:] == [("MODIFIED", "a", "b.yaml", "file_path")]


def test_two_files_that_swap_their_content_swap_their_resources(world: World) -> None:
    one, two = config("a", "one"), config("b", "two")
    world.git.commit({"1.yaml": one, "2.yaml": two})
    world.git.commit({"1.yaml": two, "2.yaml": one})
    events = world.replay()
    assert told(events)[2:] == [("MODIFIED", "a", "2.yaml", "file_path"), ("MODIFIED", "b", "1.yaml", "file_path")]
    ids = {each.after.identity.key.name: each.after.resource_id for each in events[:2]}
    assert all(each.after.resource_id == ids[each.after.identity.key.name] for each in events)


def test_equal_names_that_swap_places_are_told_by_their_content(world: World) -> None:
    world.git.commit({"1/a.yaml": config("a", "one"), "2/a.yaml": config("a", "two")})
    world.git.commit(
        {"1/a.yaml": None, "2/a.yaml": None, "3/a.yaml": config("a", "two"), "4/a.yaml": config("a", "one")}
    )
    moves = {each.before.identity.path: each.after.identity.path for each in world.replay()[2:] if each.before}
    assert moves == {"1/a.yaml": "4/a.yaml", "2/a.yaml": "3/a.yaml"}


def test_a_new_resource_where_another_moved_away_has_an_id_of_its_own(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.move("a.yaml", "b.yaml")
    world.git.commit({"a.yaml": config("a", "new")})
    world.git.commit({"a.yaml": None})
    world.git.commit({"a.yaml": config("a", "again")})
    first, moved, new, deleted, back = world.replay()
    assert [each.event_type for each in (moved, new, deleted, back)] == [
        "MODIFIED",
        "CREATED",
        "DELETED",
        "RESURRECTED",
    ]
    assert first.after.resource_id == moved.after.resource_id
    assert new.after.resource_id == back.after.resource_id != first.after.resource_id


def test_two_equal_resources_in_one_file_are_two(world: World) -> None:
    twice = documents(config("a"), config("a"))
    assert events_of(
        world, {"a.yaml": twice}, {"a.yaml": documents(config("a"), config("a", "2"))}, {"a.yaml": config("a")}
    ) == [
        ("CREATED", "a", "a.yaml"),
        ("CREATED", "a", "a.yaml"),
        ("MODIFIED", "a", "a.yaml", "data"),
        ("DELETED", "a", "a.yaml"),
    ]


def test_files_beside_a_chart_become_templates_when_it_appears_and_resources_when_it_goes(world: World) -> None:
    path = "charts/x/templates/cm.yaml"
    told_events = events_of(
        world,
        {path: config("a", "{{ b }}")},
        {"charts/x/Chart.yaml": "dependencies: []\n"},
        {"charts/x/Chart.yaml": None},
    )
    assert told_events == [("CREATED", "a", path), ("DELETED", "a", path), ("RESURRECTED", "a", path)]


def test_a_chart_s_template_without_an_action_is_a_resource_in_the_context_of_its_chart(world: World) -> None:
    path, chart = "charts/x/templates/cm.yaml", "charts/x/Chart.yaml"
    world.git.commit({path: config("a"), "charts/x/templates/tests/b.yaml": config("b")})
    world.git.commit({chart: "dependencies: []\n"})
    world.scan()
    assert_fold_gives_resources(world)
    assert {row["name"]: row["context"] for row in world.resources} == {"a": "active", "b": "test"}
    world.git.commit({path: config("a", "{{ .Values.x }}")})
    world.scan()
    world.git.commit({path: config("a", "2")})
    world.scan()
    world.git.commit({chart: None})
    world.scan()
    assert_fold_gives_resources(world)
    assert [(event["event_type"], event["changes_detected"], event["context"]) for event in world.events] == [
        ("CREATED", [], "template"),
        ("CREATED", [], "template"),
        ("MODIFIED", ["context"], "active"),
        ("MODIFIED", ["context"], "test"),
        ("DELETED", [], "active"),
        ("RESURRECTED", ["data"], "active"),
        ("MODIFIED", ["context"], "template"),
        ("MODIFIED", ["context"], "template"),
    ]


def test_a_mode_a_link_or_a_submodule_is_no_resource(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.set_mode("a.yaml")
    world.git.symlink("link.yaml", "a.yaml")
    world.git.submodule("module.yaml")
    world.git.commit({"link.yaml": config("b")})
    world.git.symlink("a.yaml", "link.yaml")
    assert told(world.replay()) == [
        ("CREATED", "a", "a.yaml"),
        ("CREATED", "b", "link.yaml"),
        ("DELETED", "a", "a.yaml"),
    ]


ODD_PATHS = [
    "a b/c.yaml",
    "new\nline.yaml",
    'quo"te.yml',
    "ü/ñ.YAML",
    "tab\t.yaml",
    "back\\slash.yaml",
    ":(glob)x.yaml",
    "commit.yaml",
]


def test_any_path_is_read_and_kept(world: World) -> None:
    world.git.commit({path: config(f"c{number}") for number, path in enumerate(ODD_PATHS)})
    raw = world.git.git("hash-object", "-w", "--stdin", stdin=config("raw").encode())
    tree = world.git.git("ls-tree", "-z", "HEAD").encode() + b"100644 blob %s\tcaf\xe9.yaml\0" % raw.encode()
    world.git.reset_to(
        world.git.git("commit-tree", world.git.git("mktree", "-z", stdin=tree), "-p", "HEAD", "-m", "raw")
    )
    world.scan()
    assert {row["file_path"] for row in world.resources} == {
        *(path.replace("\\", "\\\\") for path in ODD_PATHS),
        "caf\\xe9.yaml",
    }
    world.git.commit({"a b/c.yaml": config("c0", "two")})
    world.scan()
    assert_fold_gives_resources(world)
    assert [event["event_type"] for event in world.events[-1:]] == ["MODIFIED"]
    assert len(world.events) == len(ODD_PATHS) + 2


def test_a_rename_of_case_alone_is_a_move(world: World) -> None:
    world.git.commit({"App.yaml": config("a")})
    world.git.move("App.yaml", "app.yaml")
    assert told(world.replay())[1:] == [("MODIFIED", "a", "app.yaml", "file_path")]


def test_a_merge_is_one_step_of_the_default_branch(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.git.commit({"b.yaml": config("b")}, branch="feature")
    world.git.commit({"b.yaml": config("b", "two")}, branch="feature")
    world.git.commit({"c.yaml": config("c")})
    merge = world.git.merge("feature")
    events = world.replay()
    assert told(events) == [("CREATED", "a", "a.yaml"), ("CREATED", "c", "c.yaml"), ("CREATED", "b", "b.yaml")]
    assert events[-1].commit.sha == merge


def test_an_empty_commit_and_one_without_yaml_say_nothing(world: World) -> None:
    assert len(events_of(world, {"a.yaml": config("a")}, {}, {"README.md": "x"}, {"a.yaml": config("a", "b")})) == 2


def test_commits_of_one_second_and_clocks_that_run_backwards_keep_their_order(world: World) -> None:
    for number, step in enumerate((HOUR, 0 * HOUR, -5 * HOUR, 0 * HOUR, 3 * HOUR)):
        world.git.commit({"a.yaml": config("a", str(number)) if number != 3 else None}, at=step)
    assert [each[0] for each in told(world.replay())] == ["CREATED", "MODIFIED", "MODIFIED", "DELETED", "RESURRECTED"]


def test_a_commit_from_beyond_all_calendars_has_the_last_date_there_is(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    raw = world.git.git("cat-file", "commit", "HEAD")
    odd = raw.replace(f"{int(world.git.time.timestamp())} +0000", "999999999999999 +0000") + "\n"
    world.git.reset_to(world.git.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=odd.encode()))
    world.scan()
    assert world.events[0]["event_timestamp"] == datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)


def test_changes_name_the_deepest_field_and_lists_of_named_objects_go_by_name() -> None:
    before = {"spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}], "args": [1, 2]}}
    after = {"spec": {"containers": [{"name": "b", "image": "y:2"}, {"name": "a", "image": "x:1"}], "args": [1, 3, 4]}}
    assert list(diff(before, after)) == [
        ("$.spec.args[1]", 2, 3),
        ("$.spec.args[2]", None, 4),
        ("$.spec.containers[name=b].image", "y:1", "y:2"),
    ]


LEAVES = st.none() | st.booleans() | st.sampled_from([0, 1, 0.0, -0.0, 1.0, "", "1"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner))


@given(JSON, JSON)
def test_values_differ_in_some_place_where_their_json_does_and_nowhere_else(before: object, after: object) -> None:
    assert bool(list(diff(before, after))) == (canonical_json(before) != canonical_json(after))


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), JSON))
def test_the_changed_parts_are_those_below_which_a_field_has_changed(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    (template,) = read(config("a")).manifests
    one, two = (
        Version(template._replace(data=data, content_hash=digest(data)), Resolved(), "a")
        for data in map(canonical_json, (before, after))
    )
    parts, fields = detect_changes(one, two)
    assert parts == sorted({field.path[2] for field in fields})


def test_the_changes_of_a_resource_that_is_rewritten_are_bounded(world: World) -> None:
    one, two = ({f"k{n}": f"{value}{n}" * 400 for n in range(300)} for value in "ab")
    world.git.commit({"a.yaml": manifest("X", "a", spec=one)})
    world.git.commit({"a.yaml": manifest("X", "a", spec=two)})
    fields = world.replay()[1].fields
    assert len(fields) == 100
    assert max(len(field.before) for field in fields) <= 501


def test_equal_versions_have_no_changes() -> None:
    (one,) = read(config("a")).manifests
    (two,) = read("# comment\n" + config("a")).manifests
    assert detect_changes(Version(one, Resolved(), "a"), Version(two, Resolved(), "a")) == ([], [])


RELEASE = release("app", chartRef={"kind": "OCIRepository", "name": "app"})
CONTENTS = [
    config("a", "one"),
    config("a", "two"),
    config("b", "one"),
    documents(config("a"), config("b"), config("a", "three")),
    documents(config("b", "two"), BROKEN),
    BROKEN,
    "not: a resource\n",
    RELEASE,
    documents(RELEASE, BROKEN),
    oci_repository("app", "1.0"),
    oci_repository("app", "2.0"),
    documents(oci_repository("app", "1.10"), BROKEN),
    helm_repository("charts"),
    flux_path("apps", "./apps", "web"),
    flux_path("apps", "./", "other"),
    None,
]
PATHS = ["apps/a.yaml", "apps/b.yaml", "apps/templates/c.yaml", "d.yaml", "e.yml"]
FOLDERS = {
    "apps/kustomization.yaml": [
        kustomization("a.yaml", namespace="x"),
        kustomization("./b.yaml", "templates/c.yaml"),
        None,
    ],
    "apps/Chart.yaml": ["name: chart\n", None],
}
EDITS = st.one_of(
    st.tuples(st.sampled_from(PATHS), st.sampled_from(CONTENTS)),
    st.sampled_from([(path, content) for path, contents in FOLDERS.items() for content in contents]),
)
COMMITS = st.tuples(
    st.dictionaries(st.sampled_from(PATHS), st.sampled_from(CONTENTS), max_size=3),
    st.lists(EDITS, max_size=1),
    st.lists(st.tuples(st.sampled_from(PATHS), st.sampled_from(PATHS)), max_size=1),
    st.sampled_from([HOUR, 0 * HOUR, -2 * HOUR]),
    st.booleans(),
)


History = list[tuple[dict[str, str | None], list[tuple[str, str | None]], list[tuple[str, str]], timedelta, bool]]
PATIENT = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=PATIENT)
@given(st.lists(COMMITS, min_size=2, max_size=8))
def test_any_history_folds_to_its_resources_and_stops_and_reloads_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    assert_stops_change_nothing(tmp_path_factory.mktemp("history"), history)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=PATIENT)
@given(st.lists(COMMITS, min_size=2, max_size=12))
def test_very_many_histories_fold_to_their_resources(
    tmp_path_factory: pytest.TempPathFactory, history: History
) -> None:
    assert_stops_change_nothing(tmp_path_factory.mktemp("history"), history)


def assert_stops_change_nothing(folder: Path, history: History) -> None:
    """Replay a history in one go, with stops, and in one go again: all tables must be equal."""
    whole = World(folder / "whole")
    stopped, again = (World(folder / name, mirror=whole.mirror) for name in ("stopped", "again"))
    now: dict[str, str] = {}
    for files, edits, moves, clock, stops in history:
        changes: dict[str, str | None] = {**files, **dict(edits)}
        for old, new in moves:
            if old in now and old != new:
                changes |= {new: now[old], old: None}
        now = {path: text for path, text in {**now, **changes}.items() if text is not None}
        whole.git.commit(changes, at=clock)
        if stops:
            stopped.scan(whole.git.head)
            assert_fold_gives_resources(stopped)
    for number, world in enumerate((whole, stopped, again)):
        world.scan(whole.git.head, run=str(number))
        assert_fold_gives_resources(world)
        assert_ids_are_unique(world)
    assert stopped.tables() == whole.tables()
    assert again.tables() == whole.tables()


@pytest.mark.parametrize(
    ("author", "subject", "kind"),
    [
        ("ann <ann@example.org>", "Merge pull request #7 from ann/renovate/cilium-1.x", "renovate"),
        ("ann <ann@example.org>", "Merge branch 'dependabot/pip/x' into 'main'", "dependabot"),
        ("ann <ann@example.org>", "Merge pull request #8 from ann/new-app", "human"),
        ("renovate[bot] <29139614+renovate[bot]@users.noreply.github.com>", "feat: upgrade", "renovate"),
        ("fluxcdbot <flux@example.org>", "update image", "flux"),
        ("ops-bot[bot] <1@example.org>", "chore", "other_bot"),
        ("abbott <abbott@example.org>", "renovate the kitchen", "human"),
    ],
)
def test_who_made_a_change_is_told_by_author_or_merged_branch(author: str, subject: str, kind: str) -> None:
    assert author_kind(author, subject) == kind
