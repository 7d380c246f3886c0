"""Repositories in formats that the git of this machine cannot read: shown, not counted as failures, not tried again."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from kubestats_pipeline.cli.metrics import measure
from kubestats_pipeline.cli.status import read_status
from kubestats_pipeline.git.command import environment
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.sync.formats import unsupported_format
from kubestats_pipeline_tests.builders import repository_for
from kubestats_pipeline_tests.sync.git_server import serve
from kubestats_pipeline_tests.sync.world import NOW, World
from kubestats_pipeline_tests.warehouse.small_lake import repository


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.remote.commit({"a.yaml": "kind: A"})
    return world


def convert(world: World, object_format: str) -> None:
    """Make the remote anew with objects that are named otherwise, and one commit."""
    shutil.rmtree(world.remote.path)
    command = ["git", "init", "-q", "--bare", f"--object-format={object_format}", "-b", "main", str(world.remote.path)]
    subprocess.run(command, env=environment(), check=True)
    world.remote.commit({"a.yaml": "kind: A"}, message=object_format)


def with_setting(name: str, value: str, version: str = "1") -> Callable[[World], None]:
    def change(world: World) -> None:
        world.remote.git("config", "core.repositoryFormatVersion", version)
        world.remote.git("config", name, value)

    return change


def as_bundle(world: World) -> None:
    bundle = world.remote.path.parent / "cluster.bundle"
    world.remote.git("bundle", "create", "-q", str(bundle), "main")
    world.repository = repository_for(bundle)


FORMATS: dict[str, Callable[[World], None]] = {
    "object names in sha256": lambda world: convert(world, "sha256"),
    "the extension refstorage": with_setting("extensions.refStorage", "reftable"),
    "the extension futurething": with_setting("extensions.futureThing", "true"),
    "the extension compatobjectformat": with_setting("extensions.compatObjectFormat", "sha256"),
    "repository format version 99": with_setting("core.repositoryFormatVersion", "99"),
    "the extension objectformat in a repository of version 0": with_setting("extensions.objectFormat", "sha256", "0"),
    "a single file, such as a bundle, that is not a gitfile": as_bundle,
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_repository_in_a_format_that_git_cannot_read_is_unsupported(world: World, name: str):
    FORMATS[name](world)
    assert world.sync() == "unsupported"
    assert f"cannot read: {name};" in world.row["sync_error"]
    assert world.row["consecutive_failures"] == 0
    assert world.row["next_attempt_at"] is None


def test_it_is_fetched_again_only_when_its_head_moves(world: World):
    convert(world, "sha256")
    with serve(world.remote.path.parent) as server:
        world.serve_from(server)
        assert world.sync() == "unsupported"
        first, told = len(server.authorizations), world.row
        assert told["unsupported_head"] == world.remote.head
        assert world.sync() == "unsupported"
        asked = len(server.authorizations) - first
        assert world.row == told
        world.remote.commit({"a.yaml": "kind: B"})
        before = len(server.authorizations)
        assert world.sync() == "unsupported"
        assert world.row["unsupported_head"] == world.remote.head
        assert len(server.authorizations) - before > asked
        convert(world, "sha1")
        assert world.sync() == "synced"
        assert world.row["sync_error"] is None
        assert world.row["unsupported_head"] is None


def test_what_was_known_of_a_converted_repository_stays(world: World):
    assert world.sync() == "synced"
    known = world.row["head_commit"]
    convert(world, "sha256")
    assert world.sync() == "unsupported"
    assert world.row["head_commit"] == known == world.mirrored()[0]


@pytest.fixture
def static_files(world: World) -> Iterator[str]:
    world.remote.git("update-server-info")
    handler = partial(Quiet, directory=str(world.remote.path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def test_a_repository_that_lies_on_a_web_server_as_files_is_unsupported(world: World, static_files: str):
    world.serve_from_url(static_files)
    assert world.sync() == "unsupported"
    assert "static files over http" in world.row["sync_error"]
    assert world.row["unsupported_head"] == world.remote.head


def test_status_and_metrics_show_it_as_no_failure(world: World):
    convert(world, "sha256")
    world.sync()
    identity = {"repository_id": world.repository.repository_id, "full_name": world.repository.full_name}
    world.lake.write(REPOSITORIES, None, [repository(1, "owner/home") | identity])
    (status,) = read_status(world.lake.layout)
    assert (status.sync_status, status.failed) == ("unsupported", False)
    assert "sha256" in (status.error or "")
    numbers = {(each.name, *each.labels.values()): each.value for each in measure(world.settings, NOW)}
    assert numbers["repositories_unsupported",] == 1
    assert numbers["repositories_failed", "sync"] == 0


@pytest.mark.parametrize(
    ("complaint", "name"),
    [
        ("fatal: the server does not support algorithm 'sha1'", "object names other than sha1"),
        ("fatal: unknown object format 'sha512' specified by server", "object names in sha512"),
        ("fatal: unknown repository extensions found: a b", "the extension a"),
        ("fatal: repository 'x' not found", None),
        ("fatal: Could not read from remote repository.", None),
    ],
)
def test_the_words_of_other_versions_of_git_are_known_too(complaint: str, name: str | None):
    assert unsupported_format(complaint) == name
