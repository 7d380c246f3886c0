"""A week of an installation: a little GitHub whose repositories change, accidents, and a clock that can be moved.

Repositories are those of the sample, which are pushed to by going on in their histories. Each command is a process of
its own, which can be killed at a chosen step or find the disk full. Nothing here asserts what a week must end with.
"""

import datetime
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.warehouse.connect import open_to_read
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.demo import clean_environment
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.hosts.github_wire import NOT_FOUND
from kubestats_pipeline_tests.sync.git_server import GitServer

TOKEN = "ghp_planted0123456789"
COMMAND = """
import contextlib, datetime, os, resource, runpy, signal, sys, threading
import time_machine

with contextlib.suppress(ImportError):  # of six repositories one is much. The earlier version has no such bounds
    from kubestats_pipeline.warehouse import changes, refresh
    changes.LARGEST_SHARE, refresh.LARGEST_GROWTH = 1, 1_000

days, seconds, most_bytes = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
event, text = sys.argv[4:6]

def die():
    os.killpg(0, signal.SIGKILL)

def watch(name, arguments):
    if name == event and text in str(arguments[1]):
        threading.Timer(seconds, die).start() if seconds else die()

if days:
    shown = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    time_machine.travel(shown, tick=True).start()
if event:
    sys.addaudithook(watch)
if most_bytes >= 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
sys.argv = ["kubestats", *sys.argv[6:]]
runpy.run_module("kubestats_pipeline.cli", run_name="__main__")
"""
"""The command at another time, and with an accident: killed with its children at an event of Python, or with files of
few bytes only."""


@dataclass(frozen=True)
class Accident:
    """What happens to one command.

    Attributes:
        event: at this event of Python the power is cut, if its second argument has this text.
        text: part of the path to which a file is renamed, or of the command of a new process.
        seconds: how long after it.
        most_bytes: the size at which a file cannot grow any more, as on a full disk. Any for -1.
    """

    event: str = ""
    text: str = ""
    seconds: float = 0
    most_bytes: int = -1


def cut_before_rename(text: str) -> Accident:
    """A power cut just before a file with this text in its path is replaced."""
    return Accident("os.rename", text)


PATIENCE = 600
"""Seconds that a command may take, however busy the machine is."""

NO_ACCIDENT = Accident()
CUT_WHILE_FETCHING = Accident("subprocess.Popen", "'fetch'", seconds=0.03)


@dataclass
class Watched:
    """A repository on the little GitHub.

    Attributes:
        number: its number there, which it keeps under all names.
        repository: what is fetched from.
        commits: the history that it is pushed to from, oldest first.
        place: how many of them it has.
        is_appended: False once its history was rewritten.
    """

    number: int
    repository: GitRepository
    commits: list[str]
    place: int = 0
    is_appended: bool = True

    def push(self, commits: int) -> None:
        """Go on in the history, or back by a forced push."""
        self.is_appended = self.is_appended and commits >= 0
        self.place += commits
        assert 0 < self.place <= len(self.commits), "the history has no such place"
        self.repository.reset_to(self.commits[self.place - 1])


@dataclass
class Week:
    """A machine that watches some repositories for a week.

    Attributes:
        folder: of everything.
        github: the host that tells of repositories.
        git: the server that they are fetched from.
        watched: the repositories by their names.
        clock: days by which the machine's clock is wrong.
    """

    folder: Path
    github: GitHubServer
    git: GitServer
    watched: dict[str, Watched] = field(default_factory=dict)
    clock: float = 0

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def lake(self) -> Lake:
        return Lake(Layout(self.data))

    def create(self, full_name: str, sample: Path, commits: int) -> Watched:
        """A repository with the first commits of a sample."""
        number = len(self.watched) + 1  # all are kept, under their last names
        self.github.add(full_name, number=number, topics=("kubesearch",))
        repository = self.github.git[number] = GitRepository(self.path(full_name))
        repository.git("fetch", "--quiet", str(sample), "main")
        history = repository.git("rev-list", "--first-parent", "--reverse", "FETCH_HEAD").split()
        watched = self.watched[full_name] = Watched(number, repository, history)
        watched.push(commits)
        return watched

    def rename(self, watched: Watched, full_name: str) -> None:
        """Another name or owner. The old name redirects."""
        (old_name,) = [name for name, one in self.watched.items() if one is watched]
        self.watched[full_name] = self.watched.pop(old_name)
        self.github.rename(watched.number, full_name)
        target = self.path(full_name)
        target.parent.mkdir(parents=True, exist_ok=True)
        watched.repository.path = watched.repository.path.rename(target)

    def hide(self, watched: Watched) -> None:
        """The host does not know it any more, and nothing can be fetched."""
        self.github.refuse(watched.number, NOT_FOUND)
        watched.repository.path.rename(self.folder / f"hidden{watched.number}")

    def show(self, watched: Watched) -> None:
        """It is back."""
        del self.github.refusals[watched.number]
        (self.folder / f"hidden{watched.number}").rename(watched.repository.path)

    def path(self, full_name: str) -> Path:
        return self.git.root / f"{full_name}.git"

    def environment(self, data: Path) -> dict[str, str]:
        """The settings of one installation."""
        return {
            **clean_environment(),
            "COLUMNS": "200",
            "GITHUB_TOKEN": TOKEN,
            "KUBESTATS_DATA_DIR": str(data),
            "KUBESTATS_HISTORY_DAYS": "all",
            "KUBESTATS_GITHUB__API_URL": self.github.url,
            "KUBESTATS_GITHUB__GIT_URL": self.git.url,
            "KUBESTATS_GITHUB__TOPICS": "kubesearch",
            "KUBESTATS_GITHUB__MAX_WAIT_SECONDS": "0",
            "KUBESTATS_SYNC__WORKERS": "1",
            "KUBESTATS_SCAN__WORKERS": "1",
        }

    def start(
        self, *arguments: str, accident: Accident = NO_ACCIDENT, data: Path | None = None, code: Path | None = None
    ) -> "subprocess.Popen[str]":
        """Start a command of Kubestats, with another data directory or the code of another version."""
        numbers = (self.clock, accident.seconds, accident.most_bytes)
        told = (*map(str, numbers), accident.event, accident.text)
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *told, *arguments],
            cwd=self.folder,
            env=self.environment(data or self.data) | ({"PYTHONPATH": str(code)} if code else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(
        self, *, accident: Accident = NO_ACCIDENT, data: Path | None = None, code: Path | None = None
    ) -> tuple[int, str]:
        """Run a cycle to its end. Give its status and what it said."""
        process = self.start("run", accident=accident, data=data, code=code)
        said, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, said

    def heads(self) -> dict[str, str]:
        """The last commit of each repository."""
        return {name: watched.commits[watched.place - 1] for name, watched in self.watched.items()}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the published file."""
        with open_to_read(self.lake.layout.warehouse) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, table: Table, watched: Watched, lake: Lake | None = None) -> pl.DataFrame:
        """The rows of a repository in the lake, but for the runs that wrote them."""
        rows = (lake or self.lake).read_all(table).filter(pl.col("repository_id") == f"github:{watched.number}")
        return rows.drop("sync_run_id", strict=False)

    def now(self) -> datetime.datetime:
        """What the machine's clock shows."""
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=self.clock)


def unpack_commit(commit: str, folder: Path) -> bool:
    """Put the code of an earlier commit of this project into a folder. False where its history is not here."""
    project = Path(__file__).parents[2]
    archive = subprocess.run(
        ["git", "-C", str(project), "archive", commit, "kubestats_pipeline"], capture_output=True, check=False
    )
    if archive.returncode:
        return False
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return True
