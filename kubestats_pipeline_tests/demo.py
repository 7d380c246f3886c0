"""What `kubestats demo` leaves behind, made once for all tests that only read it."""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

KUBESTATS = [sys.executable, "-m", "kubestats_pipeline.cli"]


@dataclass(frozen=True)
class Command:
    """The kubestats command in a directory of its own."""

    directory: Path

    def __call__(self, *arguments: str, env: dict[str, str] | None = None, timeout: float = 120):
        """Run it and give the finished process with its output as text."""
        return subprocess.run(
            [*KUBESTATS, *arguments],
            cwd=self.directory,
            env=clean_environment() | {"COLUMNS": "200"} | (env or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    @property
    def data(self) -> Path:
        return self.directory / "data"


def clean_environment() -> dict[str, str]:
    """The environment of the tests without any setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KUBESTATS_", "GITHUB_TOKEN"))}


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Command:
    """A directory in which `kubestats demo` has run; shared by all workers, so nobody may change it."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    command = Command(shared / "demo")
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not command.directory.exists():
            command.directory.mkdir()
            finished = command("demo", timeout=600)  # a busy machine takes minutes
            (command.directory / "stdout").write_text(finished.stdout)
            assert finished.returncode == 0, finished.stderr
    return command
