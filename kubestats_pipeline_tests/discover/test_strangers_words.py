"""What strangers call and say of their repositories can hold a secret: it is in no row, no message and no folder."""

import re
import subprocess

import pytest

from kubestats_pipeline.discover.fit_rows import UNFIT
from kubestats_pipeline.lake.repositories import read_repositories
from kubestats_pipeline.lake.tables import SNAPSHOTS
from kubestats_pipeline_tests.discover.world import World
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.sync.git_server import serve

PLANTED = "q7W2e9R4" * 5
STRIPE, OPENAI = "sk_" + "live_" + PLANTED, "sk-" + "proj-" + PLANTED


@pytest.fixture
def world(tmp_path):
    with GitHubServer() as github, serve(tmp_path / "remotes") as git:
        yield World(tmp_path, github, git)


def test_descriptions_topics_and_addresses_lose_what_looks_like_a_secret(world):
    topics = ("kubesearch", f"npm_{PLANTED}".lower().replace("_", "-"), "flux")
    page = f"https://ann:{PLANTED}@example.org/ada/ops"
    world.create("ada/ops", 1, description=f"my cluster, key {STRIPE}", topics=topics, html_url=page)
    report = world.cycle()
    row = world.row(1)
    assert row["description"] == "my cluster, key <redacted>"
    assert (row["full_name"], row["status"]) == ("ada/ops", "active")
    assert PLANTED not in repr(row) + repr(report)


def test_repositories_that_are_named_after_secrets_are_rows_of_their_own_and_are_not_fetched(world):
    names = [f"ada/{STRIPE}", f"ada/{STRIPE[:-1]}x", f"{OPENAI}/ops"]
    for number, name in enumerate(names, start=7):
        world.create(name, number)
    world.create("bob/cluster", 2)
    for _ in range(3):
        world.cycle()
        rows = [world.row(number) for number in (7, 8, 9)]
        assert [row["full_name"] for row in rows] == ["ada/<redacted>~7", "ada/<redacted>~8", "<redacted>/ops~9"]
        assert {(row["status"], row["status_reason"]) for row in rows} == {("blocked", UNFIT)}
        assert {tuple(row["previous_names"] or ()) for row in rows} == {()}
        assert PLANTED not in repr(rows)
        assert list(read_repositories(world.lake)) == ["bob/cluster"]
    assert not [path for path in world.files() if PLANTED in str(path)]


def test_a_repository_that_is_renamed_to_a_secret_takes_its_history_to_the_name_that_is_left(world):
    world.create("ada/ops", 1)
    world.cycle()
    before = [event for event, *_ in world.events("ada/ops")]
    world.rename(1, f"ada/{STRIPE}")
    report = world.discover()
    assert report.names == {"ada/ops": "ada/<redacted>~1"}
    assert [event for event, *_ in world.events("ada/<redacted>~1")] == before
    world.rename(1, "ada/home")
    assert world.discover().names == {"ada/<redacted>~1": "ada/home"}
    assert (world.row(1)["full_name"], world.row(1)["status"]) == ("ada/home", "active")
    assert world.row(1)["previous_names"] == ["ada/ops"]


def test_a_branch_that_is_named_after_a_secret_is_stored_without_it_and_goes_on_to_be_synced(world):
    repository = world.create("ada/ops", 1)
    subprocess.run(["git", "-C", repository.path, "branch", "-m", STRIPE], check=True)
    for expected in ("synced", "unchanged"):
        world.discover()
        assert world.sync() == {"ada/ops": expected}
        (row,) = world.rows(SNAPSHOTS, "ada/ops")
        assert row["default_branch"] == "<redacted>"


def test_a_topic_and_an_entry_that_hold_a_secret_are_told_without_it(world):
    world.create("bob/cluster", 2)
    world.overrides = {"github": {"topics": [STRIPE.lower()]}, "repositories": [f"./{OPENAI}"]}
    report = world.discover()
    assert [each.source for each in report.failures if "<redacted>" in each.source]
    assert not re.search(PLANTED, repr(report), re.IGNORECASE)
