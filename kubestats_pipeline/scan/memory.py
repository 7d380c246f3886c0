"""Remembers derived values, and what each was derived from, so that a change costs what it reaches.

A class that derives values from inputs marks its methods `derived` and tells the memory of every input that they read.
When an input changes, only values that it can have changed are derived again, and where such a value turns out to be
what it was, those derived from it stay. What is derived for `resolve.py` stands there and in `applications.py`.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Key = tuple[Hashable, ...]
"""An input or a derived value: its name and what it is about."""


class Remembers(Protocol):
    """What has derived values."""

    @property
    def memory(self) -> "Memory":
        """Where they are remembered."""


Owner = TypeVar("Owner", bound=Remembers)
Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


def derived(
    method: Callable[Concatenate[Owner, Parameters], Value],
) -> Callable[Concatenate[Owner, Parameters], Value]:
    """Remember what a method gives.

    It must be a function of its arguments and of the inputs that it reads, and never ask, in any way, for its own
    value. Its arguments are hashable and positional; its value can be compared and is never changed.
    """
    name = method.__qualname__

    def ask(self: Owner, /, *arguments: Parameters.args, **named: Parameters.kwargs) -> Value:
        value: Value = self.memory.ask((name, *arguments), lambda: method(self, *arguments, **named))
        return value

    functools.update_wrapper(ask, method)
    return ask


class Memory:
    """Derived values of one graph.

    A value that may be out of date is `doubtful`: it is checked when it is next asked for, by first checking what it
    was derived from. Revisions count the changes of inputs: a value is derived again only if something that it read
    has changed at a later revision than that at which the value was last found right.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._values: dict[Key, Any] = {}
        self._derive: dict[Key, Callable[[], Any]] = {}
        self._reads: dict[Key, tuple[Key, ...]] = {}
        self._readers: defaultdict[Key, set[Key]] = defaultdict(set)
        self._changed_at: dict[Key, int] = {}
        self._right_at: dict[Key, int] = {}
        self._doubtful: set[Key] = set()
        self._reading: list[dict[Key, None]] = []

    def read(self, key: Key) -> None:
        """Say that the value that is being derived reads an input."""
        if self._reading:
            self._reading[-1][key] = None

    def change(self, key: Key) -> None:
        """Say that an input has changed."""
        self._revision += 1
        self._changed_at[key] = self._revision
        queue = [key]
        while queue:
            for reader in self._readers.get(queue.pop(), ()):
                if reader not in self._doubtful:
                    self._doubtful.add(reader)
                    queue.append(reader)

    def ask(self, key: Key, derive: Callable[[], Any]) -> Any:
        """A derived value."""
        self.read(key)
        if key not in self._values:
            self._evaluate(key, derive)
        elif key in self._doubtful:
            self._check(key)
        return self._values[key]

    def doubtful(self, name: str) -> list[Key]:
        """The values of one method that may be out of date."""
        return [key for key in self._doubtful if key[0] == name]

    def known(self, key: Key) -> Any:
        """What a value was when it was last asked for; None where it was not."""
        return self._values.get(key)

    def forget(self, key: Key) -> None:
        """Drop a value that nobody reads, and what was derived for it alone."""
        queue = [key]
        while queue:
            each = queue.pop()
            if each in self._values and not self._readers.get(each):
                queue += self._drop(each)

    def _drop(self, key: Key) -> tuple[Key, ...]:
        for mapping in (self._values, self._derive, self._changed_at, self._right_at):
            mapping.pop(key, None)
        self._doubtful.discard(key)
        self._readers.pop(key, None)
        reads = self._reads.pop(key, ())
        self._leave(key, reads)
        return reads

    def _leave(self, key: Key, reads: Iterable[Key]) -> None:
        for each in reads:
            readers = self._readers.get(each)
            if readers is not None:
                readers.discard(key)
                if not readers:
                    del self._readers[each]
                    if each not in self._values:
                        self._changed_at.pop(each, None)  # an input that nobody has read has no past

    def _check(self, key: Key) -> None:
        """Find out whether a doubtful value is right; derive it again if it is not."""
        right_at = self._right_at[key]
        for each in self._reads[key]:
            if each in self._doubtful:
                self._check(each)
            if self._changed_at.get(each, 0) > right_at:
                self._evaluate(key, self._derive[key])
                return
        self._right_at[key] = self._revision
        self._doubtful.discard(key)

    def _evaluate(self, key: Key, derive: Callable[[], Any]) -> None:
        self._reading.append({})
        try:
            value = derive()
        finally:
            reads = tuple(self._reading.pop())
        before = self._reads.get(key, ())
        for each in reads:
            self._readers[each].add(key)
        dropped = set(before).difference(reads)
        self._reads[key], self._derive[key] = reads, derive
        if key not in self._values or self._values[key] != value:
            self._values[key], self._changed_at[key] = value, self._revision
        self._right_at[key] = self._revision
        self._doubtful.discard(key)
        self._leave(key, dropped)
        for each in dropped:
            self.forget(each)
