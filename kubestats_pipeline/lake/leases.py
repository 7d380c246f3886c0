"""Leases: of all machines that share a lake, one at a time works on a repository.

A lease is an object of the store, which is only ever written conditionally: of several that take it one succeeds, and
nobody gives back what another one has. It ends when it is given back, by time where its holder does not renew it any
more, and at once where its holder's machine can tell that the holder is gone. A holder that is only slow may go on
after that, and what it writes is refused: tables are written conditionally too.

Each lease has a number, which grows with every taking. A line of the log for each taking and giving back has it, so
that the logs of all machines together show that no two held one repository at once. Where the lake is a folder of one
machine, the locks of files do all that.
"""

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

from kubestats_pipeline.lake.paths import encode_name
from kubestats_pipeline.locks import BusyError, Machine, WorkerProcess, this_worker
from kubestats_pipeline.storage.objects import SHARED_AT_ONCE, ObjectStore, StaleError

LEASE_SECONDS = 120.0
"""How long a lease lasts that is not renewed: a dead worker's repositories wait for so long."""

RENEWALS = 4
"""How often a lease is renewed in that time."""

TOLERATED_SECONDS = 10.0
"""How much the clocks of two machines may differ."""

_log = logging.getLogger(__name__)


class LeaseTakenError(BusyError):
    """Another run works on the repository, or has since this one looked. The next sweep goes on from there."""


class LeaseError(BusyError):
    """The store does not say who works on a repository, so nobody may."""


