"""Measures a function in a process of its own: CPU seconds with all its children, wall seconds, peak memory.

CPU time comes first, because wall time on a busy machine says little. The start of the interpreter and imports are not
counted, except in memory. The other modules define the work, and `report.py` shows the costs.
"""

import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """The cost of one execution.

    Attributes:
        cpu: user and system seconds of the process and its children.
        wall: seconds on the clock.
        peak_mb: highest resident memory of the process, or of its largest child, in units of 1,000,000 bytes.
    """

    cpu: float
    wall: float
    peak_mb: float


@dataclass(frozen=True)
class Runs:
    """The costs of several executions of the same work. The cheapest one was disturbed least."""

    costs: tuple[Cost, ...]

    @property
    def cpu(self) -> float:
        """CPU seconds of the cheapest execution."""
        return min(cost.cpu for cost in self.costs)

    @property
    def median_cpu(self) -> float:
        """Median CPU seconds."""
        return statistics.median(cost.cpu for cost in self.costs)

    @property
    def wall(self) -> float:
        """Wall seconds of the quickest execution."""
        return min(cost.wall for cost in self.costs)

    @property
    def peak_mb(self) -> float:
        """Peak memory of the execution that took most, MB."""
        return max(cost.peak_mb for cost in self.costs)

    def each(self, items: int) -> "Runs":
        """The costs of one of several equal items. Memory is that of all together."""
        return Runs(tuple(Cost(cost.cpu / items, cost.wall / items, cost.peak_mb) for cost in self.costs))


@dataclass(frozen=True)
class Measured(Generic[T]):
    """The result of a function, and its cost."""

    value: T
    cost: Cost


def measure(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Measured[T]:
    """Call a function of a module in a fresh process. Its arguments and result are pickled.

    Raises:
        BrokenProcessPool: the process died, perhaps for lack of memory.
        Exception: any error of the function.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(timed, function, *args, **kwargs).result()


def repeat(times: int, function: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Runs:
    """Measure a function several times, in a fresh process each."""
    return Runs(tuple(measure(function, *args, **kwargs).cost for _ in range(times)))


def timed(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Measured[T]:
    """Call a function in this process. Peak memory is that of the process' whole life so far."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    value = function(*args, **kwargs)
    cost = Cost(cpu_seconds() - cpu, time.perf_counter() - wall, peak_mb())
    return Measured(value, cost)


def machine_facts() -> list[tuple[str, str]]:
    """Facts of the machine that are needed to compare two tables."""
    git = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True, timeout=10)
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return [
        ("cores", str(cores)),
        ("python", platform.python_version()),
        ("git", git.stdout.split()[2]),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("load", f"{os.getloadavg()[0]:.1f}"),
    ]


def _usages() -> Iterable[resource.struct_rusage]:
    return (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def cpu_seconds() -> float:
    """User and system seconds of this process and its children that have ended."""
    return sum(usage.ru_utime + usage.ru_stime for usage in _usages())


def peak_mb() -> float:
    """The peak memory of this process, or of its largest child.

    On Linux a process inherits `ru_maxrss` from the one that started it, so its own mark is read instead. The inherited
    mark of a child is at most this process' own peak, so the larger of the two is right.
    """
    own, children = (usage.ru_maxrss for usage in _usages())
    if sys.platform != "linux":
        return max(own, children) / 1e6  # bytes on macOS
    mark = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return max(int(mark[1]) if mark else own, children) * 1024 / 1e6
