"""Locks between processes: one at a time works on a mirror, on a repository's tables or on Dagster's home.

A lock is a file beside the thing that it guards. The operating system frees the lock of a process that dies. Whoever
claims something beyond one machine, a run of Dagster or the lease of a repository, says which process it is and where:
a process id alone would be looked up on whatever machine asks.
"""

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kubestats_pipeline.errors import ExplainedError

POLL_SECONDS = 0.05


class BusyError(ExplainedError):
    """Another process works on the same thing and did not finish in time. Nothing was changed."""


@contextlib.contextmanager
def locked(guarded: Path, wait: float) -> Iterator[None]:
    """Hold the lock of a path, a file `….lock` beside it that outlives the path itself.

    Raises:
        BusyError: another process held it for `wait` seconds.
        OSError: the folder cannot be made or written.
    """
    guarded.parent.mkdir(parents=True, exist_ok=True)
    with guarded.with_name(f"{guarded.name}.lock").open("w") as file:
        _acquire(file, wait)
        yield


def hold_until_exit(guarded: Path, wait: float) -> None:
    """Hold the lock of a path for as long as this process lives, whatever program it becomes.

    Raises:
        BusyError: another process held it for `wait` seconds.
        OSError: the folder cannot be made or written.
    """
    file = guarded.with_name(f"{guarded.name}.lock").open("w")
    _acquire(file, wait)
    os.set_inheritable(os.dup(file.fileno()), True)


def _acquire(file: IO[str], wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise BusyError(f"another process held {file.name} for {wait:g} s. Wait for it to end") from None
        time.sleep(POLL_SECONDS)


def is_alive(process: int, since: float = math.inf) -> bool:
    """True if a process of this id is on this machine and was there at the time `since`, seconds since 1970.

    Ids are given again, soon so after a restart of the machine or of a container. Where the system does not say when a
    process began, any process of the id will do.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives and belongs to another user
        return True
    if (found := _state_of(process)) is None:
        return True
    state, began = found
    return state != _ZOMBIE and began <= since + 1


_ZOMBIE = "Z"
"""The state of a process that has ended and whose parent, or who took its place, has not asked for its status yet."""


def _state_of(process: int) -> tuple[str, float] | None:
    """The state of a process and when it began, as Linux knows them. None elsewhere, or where it has just ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    except OSError:
        return None
    return fields[0], int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Machine:
    """Where a process id is valid.

    Attributes:
        boot: an id of the kernel's present life, shared by all containers of a host. `-` where the system has none.
        namespace: of process ids, one for each container. `-` where the system has none.
        host: the name of the host, or of the container.
    """

    boot: str
    namespace: str
    host: str


@dataclass(frozen=True)
class WorkerProcess:
    """A process, where it is, and since when it is known. Seconds since 1970."""

    process: int
    since: float
    machine: Machine

    @property
    def is_alive_here(self) -> bool:
        """True if the process lives. Ask only for one of this machine."""
        return is_alive(self.process, self.since)

    @property
    def has_restarted(self) -> bool:
        """True if its machine is this one before its last start."""
        here = this_machine()
        return self.machine.host == here.host and self.machine.boot != here.boot

    @property
    def is_gone(self) -> bool:
        """True if this machine can tell that the process has ended."""
        return self.has_restarted or (self.machine == this_machine() and not self.is_alive_here)


def this_machine() -> Machine:
    """Where this process is (proc(5), pid_namespaces(7))."""
    return Machine(_read("/proc/sys/kernel/random/boot_id"), _link("/proc/self/ns/pid"), os.uname().nodename or "-")


def this_worker() -> WorkerProcess:
    """The process that asks."""
    return WorkerProcess(os.getpid(), time.time(), this_machine())


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip() or "-"
    except OSError:
        return "-"


def _link(path: str) -> str:
    try:
        return Path(path).readlink().name
    except OSError:
        return "-"
