"""Cost of the pipeline while nothing changes: an idle cycle with its launches, and the memory of `kubestats dev`.

A cycle is what the schedules start: discovery, sync and scan, all in processes of their own, as the daemon launches
them. A publication follows only after a change, so it has a line of its own. Repositories are tiny, because the cost of
an unchanged one does not depend on its size. They are on this disk, so git's share is that of its processes.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.floors import run_python
from benchmarks.measure import Cost, Runs, repeat
from benchmarks.report import Goal, Line, at_most
from benchmarks.sweep import sweep
from kubestats_pipeline.discover.configured import sources_from
from kubestats_pipeline.discover.discover import discover
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.settings import Settings, load_settings

GROUP = "idle"
GOAL_SECONDS, GOAL_REPOSITORIES = 60, 1500
GOAL_MB = 800
JOBS = ("discover_repositories", "sync_repositories", "scan_repositories")
REST_SECONDS = 20

MANIFEST = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"

RUN = """
import os
from pathlib import Path

os.environ |= {{"KUBESTATS_DATA_DIR": {data!r}, "KUBESTATS_REPOSITORIES": {remotes!r}, "KUBESTATS_HISTORY_DAYS": "0"}}
import dagster as dg
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.dagster_home import prepare_home

with dg.DagsterInstance.from_config(str(prepare_home(Layout(Path({data!r}))))) as instance:
    from kubestats_pipeline.definitions import defs
    from kubestats_pipeline.orchestration.base.console_log import QUIET

    defs.resolve_job_def({job!r}).execute_in_process(instance=instance, run_config=QUIET)
"""
"""The program of a launched run, in a fresh interpreter: Dagster opens its storage and then loads our definitions."""


def idle_lines(count: int, folder: Path, repeats: int) -> Iterator[Line]:
    """An idle cycle over a number of repositories, its launches alone, a publication, and the memory at rest."""
    settings = prepare(count, folder)
    nothing = load_settings(data_dir=folder / "nothing", repositories=[str(folder / "none")])
    (folder / "none").mkdir()
    launches = repeat(repeats, launch, nothing, JOBS)
    cycle = repeat(repeats, launch, settings, JOBS)
    is_met = cycle.cpu <= GOAL_SECONDS if count >= GOAL_REPOSITORIES else None
    goal = Goal(f"≤ {GOAL_SECONDS} s at {GOAL_REPOSITORIES}", is_met)
    yield Line(GROUP, f"cycle over {count} unchanged, floor: the same runs over none", cycle, launches, (goal,))
    yield Line(GROUP, f"one publication of {count}", repeat(1, launch, settings, ("publish_warehouse",)))
    if sys.platform == "linux":
        megabytes = memory_at_rest(folder / "rest")
        rest = Runs((Cost(0, REST_SECONDS, megabytes),))
        yield Line(GROUP, "memory of `kubestats dev` at rest (PSS)", rest, goals=(at_most(megabytes, GOAL_MB, "MB"),))


def prepare(count: int, folder: Path) -> Settings:
    """Make the remotes and the results of a first cycle, outside any measurement."""
    first = make_repository(folder / "first.git")
    remotes = folder / "remotes"
    for number in range(count):
        shutil.copytree(first, remotes / f"owner{number % 10}" / f"cluster{number}.git")
    settings = load_settings(data_dir=folder / "data", repositories=[str(remotes)], history_days=0)
    services = Services(settings)
    discover(services.lake, sources_from(settings), services.now())
    sweep(settings)
    with open_instance(services.lake.layout) as instance:
        instance.get_runs_count()
    return settings


def make_repository(path: Path) -> Path:
    """A bare repository with one manifest."""
    commit = "commit refs/heads/main\ncommitter Ann <ann@example.org> 1767225600 +0000\ndata 3\none\n"
    stream = f"{commit}M 100644 inline a.yaml\ndata {len(MANIFEST)}\n{MANIFEST}\n"
    git = ["git", f"--git-dir={path}"]
    subprocess.run(["git", "init", "-q", "--bare", "--template=", "--initial-branch=main", str(path)], check=True)
    subprocess.run([*git, "fast-import", "--quiet"], input=stream.encode(), check=True)
    return path


def launch(settings: Settings, jobs: tuple[str, ...]) -> None:
    """Run jobs one after another, each in an interpreter of its own."""
    for job in jobs:
        run_python(RUN.format(data=str(settings.data_dir), remotes=settings.repositories[0], job=job))


def memory_at_rest(folder: Path) -> float:
    """Megabytes (1,000,000 bytes) of all processes of `kubestats dev`. Shared memory counts once."""
    folder.mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    env = {**os.environ, "KUBESTATS_DATA_DIR": str(folder), "KUBESTATS_GITHUB__TOPICS": ""}
    env |= {f"KUBESTATS_AUTOMATION__{name}_MINUTES": "0" for name in ("DISCOVER", "SYNC", "SCAN", "PUBLISH")}
    command = [sys.executable, "-m", "kubestats_pipeline.cli", "dev", "--port", str(port)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        _wait_for_page(f"http://127.0.0.1:{port}/server_info")
        time.sleep(REST_SECONDS)
        return sum(map(_proportional_mb, _session(process.pid)))
    finally:
        process.terminate()
        process.wait(60)


def _wait_for_page(url: str) -> None:
    for _ in range(240):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback
            return
        time.sleep(0.5)
    raise TimeoutError(f"{url} does not answer")


def _session(leader: int) -> list[int]:
    """The processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(folder.name))
    return found


def _proportional_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
