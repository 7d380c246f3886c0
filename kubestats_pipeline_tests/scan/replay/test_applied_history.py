"""Changes of what clusters run to events: what each kind of commit does to the objects of a cluster."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

import pytest

from kubestats_pipeline.git.history import Commit
from kubestats_pipeline.scan.clusters.applied import AppliedKey, AppliedObject
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey
from kubestats_pipeline.scan.replay.applied_history import AppliedHistory

Changes = Mapping[AppliedKey, AppliedObject | None]

WEB = Image("docker.io/library/web", "1.0", None, "main", "web:1.0")
ORIGIN = Identity(ResourceKey("apps", "Deployment", None, "web"), "base/web.yaml", 0)


def commit(number: int) -> Commit:
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(days=number)
    return Commit(f"{number:040x}", at, "ann", f"step {number}")


def place(name: str = "web", cluster: str = "clusters/prod", kind: str = "Deployment") -> AppliedKey:
    return AppliedKey(cluster, "Kustomization/flux-system/apps", ResourceKey("apps", kind, "home", name))


def thing(content: str = "one", version: str | None = "1.0", **changes: Any) -> AppliedObject:
    resolved = Resolved(namespace="home", version=version, images=(WEB,), **changes.pop("resolved", {}))
    return AppliedObject("apps/prod", ORIGIN, "v1", content, resolved)._replace(**changes)


def replayed(*steps: Changes, history: AppliedHistory | None = None) -> AppliedHistory:
    history = history or AppliedHistory("git:home")
    for number, changes in enumerate(steps, 1):
        history.apply(commit(number), changes, {ORIGIN: "web-id"}.get)
    return history


def told(history: AppliedHistory) -> list[tuple[str, ...]]:
    return [(event.event_type, event.after.key.key.name, *event.changed) for event in history.events]


def test_an_object_is_created_changed_and_deleted_and_comes_back_with_its_id() -> None:
    new = thing("two", "2.0")
    history = replayed({place(): thing()}, {place(): new}, {place(): None}, {place(): new})
    assert told(history) == [
        ("CREATED", "web"),
        ("MODIFIED", "web", "content_hash", "version"),
        ("DELETED", "web"),
        ("CREATED", "web"),
    ]
    assert len({event.after.applied_id for event in history.events}) == 1
    (back,) = history.active.values()
    assert (back.created_at, back.updated_at) == (commit(4).committed_at, commit(4).committed_at)


def test_a_change_moves_the_time_of_the_last_change_alone() -> None:
    (record,) = replayed({place(): thing()}, {}, {place(): thing("two")}).active.values()
    assert (record.created_at, record.updated_at) == (commit(1).committed_at, commit(3).committed_at)


def test_an_object_that_two_clusters_run_has_two_ids_and_two_histories() -> None:
    keys = place(), place(cluster="clusters/staging")
    history = replayed(dict.fromkeys(keys, thing()), {keys[1]: thing("two", "2.0")})
    assert told(history) == [("CREATED", "web"), ("CREATED", "web"), ("MODIFIED", "web", "content_hash", "version")]
    assert [history.active[key].state.version for key in keys] == ["1.0", "2.0"]
    assert list(history.applications(ORIGIN)) == sorted(history.active[key].applied_id for key in keys)


def test_the_same_object_again_makes_no_event() -> None:
    assert told(replayed({place(): thing()}, {place(): thing()})) == [("CREATED", "web")]


def test_two_spellings_of_an_image_are_no_change() -> None:
    spelled = dataclasses.replace(WEB, raw="docker.io/web:1.0")
    again = thing()._replace(resolved=thing().resolved._replace(images=(spelled,)))
    assert len(replayed({place(): thing()}, {place(): again}).events) == 1


def test_a_source_has_events_though_it_names_no_version() -> None:
    source = AppliedKey("clusters/prod", "apps", ResourceKey("source.toolkit.fluxcd.io", "HelmRepository", "home", "a"))
    history = replayed({source: thing()._replace(resolved=Resolved(namespace="home"))})
    assert told(history) == [("CREATED", "a")]


def test_what_has_neither_chart_nor_version_nor_image_is_there_without_events() -> None:
    plain = thing()._replace(resolved=Resolved(namespace="home"))
    history = replayed({place(kind="Service"): plain})
    assert (told(history), len(history.active)) == ([], 1)


def test_an_object_that_loses_its_images_leaves_the_log_and_one_that_gets_some_enters_it() -> None:
    plain = thing()._replace(resolved=Resolved(namespace="home"))
    history = replayed({place(): thing()}, {place(): plain}, {place(): thing()})
    assert told(history) == [("CREATED", "web"), ("DELETED", "web"), ("CREATED", "web")]
    (record,) = history.active.values()
    assert record.created_at == commit(1).committed_at


def test_events_of_one_commit_come_in_the_order_of_keys_however_they_are_given() -> None:
    keys = [place("b"), place("a"), place("a", "clusters/dev")]
    one, other = (replayed(dict.fromkeys(order, thing())) for order in (keys, keys[::-1]))
    assert [event.event_id for event in one.events] == [event.event_id for event in other.events]
    assert [(event.after.key.cluster, event.after.key.key.name) for event in one.events] == [
        ("clusters/dev", "a"),
        ("clusters/prod", "a"),
        ("clusters/prod", "b"),
    ]


def test_a_commit_that_a_rewritten_history_brings_back_makes_events_with_ids_of_their_own() -> None:
    history = replayed({place(): thing()}, {place(): None})
    history.apply(commit(1), {place(): thing()}, {ORIGIN: "web-id"}.get)
    assert len({event.event_id for event in history.events}) == 3


def test_a_document_that_takes_the_place_of_another_gives_its_objects_the_new_id() -> None:
    history = replayed({place(): thing()})
    history.apply(commit(2), {}, {ORIGIN: "other-id"}.get, moved=[ORIGIN])
    assert told(history)[1:] == [("MODIFIED", "web", "resource_id")]
    assert history.regrouped == {"web-id", "other-id"}


def test_objects_that_differ_from_the_saved_ones_make_their_events_with_the_next_commit() -> None:
    saved = replayed({place("kept"): thing(), place("gone"): thing(), place("changed"): thing()})
    history = AppliedHistory("git:home", dict(saved.active), saved.next_sequence)
    found = {place("kept"): thing(), place("changed"): thing("two"), place("new"): thing()}
    history.restore(found, {ORIGIN: "web-id"}.get)
    assert (history.is_overdue, told(history)) == (True, [])
    history.apply(commit(2), {place("new"): thing("three")}, {ORIGIN: "web-id"}.get)
    assert told(history) == [
        ("MODIFIED", "changed", "content_hash"),
        ("DELETED", "gone"),
        ("CREATED", "new"),
    ]
    assert history.active[place("new")].state.content_hash == "three"
    assert history.is_overdue is False


def test_saved_objects_that_are_found_again_are_not_overdue() -> None:
    saved = replayed({place(): thing()})
    history = AppliedHistory("git:home", dict(saved.active), saved.next_sequence)
    history.restore({place(): thing()}, {ORIGIN: "web-id"}.get)
    assert history.is_overdue is False


def test_a_secret_that_is_put_together_only_now_is_withheld_before_anything_is_compared() -> None:
    token = "ghp_" + "a1B2" * 9
    (record,) = replayed({place(): thing(version=token)}).active.values()
    assert token not in repr(record)


@pytest.mark.parametrize(
    ("path", "cluster", "context"),
    [
        ("apps/web", "clusters/prod", "active"),
        ("templates", "clusters/prod", "template"),
        ("apps/web", "archive/prod/apps.yaml", "archived"),
    ],
)
def test_the_context_is_that_of_the_applied_folder_or_of_the_cluster(path: str, cluster: str, context: str) -> None:
    (record,) = replayed({place(cluster=cluster): thing(applied_path=path)}).active.values()
    assert record.state.context == context


def test_a_template_that_a_cluster_applies_is_active() -> None:
    origin = ORIGIN._replace(path="templates/web.yaml")
    (record,) = replayed({place(): thing(origin=origin)}).active.values()
    assert record.state.context == "active"
