"""Calls a function in processes of their own, several at a time, so that one that dies takes nothing else along.

A worker is a program that does nothing but `serve`: it reads pickled calls from its standard input and writes pickled
results. The standard library's process pools are not used, because they hang when a worker is killed while it starts,
and because their workers import the program that started them, which here may be all of Dagster.
"""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Generic, TypeVar

from kubestats_pipeline.scan.parallel.gc_tuning import relaxed_gc

Task = TypeVar("Task")
Result = TypeVar("Result")

LAST_WORDS_SECONDS = 10
"""How long a worker that has closed its pipe may take to end by itself, so that its status gives the reason."""

_PACKAGE_ROOT = Path(__file__).parents[3]


class WorkerDiedError(Exception):
    """A worker ended before it gave its result."""


def call_in_processes(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    around: Callable[[Task, Callable[[Task], Result | WorkerDiedError]], Result | WorkerDiedError] | None = None,
) -> Iterator[tuple[Task, Result | WorkerDiedError]]:
    """Call a module-level function with each task in one of `workers` processes, and yield results as they come.

    A task whose process dies gets a `WorkerDiedError`, and the others go on in a new process. When the caller stops
    iterating, no further task is started and the processes are ended. `around` makes each call, in a thread of this
    process: it may do something before and after. An error of it ends that thread, and its task has failed.
    """
    waiting, results = iter(tasks), SimpleQueue[tuple[Task, Result | WorkerDiedError]]()
    lock, stopped = threading.Lock(), threading.Event()
    crew = [Worker(function) for _ in range(min(workers, len(tasks)))]

    def work(worker: "Worker[Task, Result]") -> None:
        with contextlib.closing(worker):
            while not stopped.is_set():
                with lock:
                    task = next(waiting, None)
                if task is None:
                    return
                result: Result | WorkerDiedError = WorkerDiedError(_UNCAUGHT)
                try:
                    result = around(task, worker.call) if around else worker.call(task)
                finally:
                    results.put((task, result))

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in crew]
    try:
        for thread in threads:
            thread.start()
        for _ in tasks:
            yield results.get()
    finally:
        stopped.set()
        for worker in crew:
            worker.close()


class Worker(Generic[Task, Result]):
    """One process that calls one function, started with its first task and again after it died."""

    def __init__(self, function: Callable[[Task], Result]) -> None:
        self._function = function
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, task: Task) -> Result | WorkerDiedError:
        """Call the function and wait for its result."""
        process = self._process = self._process or _start()
        assert process.stdin is not None  # noqa: S101 - `_start` pipes it
        assert process.stdout is not None  # noqa: S101 - and this one
        try:
            pickle.dump((self._function, task), process.stdin)
            process.stdin.flush()
            result: Result = pickle.load(process.stdout)  # noqa: S301 - from our own child
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LAST_WORDS_SECONDS)
            self.close()
            return WorkerDiedError(_cause(process.returncode))
        return result

    def end(self) -> None:
        """Let the process finish its work and end by itself, or kill it after a while."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LAST_WORDS_SECONDS)
        self.close()

    def close(self) -> None:
        """End the process at once."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


_UNCAUGHT = "it ended with an error that nobody caught. The traceback on standard error is worth a report"


def _cause(status: int) -> str:
    if status < 0:
        return f"its worker process was killed by signal {-status}, perhaps for lack of memory. Lower scan.workers"
    return f"its worker process ended with status {status}. The traceback on standard error is worth a report"


def _start() -> subprocess.Popen[bytes]:
    program = f"import sys; sys.path.insert(0, {str(_PACKAGE_ROOT)!r}); from {__name__} import serve; serve()"
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@relaxed_gc()
def serve() -> None:
    """Answer calls until the parent closes the pipe or dies. Everything else that is printed goes to standard error."""
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while True:
        try:
            function, task = pickle.load(calls)  # noqa: S301 - from our own parent
        except EOFError:
            return
        pickle.dump(function(task), answers)
        answers.flush()
