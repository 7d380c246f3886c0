"""git fetches what a host's API told of by the web alone, and follows no redirect to another protocol."""

import contextlib
import dataclasses
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kubestats_pipeline.git import command as git
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.sync.mirror import remote_head
from kubestats_pipeline.sync.transports import transports
from kubestats_pipeline_tests.builders import settings_for
from kubestats_pipeline_tests.sync.git_server import serve
from kubestats_pipeline_tests.sync.world import World

GITHUB, GITLAB, URL, FLEET = "github:1", "gitlab:1", "git:0123456789abcdef", "fleet:1"
ON_HTTP = {"gitlab": {"api_url": "http://git.example.org/api/v4"}, "github": {"git_url": "http://git.example.org"}}


@pytest.mark.parametrize(
    ("identity", "clone_url", "allowed"),
    [
        (GITHUB, "https://github.com/ann/ops.git", ("https",)),
        (GITLAB, "https://gitlab.com/ann/ops.git", ("https",)),
        (FLEET, "https://git.example.org/ann/ops.git", ("https",)),
        *((told_by, "http://git.example.org/ops.git", ()) for told_by in (GITHUB, GITLAB, FLEET)),
        *((told_by, "file:///srv/ops.git", ()) for told_by in (GITHUB, GITLAB, FLEET)),
        *((told_by, "ssh://git@git.example.org/ops.git", ()) for told_by in (GITHUB, GITLAB, FLEET)),
        *((told_by, "git@git.example.org:ops.git", ()) for told_by in (GITHUB, GITLAB, FLEET)),
        *((told_by, "git://git.example.org/ops.git", ()) for told_by in (GITHUB, GITLAB, FLEET)),
        *((told_by, "ext::true", ()) for told_by in (GITHUB, GITLAB, FLEET)),
        (GITLAB, "/srv/ops.git", ()),
        (URL, "https://git.example.org/ops.git", ("https",)),
        (URL, "http://git.example.org/ops.git", ("http", "https")),
        (URL, "file:///srv/ops.git", ("file",)),
        (URL, "ssh://git@git.example.org/ops.git", ("ssh",)),
        (URL, "git@git.example.org:ops.git", ("ssh",)),
        (URL, "git://git.example.org/ops.git", ("git",)),
        (URL, "ext::true", ("ssh",)),
    ],
)
def test_what_an_api_told_is_fetched_by_https_and_what_the_user_listed_by_its_own_protocol(
    tmp_path: Path, identity: str, clone_url: str, allowed: tuple[str, ...]
):
    assert transports(repository(identity, clone_url), settings_for(tmp_path)) == allowed


def test_http_is_for_hosts_whose_api_the_user_reaches_by_it(tmp_path: Path):
    settings = settings_for(tmp_path, **ON_HTTP)
    for identity in (GITHUB, GITLAB):
        assert transports(repository(identity, "http://git.example.org/ops.git"), settings) == ("http", "https")
        assert transports(repository(identity, "file:///srv/ops.git"), settings) == ()
    assert transports(repository(GITHUB, "http://elsewhere.example/ops.git"), settings) == ()
    assert transports(repository(FLEET, "http://git.example.org/ops.git"), settings) == ()


def test_a_folder_of_this_machine_that_an_earlier_version_recorded_is_not_fetched(tmp_path: Path):
    world = World(tmp_path)
    world.remote.commit({"a.yaml": "kind: A"})
    world.repository = dataclasses.replace(world.repository, repository_id=GITLAB)
    assert world.sync() == "error"
    assert "is not one that its host's API may name. Run a discovery" in world.row["sync_error"]
    assert not world.mirror.exists()


def test_a_protocol_that_is_not_allowed_is_refused_by_git_itself(tmp_path: Path):
    world = World(tmp_path)
    world.remote.commit({"a.yaml": "kind: A"})
    with pytest.raises(git.GitError, match="transport 'file' not allowed"):
        remote_head(world.remote.url, git.environment(protocols=("https",)), 20)
    with pytest.raises(git.GitError, match="transport 'ext' not allowed"):
        remote_head("ext::true", git.environment(), 20)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")
def test_a_redirect_leads_to_no_other_protocol(tmp_path: Path):
    world = World(tmp_path)
    commit = world.remote.commit({"a.yaml": "kind: A"})
    (world.remote.path.parent / "ops.git").symlink_to(world.remote.path)
    certificate = make_certificate(tmp_path)
    with serve(world.remote.path.parent) as plain, redirecting(plain.url, certificate) as url:
        trusting = {"GIT_SSL_CAINFO": str(certificate)}
        head = remote_head(f"{url}/ops.git", git.environment(protocols=("https", "http")) | trusting, 20)
        assert head is not None
        assert head.commit == commit
        asked = len(plain.authorizations)
        with pytest.raises(git.GitError):
            remote_head(f"{url}/ops.git", git.environment(protocols=("https",)) | trusting, 20)
        assert len(plain.authorizations) == asked, "the other server heard nothing"


def test_another_hosts_api_cannot_have_github_read_with_our_token(tmp_path: Path):
    with serve(tmp_path / "owner") as server:
        token = {"git_url": server.url, "token": "planted0123456789"}
        world = World(tmp_path, github=token, gitlab={"api_url": f"{server.url}/api/v4"})
        world.remote.commit({"a.yaml": "kind: A"})
        (world.remote.path.parent / "ops.git").symlink_to(world.remote.path)
        heard = []
        for identity in (GITHUB, GITLAB):
            world.repository = repository(identity, f"{server.url}/ops.git")
            world.sync()
            heard.append([bool(header) for header in server.authorizations])
            server.authorizations.clear()
    assert set(heard[0]) == {True}
    assert set(heard[1]) == {False}


def repository(identity: str, clone_url: str) -> Repository:
    return Repository(identity, "git.example.org/ann/ops", "git.example.org", "ann", "ops", clone_url)


def make_certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, in one file."""
    file = folder / "both.pem"
    how = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", *how, "-keyout", str(folder / "key.pem"), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + (folder / "key.pem").read_text())
    return file


@contextlib.contextmanager
def redirecting(target: str, certificate: Path) -> Iterator[str]:
    """A server with TLS that sends everybody to another one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{target}{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
