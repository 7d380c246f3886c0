"""Processes that are killed, that crash or that print nonsense take no other task along."""

import os
import signal
import time

import pytest

from kubestats_pipeline.scan.parallel.workers import WorkerDiedError, call_in_processes


def double(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        print("this must not be taken for a result")
    return number * 2


def process_of(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_a_worker_that_is_killed_fails_its_own_task_alone(workers):
    results = dict(call_in_processes(double, range(7), workers))
    died = results.pop(3)
    assert isinstance(died, WorkerDiedError)
    assert "killed by signal 9" in str(died)
    assert results == {number: number * 2 for number in (0, 1, 2, 4, 5, 6)}


def test_one_process_serves_many_tasks_and_several_run_at_once():
    processes = [process for _, process in call_in_processes(process_of, [0.1] * 6, 2)]
    assert len(set(processes)) == 2
    assert os.getpid() not in processes


def test_who_stops_taking_results_leaves_no_process_behind():
    results = call_in_processes(process_of, [0, 60, 60], 2)
    _, process = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_function_that_raises_ends_its_worker_and_not_the_others(capfd):
    results = dict(call_in_processes(process_of, [0.0, "no number"], 1))
    assert "ended with status 1" in str(results["no number"])
    assert "TypeError" in capfd.readouterr().err
    assert isinstance(results[0.0], int)
