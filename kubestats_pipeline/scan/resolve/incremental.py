"""Remembers derived values, and what each was derived from, so that a change costs what it reaches.

A class that derives values from inputs marks its methods `derived` and tells the memory of every input that they read.
When an input changes, only values that it can have changed are derived again, and where such a value turns out to be
what it was, those derived from it stay. What is derived for `resolver.py` stands there and in `apply_paths.py`.
"""

import functools
from collections.abc import Callable, Hashable
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

    def ask(self: Owner, /, *arguments: Parameters.args, **_: Parameters.kwargs) -> Value:
        value: Value = self.memory.ask((name, *arguments), method, self)
        return value

    functools.update_wrapper(ask, method)
    return ask


_UNKNOWN = object()


def _elsewhere() -> Any:
    raise AssertionError("an input is not derived")


class _Node:
    """An input, or a derived value and what it was derived from.

    Nodes refer to each other, because a key takes long to look up: it is a tuple of tuples, whose hash nobody keeps.

    Attributes:
        derive: gives the value; an input has its value elsewhere.
        value: `_UNKNOWN` where it has never been derived.
        is_doubtful: whether the value may be out of date.
        changed_at: the revision at which it became what it is.
        right_at: the revision at which the value was last found right.
    """

    __slots__ = ("changed_at", "derive", "is_doubtful", "key", "readers", "reads", "right_at", "value")

    def __init__(self, key: Key, derive: Callable[[], Any]) -> None:
        self.key = key
        self.derive = derive
        self.value: Any = _UNKNOWN
        self.is_doubtful = False
        self.changed_at = self.right_at = 0
        self.reads: tuple[_Node, ...] = ()
        self.readers: set[_Node] = set()


class Memory:
    """Derived values of one graph.

    A value that may be out of date is `doubtful`: it is checked when it is next asked for, by first checking what it
    was derived from. Revisions count the changes of inputs: a value is derived again only if something that it read
    has changed at a later revision than that at which the value was last found right.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._nodes: dict[Key, _Node] = {}
        self._doubted: list[_Node] = []
        self._reading: list[dict[_Node, None]] = []

    def read(self, key: Key) -> None:
        """Say that the value that is being derived reads an input."""
        if self._reading:
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = _Node(key, _elsewhere)
            self._reading[-1][node] = None

    def change(self, key: Key) -> None:
        """Say that an input has changed."""
        self._revision += 1
        node = self._nodes.get(key)
        if node is None:  # nobody has read it
            return
        node.changed_at = self._revision
        queue = [node]
        while queue:
            for reader in queue.pop().readers:
                if not reader.is_doubtful:
                    reader.is_doubtful = True
                    self._doubted.append(reader)
                    queue.append(reader)

    def ask(self, key: Key, method: Callable[..., Any], owner: object) -> Any:
        """A derived value: what a method of `owner` gives for the arguments in its key."""
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node(key, functools.partial(method, owner, *key[1:]))
        if self._reading:
            self._reading[-1][node] = None
        if node.value is _UNKNOWN:
            self._evaluate(node)
        elif node.is_doubtful:
            self._check(node)
        return node.value

    def take_doubtful(self, name: str) -> dict[Key, Any]:
        """The values of one method that may be out of date since the last call, each as it was when last asked for."""
        doubted, self._doubted = self._doubted, []
        return {each.key: each.value for each in doubted if each.is_doubtful and each.key[0] == name}

    def forget(self, key: Key) -> None:
        """Drop a value that nobody reads, and what was derived for it alone."""
        node = self._nodes.get(key)
        if node is not None:
            self._drop_unread(node)

    def _drop_unread(self, node: _Node) -> None:
        queue = [node]
        while queue:
            each = queue.pop()
            if each.readers or any(each in reads for reads in self._reading):
                continue
            self._nodes.pop(each.key, None)
            each.is_doubtful = False
            for read in each.reads:
                read.readers.discard(each)
            queue += each.reads

    def _check(self, node: _Node) -> None:
        """Find out whether a doubtful value is right; derive it again if it is not."""
        for each in node.reads:
            if each.is_doubtful:
                self._check(each)
            if each.changed_at > node.right_at:
                self._evaluate(node)
                return
        node.right_at = self._revision
        node.is_doubtful = False

    def _evaluate(self, node: _Node) -> None:
        self._reading.append({})
        try:
            value = node.derive()
        finally:
            reads = tuple(self._reading.pop())
        if node.value is _UNKNOWN or node.value != value:
            node.value, node.changed_at = value, self._revision
        node.right_at, node.is_doubtful = self._revision, False
        if reads != node.reads:
            dropped = set(node.reads).difference(reads)
            node.reads = reads
            for each in reads:
                each.readers.add(node)
            for each in dropped:
                each.readers.discard(node)
                self._drop_unread(each)
