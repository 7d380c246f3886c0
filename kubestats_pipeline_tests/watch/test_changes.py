"""What each rule finds, in one published file whose changes were worked out by hand."""

from pathlib import Path

import pytest

from kubestats_pipeline.ask.published import UnusableFileError
from kubestats_pipeline.watch.changes import Question, WatchedChange, find_changes
from kubestats_pipeline.watch.messages import describe
from kubestats_pipeline_tests.watch.world import World, day, drop, image, put, release

WORKLOAD = {"kind": "Deployment", "app_name": "jellyfin"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    world = World(tmp_path_factory.mktemp("watched"), {})
    ann = world.add("ann/home", release("podinfo", "podinfo", "6.5.0"), release("loki", "loki", "5.0.0"))
    world.commit(ann, day(2, 1), put("podinfo", version="7.0.0-rc.1"))
    world.commit(ann, day(2, 3), put("podinfo", version="7.0.0"))
    world.commit(ann, day(2, 4), put("podinfo", version="6.5.0"))
    world.commit(ann, day(2, 5), drop("loki"))
    bob = world.add("bob/home", release("podinfo", "podinfo", "v6.4.0"), release("spare", "podinfo", "6.4.0"))
    world.commit(bob, day(2, 2), put("podinfo", version="7.0.0"), put("spare", version="7.0.0"))
    world.commit(bob, day(2, 6), put("podinfo", version="v7.0.0"))
    world.commit(bob, day(2, 7), put("podinfo", version="6.3.0"))
    cid = world.add(
        "cid/media",
        put("jellyfin", **WORKLOAD, version="10.9.0", images=[image("jellyfin/jellyfin", "10.9.0")]),
        previous_names=["cid/old"],
    )
    for month, version in ((2, "10.10.0"), (3, "10.9.0")):
        world.commit(cid, day(month, 1), put("jellyfin", version=version, images=[image("jellyfin/jellyfin", version)]))
    dan = world.add(
        "dan/moved", put("jellyfin", **WORKLOAD, images=[image("jellyfin/jellyfin", "1", registry="docker.io")])
    )
    world.commit(dan, day(2, 1), put("jellyfin", images=[image("jellyfin/jellyfin", "1")]))
    world.add("dan/gone", status="retired", retired_because="gone", retired_at=day(3, 2))
    world.add("eve/home", release("podinfo", "podinfo", "6.5.0"), status="blocked")
    world.commit(6, day(2, 1), put("podinfo", version="6.6.0"))
    return world.publish()


def found(published: Path, kind: str, name: str, what: str) -> list[str]:
    question = Question(kind, name, what)
    return [describe(change) for change in find_changes(published, [question]).changes[question]]


@pytest.mark.parametrize(
    ("kind", "name", "what", "told"),
    [
        (
            "chart",
            "podinfo",
            "rolled_back",
            ["ann/home went back from podinfo 7.0.0 to 6.5.0, 2026-02-04"],  # bob had not run 6.3.0 before
        ),
        (
            "chart",
            "oci://ghcr.io/charts/podinfo",
            "new_major",
            ["bob/home is the first to go to major version 7 of podinfo: 6.4.0 → 7.0.0, 2026-02-02"],
        ),
        (
            "chart",
            "podinfo",
            "changed",
            [
                "bob/home went from podinfo 7.0.0 to 6.3.0, 2026-02-07",
                "ann/home went back from podinfo 7.0.0 to 6.5.0, 2026-02-04",
                "ann/home went from podinfo 7.0.0-rc.1 to 7.0.0, 2026-02-03",
                "bob/home went from podinfo 6.4.0 to 7.0.0 (2 times), 2026-02-02",
                "ann/home went from podinfo 6.5.0 to 7.0.0-rc.1, 2026-02-01",
            ],
        ),
        ("chart", "loki", "gone", ["ann/home runs loki no more (last 5.0.0), 2026-02-05"]),
        ("chart", "podinfo", "gone", []),
        ("app", "jellyfin", "rolled_back", ["cid/media went back from jellyfin 10.10.0 to 10.9.0, 2026-03-01"]),
        (
            "image",
            "jellyfin",
            "changed",
            [
                "cid/media went back from ghcr.io/jellyfin/jellyfin 10.10.0 to 10.9.0, 2026-03-01",
                "cid/media went from ghcr.io/jellyfin/jellyfin 10.9.0 to 10.10.0, 2026-02-01",
            ],
        ),
        ("image", "jellyfin", "gone", []),  # it moved to another registry
        (
            "image",
            "docker.io/jellyfin/jellyfin",
            "gone",
            ["dan/moved runs docker.io/jellyfin/jellyfin no more (last 1), 2026-02-01"],
        ),
        ("image", "jellyfin/jellyfin", "changed", []),  # neither the whole name nor its last part
        ("repository", "cid/old", "rolled_back", ["cid/media went back from jellyfin 10.10.0 to 10.9.0, 2026-03-01"]),
        (
            "repository",
            "bob/home",
            "new_major",
            ["bob/home went to major version 7 of podinfo: 6.4.0 → 7.0.0 (2 times), 2026-02-02"],
        ),
        (
            "repository",
            "BOB/home",
            "changed",
            [
                "bob/home changed 1 resource: HelmRelease podinfo, 2026-02-07",
                "bob/home changed 1 resource: HelmRelease podinfo, 2026-02-06",
                "bob/home changed 2 resources: HelmRelease podinfo, HelmRelease spare, 2026-02-02",
                "bob/home changed 2 resources: HelmRelease podinfo, HelmRelease spare, 2026-01-02",
            ],
        ),
        ("repository", "dan/gone", "gone", ["dan/gone has gone: its host has it no longer, 2026-03-02"]),
        ("repository", "ann/home", "gone", []),
        ("repository", "home", "changed", []),
    ],
)
def test_a_question_finds_its_changes_and_no_others(published: Path, kind: str, name: str, what: str, told: list[str]):
    assert found(published, kind, name, what) == told


def test_a_name_is_known_if_something_has_it_though_nothing_of_it_changed(published: Path):
    asked = [Question("chart", "podinfo", "gone"), Question("image", "jellyfin/jellyfin", "changed")]
    assert find_changes(published, asked).unknown == ("image jellyfin/jellyfin",)


def test_the_first_of_a_major_version_has_one_id_whoever_it_is(published: Path):
    question = Question("chart", "podinfo", "new_major")
    (change,) = find_changes(published, [question]).changes[question]
    other = {**vars(change), "repository_id": "github:1", "commit_sha": "0" * 40}
    other.pop("change_id", None)
    assert WatchedChange(**other).change_id == change.change_id


def test_without_a_published_file_it_is_said_how_to_make_one(tmp_path: Path):
    with pytest.raises(UnusableFileError, match=r"Run `kubestats demo` or `kubestats run` first|is not a file"):
        find_changes(tmp_path / "kubestats.duckdb", [Question("chart", "a", "gone")])