@dataclass(frozen=True)
class Lease:
    """The object of one repository.

    Attributes:
        number: how often it was taken.
        until: when it ends unless it is renewed, seconds since 1970. When it was given back, where it has no holder.
    """

    repository_id: str
    number: int
    until: float
    holder: WorkerProcess | None

    def pack(self) -> bytes:
        """The bytes of the object."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def unpack(cls, data: bytes) -> "Lease":
        """Read what `pack` wrote.

        Raises:
            ValueError: these are not the bytes of a lease.
        """
        try:
            fields = json.loads(data)
            if (holder := fields.pop("holder")) is not None:
                holder = WorkerProcess(holder["process"], holder["since"], Machine(**holder["machine"]))
            return cls(**fields, holder=holder)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a lease ({type(error).__name__})") from None

    def why_free(self, now: float) -> str:
        """Why it may be taken. Empty while its holder has it."""
        if self.holder is None:
            return "given back"
        if self.holder.is_gone:
            return "its holder is gone"
        return "it has ended" if now > self.until + TOLERATED_SECONDS else ""

    def line(self, what: str) -> str:
        """A line of the log. Its parts are separated by blanks, which the name of the repository has none of."""
        holder = self.holder
        who = f"{holder.machine.host}/{holder.machine.namespace}/{holder.process}" if holder else "nobody"
        return f"lease {what} {encode_name(self.repository_id)} number={self.number} until={self.until:.3f} by={who}"


class Leases:
    """The leases of a store.

    Args:
        store: where they are, or None for a lake of one machine.
        since: when the caller has looked at the lake. A repository that somebody has worked on after that is not as
            the caller knows it, and counts as taken.
        seconds: how long a lease lasts that is not renewed.
        clock: the time, seconds since 1970.
    """

    def __init__(
        self,
        store: ObjectStore | None,
        since: float = float("inf"),
        seconds: float = LEASE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._since, self._seconds, self._clock = store, since, seconds, clock

    @property
    def are_needed(self) -> bool:
        """True where other machines may work on the same repositories."""
        return self._store is not None

    @contextlib.contextmanager
    def hold(self, repository_id: str) -> Iterator[None]:
        """Hold the lease of a repository, and renew it all the while.

        Raises:
            LeaseTakenError: another run has it, or had it since this one looked at the lake.
            LeaseError: the store does not work.
        """
        if self._store is None:
            yield
            return
        with _explained(repository_id):
            held = _HeldLease(self._store, self._take(self._store, repository_id), self._seconds, self._clock)
        try:
            yield
        finally:
            held.give_back()

    def _take(self, store: ObjectStore, repository_id: str) -> tuple[Lease, str]:
        """The lease and the version of its object."""
        now, name, found = self._clock(), _name(repository_id), None
        with contextlib.suppress(FileNotFoundError):
            found = store.fetch(name)
        known = Lease.unpack(found[0]) if found else None
        if known is not None and not (reason := known.why_free(now)):
            raise LeaseTakenError(f"another run works on it ({known.line('held')}). The next sweep goes on from there")
        if known is not None and known.holder is None and known.until > self._since:
            raise LeaseTakenError(
                "another run has worked on it since this one began. The next sweep goes on from there"
            )
        wanted = Lease(repository_id, known.number + 1 if known else 1, now + self._seconds, this_worker())
        version = _put(store, name, wanted, found[1] if found else None)
        if known is not None and known.holder is not None:
            _log.warning("%s, because %s", known.line("ended"), reason)
        _log.info("%s at=%.3f", wanted.line("taken"), self._clock())
        return wanted, version


class _HeldLease:
    """A lease that this process has: it is renewed until it is given back or somebody else has it."""

    def __init__(
        self, store: ObjectStore, taken: tuple[Lease, str], seconds: float, clock: Callable[[], float]
    ) -> None:
        self._store, self._seconds, self._clock = store, seconds, clock
        self._lease, self._version = taken
        self._name = _name(self._lease.repository_id)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew_again, name="lease", daemon=True)
        self._thread.start()

    def give_back(self) -> None:
        """End it. Where the store does not work, it ends by time."""
        self._done.set()
        self._thread.join()
        now = self._clock()
        _log.info("%s at=%.3f", self._lease.line("given back"), now)
        try:
            self._write(replace(self._lease, until=now, holder=None))
        except LeaseTakenError:
            _log.warning(self._lease.line("lost"))
        except OSError as error:
            _log.warning("%s, it ends by itself: %s", self._lease.line("kept by the store"), error)

    def _write(self, lease: Lease) -> str:
        """Write the object, also over a renewal that the store has taken although its answer was an error.

        Raises:
            LeaseTakenError: somebody else has it.
        """
        try:
            return _put(self._store, self._name, lease, self._version)
        except LeaseTakenError:
            data, version = self._store.fetch(self._name)
            found = Lease.unpack(data)
            if (found.number, found.holder) != (self._lease.number, self._lease.holder):
                raise
            return _put(self._store, self._name, lease, version)

    def _renew_again(self) -> None:
        while not self._done.wait(self._seconds / RENEWALS):
            renewed = replace(self._lease, until=self._clock() + self._seconds)
            try:
                self._version = self._write(renewed)
            except LeaseTakenError:
                _log.warning("%s: what is written now is refused", self._lease.line("lost"))
                return
            except OSError as error:
                _log.warning("%s, tried again: %s", self._lease.line("not renewed"), error)
                continue
            self._lease = renewed
            _log.info(renewed.line("renewed"))


UNSHARED = Leases(None)
"""For a lake that no other machine writes to."""


def _put(store: ObjectStore, name: str, lease: Lease, version: str | None) -> str:
    """Write an object of a known version, or a new one. One's own write whose answer was lost counts as written.

    Raises:
        LeaseTakenError: somebody else has written it.
    """
    data = lease.pack()
    try:
        return store.put_new(name, data) if version is None else store.put_unchanged(name, data, version)
    except (FileExistsError, StaleError):
        with contextlib.suppress(FileNotFoundError):
            stored, version = store.fetch(name)
            if stored == data:
                return version
        raise LeaseTakenError("another run was quicker. The next sweep goes on from there") from None


def _name(repository_id: str) -> str:
    return f"{SHARED_AT_ONCE}{encode_name(repository_id)}.json"


@contextlib.contextmanager
def _explained(repository_id: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise LeaseError(f"the lease of {repository_id} cannot be taken: {error}") from error
