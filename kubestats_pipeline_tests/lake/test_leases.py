"""Leases: one machine at a time works on a repository, and a machine that dies keeps it from nobody for long."""

import dataclasses
import itertools
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubestats_pipeline.lake import leases as module
from kubestats_pipeline.lake.leases import Lease, LeaseError, Leases, LeaseTakenError
from kubestats_pipeline.locks import Machine, WorkerProcess, this_machine
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.storage.objects import StaleError
from kubestats_pipeline_tests.lake.lease_log import read_holds

REPOSITORY = "github:1"
NAME = "leases/github%3A1.json"
HERE = this_machine()
FOREIGN = Machine("another-boot", "pid:[1]", "another-host")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger=module.__name__):
        yield caplog


def stored(store: FolderStore) -> Lease:
    return Lease.unpack(store.fetch(NAME)[0])


def held_by(process: int, machine: Machine, *, until: float, number: int = 1) -> Lease:
    return Lease(REPOSITORY, number, until, WorkerProcess(process, time.time(), machine))


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_while_one_works_no_other_does_and_afterwards_one_may(store: FolderStore):
    one, other = Leases(store), Leases(store)
    with one.hold(REPOSITORY):
        with pytest.raises(LeaseTakenError, match="another run works on it"), other.hold(REPOSITORY):
            pytest.fail("two at once")
        with other.hold("github:2"):
            assert len(store.list("leases/")) == 2
    with other.hold(REPOSITORY):
        assert stored(store).number == 2
    assert stored(store).holder is None


def test_work_that_fails_gives_the_lease_back(store: FolderStore):
    with pytest.raises(RuntimeError), Leases(store).hold(REPOSITORY):
        raise RuntimeError
    assert stored(store).holder is None


CONTENDER = """
import logging, sys
from pathlib import Path
from kubestats_pipeline.lake.leases import Leases, LeaseTakenError
from kubestats_pipeline.storage.folder import FolderStore
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
leases, done = Leases(FolderStore(Path(sys.argv[1]))), 0
while done < 10:
    try:
        with leases.hold("github:1"):
            done += 1
    except LeaseTakenError:
        pass
"""


def test_of_several_processes_that_want_the_same_one_works_at_a_time(store: FolderStore):
    command = [sys.executable, "-c", CONTENDER, str(store.root)]
    contenders = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    lines = "".join(contender.communicate()[0] for contender in contenders)
    holds = read_holds(lines)
    assert len(holds) == 40
    assert stored(store).number == 40
    assert stored(store).holder is None
    assert not any(one.overlaps(other) for one, other in itertools.pairwise(holds))


# Holders that die


def test_a_dead_process_of_this_machine_holds_nothing(store: FolderStore, told: pytest.LogCaptureFixture):
    store.put_new(NAME, held_by(dead_process(), HERE, until=time.time() + 1000).pack())
    with Leases(store).hold(REPOSITORY):
        assert stored(store).number == 2
    assert "because its holder is gone" in told.text


def test_a_machine_that_was_started_again_holds_nothing(store: FolderStore):
    before = dataclasses.replace(HERE, boot="the boot before")
    store.put_new(NAME, held_by(1, before, until=time.time() + 1000).pack())
    with Leases(store).hold(REPOSITORY):
        assert stored(store).number == 2


@pytest.mark.parametrize("machine", [FOREIGN, dataclasses.replace(HERE, namespace="pid:[1]")])
def test_of_another_machine_or_container_only_the_time_tells(store: FolderStore, machine: Machine):
    """A process id means nothing there, and 1 lives everywhere."""
    clock = Clock()
    store.put_new(NAME, held_by(dead_process(), machine, until=clock.now + 60).pack())
    leases = Leases(store, clock=clock)
    for seconds in (0, 60, module.TOLERATED_SECONDS):
        clock.now += seconds
        with pytest.raises(LeaseTakenError), leases.hold(REPOSITORY):
            pytest.fail("its holder may live")
    clock.now += 1
    with leases.hold(REPOSITORY):
        assert stored(store).number == 2


def test_a_holder_that_lives_renews_it_as_long_as_it_works(store: FolderStore, told: pytest.LogCaptureFixture):
    with Leases(store, seconds=0.2).hold(REPOSITORY):
        first = stored(store)
        deadline = time.monotonic() + 60
        while stored(store).until < first.until + 0.5:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert stored(store).number == first.number
    assert "lease renewed github%3A1 number=1" in told.text
    assert not [each for each in threading.enumerate() if each.name == "lease"]


# Holders that are only slow


