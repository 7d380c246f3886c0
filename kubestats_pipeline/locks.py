"""Locks between processes: one at a time works on a mirror, on a repository's tables or on Dagster's home.

A lock is a file beside the thing that it guards. The operating system frees the lock of a process that dies.
"""

import contextlib
import fcntl
import math
import os
import time
from collections.abc import Iterator
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
