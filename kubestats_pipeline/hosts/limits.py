"""The rate buckets of a host as a client knows them, and turns: at most one request in flight in each.

A bucket is named as the host names it. The client asks here before it sends. The dialects read the headers. Times are
epoch seconds of the client's clock.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """The state of a bucket after one answer: the calls that are left, and when it is full again."""

    bucket: str
    remaining: int
    resets_at: float


@dataclass(frozen=True)
class Closure:
    """Why a call makes no sense yet, and until when. Without a bucket all are closed, as by a secondary limit."""

    bucket: str | None
    until: float


class RateBuckets:
    """The memory of one client, shared by its threads."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._closures: dict[str | None, float] = {}
        self._lock = threading.Lock()

    def turn(self, bucket: str) -> threading.Lock:
        """Held by a thread while its request is in flight. GitHub asks for serial requests."""
        with self._lock:
            return self._turns[bucket]

    def note(self, rate: Rate) -> None:
        """Remember the state that an answer gave."""
        with self._lock:
            if rate.remaining > 0:
                self._closures.pop(rate.bucket, None)
            else:
                self._closures[rate.bucket] = rate.resets_at

    def close(self, bucket: str | None, until: float) -> None:
        """Remember that the host refused. None closes all buckets."""
        with self._lock:
            self._closures[bucket] = max(until, self._closures.get(bucket, until))

    def closure(self, bucket: str, now: float) -> Closure | None:
        """The closure that a call into the bucket has to wait for, or None."""
        with self._lock:
            closures = [Closure(key, self._closures.get(key, now)) for key in (bucket, None)]
        longest = max(closures, key=lambda closure: closure.until)
        return longest if longest.until > now else None

    def forget(self, closure: Closure) -> None:
        """Drop a closure that was waited for, so that the host is asked and not the clock."""
        with self._lock:
            if self._closures.get(closure.bucket) == closure.until:
                del self._closures[closure.bucket]