def test_who_comes_back_too_late_gives_nobody_elses_lease_back(store: FolderStore, told: pytest.LogCaptureFixture):
    clock = Clock()
    with Leases(store, seconds=1e6, clock=clock).hold(REPOSITORY):
        clock.now += 1e6 + module.TOLERATED_SECONDS + 1
        theirs = held_by(1, FOREIGN, until=clock.now + 60, number=2)
        store.put_unchanged(NAME, theirs.pack(), store.fetch(NAME)[1])
    assert stored(store) == theirs
    assert "lease lost github%3A1 number=1" in told.text


def test_who_looked_before_another_one_worked_begins_no_work_with_what_it_saw(store: FolderStore):
    began = time.time()
    with Leases(store).hold(REPOSITORY):
        pass
    with pytest.raises(LeaseTakenError, match="has worked on it since"), Leases(store, since=began).hold(REPOSITORY):
        pytest.fail("its head may be older than that of the tables")
    with Leases(store, since=time.time()).hold(REPOSITORY):
        assert stored(store).number == 2


# Stores that fail


class Unanswering(FolderStore):
    """A store that writes and whose answer is lost, as over a network."""

    def put_new(self, name: str, data: bytes | memoryview) -> str:
        super().put_new(name, data)
        raise FileExistsError(name)

    def put_unchanged(self, name: str, data: bytes | memoryview, version: str) -> str:
        super().put_unchanged(name, data, version)
        raise StaleError(name)


def test_ones_own_write_whose_answer_was_lost_is_not_taken_for_anothers(tmp_path: Path):
    store = Unanswering(tmp_path)
    for number in (1, 2):
        with Leases(store).hold(REPOSITORY):
            assert stored(store).number == number
    assert stored(store).holder is None


class Broken(FolderStore):
    """A store that does not answer any more."""

    def put_unchanged(self, name: str, data: bytes | memoryview, version: str) -> str:
        raise OSError("no answer")


def test_a_store_that_goes_away_meanwhile_does_not_fail_the_work(tmp_path: Path, told: pytest.LogCaptureFixture):
    with Leases(Broken(tmp_path)).hold(REPOSITORY):
        pass
    assert "it ends by itself: no answer" in told.text
    (hold,) = read_holds(told.text)
    assert hold.ends <= time.time() + 0.001, "the work had ended, whatever the store says"
    assert stored(FolderStore(tmp_path)).holder is not None, "it ends by time"


class TimingOut(FolderStore):
    """A store that takes each renewal and answers with an error."""

    def put_unchanged(self, name: str, data: bytes | memoryview, version: str) -> str:
        written = super().put_unchanged(name, data, version)
        if Lease.unpack(bytes(data)).holder is not None:
            raise OSError("timed out")
        return written


def test_a_renewal_that_was_taken_although_it_seemed_to_fail_is_no_loss(tmp_path: Path, told: pytest.LogCaptureFixture):
    store = TimingOut(tmp_path)
    with Leases(store, seconds=0.2).hold(REPOSITORY):
        deadline = time.monotonic() + 60
        while told.text.count("tried again: timed out") < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert "lease lost" not in told.text
    assert stored(store).holder is None


@pytest.mark.parametrize("data", [b"", b"garbage", b"[]", b"{}", b'{"holder": 1}'])
def test_what_is_no_lease_is_refused_with_its_name(store: FolderStore, data: bytes):
    store.put_new(NAME, data)
    with pytest.raises(LeaseError, match="the lease of github:1 cannot be taken"), Leases(store).hold(REPOSITORY):
        pytest.fail("nobody knows who has it")


# What the log proves


def test_the_log_has_a_line_for_each_taking_and_giving_back(store: FolderStore, told: pytest.LogCaptureFixture):
    for _ in range(2):
        with Leases(store).hold(REPOSITORY):
            pass
    one, other = read_holds(told.text)
    assert [(each.repository, each.number, each.holder) for each in (one, other)] == [
        ("github%3A1", number, f"{HERE.host}/{HERE.namespace}/{os.getpid()}") for number in (1, 2)
    ]
    assert one.begins <= one.ends <= other.begins <= other.ends


def test_a_lease_that_was_shared_is_seen_in_the_log():
    line = "lease {} github%3A1 number={} until=160.000 by=host/pid:[1]/{} at={}.000\n"
    told = [line.format("taken", 1, 7, 100), line.format("taken", 2, 8, 150), line.format("given back", 2, 8, 155)]
    (first, second) = read_holds("".join(told))
    assert first.ends == 160
    assert first.overlaps(second)
    (first, second) = read_holds("".join([*told, line.format("given back", 1, 7, 140)]))
    assert not first.overlaps(second)


def test_without_other_machines_nothing_is_written(tmp_path: Path):
    with Leases(None).hold(REPOSITORY):
        assert list(tmp_path.iterdir()) == []
