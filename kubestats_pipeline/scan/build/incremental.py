"""Incremental computation: memos of queries, and the inputs that each was computed from.

A query is a method marked `query`: a function of its arguments and of inputs. It reports every input that it reads to
the store. A changed input invalidates the memos that depend on it, and only these are computed again. If the new value
equals the old one, the memos that read it stay valid. The other modules of this folder hold the queries.
"""

import functools
from collections.abc import Callable, Container, Hashable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from kubestats_pipeline.scan.documents.canonical_json import canonical_json

QueryKey = tuple[Hashable, ...]
"""An input or a query with its arguments: a name, then the arguments."""


class HasQueries(Protocol):
    """A class with methods that are queries."""

    @property
    def queries(self) -> "QueryStore":
        """The store of their memos."""


Owner = TypeVar("Owner", bound=HasQueries)
Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


def query(
    method: Callable[Concatenate[Owner, Parameters], Value],
) -> Callable[Concatenate[Owner, Parameters], Value]:
    """Make a method a query: its result is kept as a memo.

    The method must be a function of its arguments and of the inputs that it reads. It must not ask for its own value,
    directly or through other queries. Its arguments are hashable and positional. Its value can be compared and is
    never changed.
    """
    name = method.__qualname__

    def fetch(self: Owner, /, *arguments: Parameters.args, **_: Parameters.kwargs) -> Value:
        value: Value = self.queries.fetch((name, *arguments), method, self)
        return value

    functools.update_wrapper(fetch, method)
    return fetch


_NOT_COMPUTED = object()


def _input_value() -> Any:
    raise AssertionError("an input is not computed")


def _are_equal(one: Any, other: Any) -> bool:
    """True if two values are equal, and the mappings of a document as JSON too, in which 1 and true differ."""
    if not one == other:  # noqa: SIM201 - tuples compare twice to differ
        return False
    return not isinstance(one, dict) or canonical_json(one) == canonical_json(other)


class _Node:
    """An input, or the memo of a query and what it was computed from.

    Nodes refer to each other and not to keys. A key is slow to look up: it is a tuple of tuples, and tuples do not
    keep their hash.

    Attributes:
        compute: returns the value. The value of an input is kept elsewhere.
        value: `_NOT_COMPUTED` before the first computation.
        is_invalidated: true if the value may be out of date.
        is_wanted: true if somebody outside of all queries has asked for it, and has not told to forget it.
        changed_at: the revision at which the value last changed.
        verified_at: the revision at which the value was last known to be right.
        reads: the nodes that the last computation read, in their order.
        readers: the memos whose last computation read this node.
        workings: what the last computation has left for the next one.
    """

    __slots__ = (
        *("changed_at", "compute", "is_invalidated", "is_wanted", "key"),
        *("readers", "reads", "value", "verified_at", "workings"),
    )

    def __init__(self, key: QueryKey, compute: Callable[[], Any]) -> None:
        self.key = key
        self.compute = compute
        self.value: Any = _NOT_COMPUTED
        self.is_invalidated = self.is_wanted = False
        self.changed_at = self.verified_at = 0
        self.reads: tuple[_Node, ...] = ()
        self.readers: set[_Node] = set()
        self.workings: dict[str, Any] | None = None


class QueryStore:
    """The memos of one graph of queries.

    An invalidated memo is verified when it is next fetched, by first verifying the nodes that it read. Revisions count
    the changes of inputs. A memo is computed again only if something that it read has changed after the memo was last
    verified.
    """

    def __init__(self) -> None:
        self._revision = 0
        self._nodes: dict[QueryKey, _Node] = {}
        self._invalidated: list[_Node] = []
        self._reading: list[dict[_Node, None]] = []
        self._computing: list[_Node] = []

    @property
    def workings(self) -> dict[str, Any]:
        """Notes of the query that is being computed, which its last computation has left to make this one faster.

        The value must not depend on it: a query may be computed without what it has left before.
        """
        node = self._computing[-1]
        if node.workings is None:
            node.workings = {}
        return node.workings

    def read_input(self, key: QueryKey) -> None:
        """Record that the query that is being computed reads an input."""
        if self._reading:
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = _Node(key, _input_value)
            self._reading[-1][node] = None

    def invalidate(self, key: QueryKey) -> None:
        """Record that an input has changed, and invalidate all memos that depend on it."""
        self._revision += 1
        node = self._nodes.get(key)
        if node is None:  # no query has read it
            return
        node.changed_at = self._revision
        queue = [node]
        while queue:
            for reader in queue.pop().readers:
                # The readers of an invalidated memo are invalidated already, so each memo is visited once.
                if not reader.is_invalidated:
                    reader.is_invalidated = True
                    self._invalidated.append(reader)
                    queue.append(reader)

    def fetch(self, key: QueryKey, method: Callable[..., Any], owner: object) -> Any:
        """The value of a query: the result of a method of `owner` for the arguments in the key."""
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = _Node(key, functools.partial(method, owner, *key[1:]))
        if self._reading:
            self._reading[-1][node] = None
        else:
            node.is_wanted = True
        if node.value is _NOT_COMPUTED:
            self._compute(node)
        elif node.is_invalidated:
            self._verify(node)
        return node.value

    def take_invalidated(self, name: str) -> dict[QueryKey, Any]:
        """The memos of one query that were invalidated since the last call, with the values before that."""
        nodes, self._invalidated = self._invalidated, []
        return {node.key: node.value for node in nodes if node.is_invalidated and node.key[0] == name}

    def take_invalidated_keys(self, names: Container[str]) -> list[QueryKey]:
        """The memos of some queries that were invalidated since the last call."""
        nodes, self._invalidated = self._invalidated, []
        return [node.key for node in nodes if node.is_invalidated and node.key[0] in names]

    def forget(self, key: QueryKey) -> None:
        """Drop a memo that no other memo reads, and all memos that were needed for it alone."""
        node = self._nodes.get(key)
        if node is not None:
            node.is_wanted = False
            self._drop_unread(node)

    def drop_all(self) -> None:
        """Drop all memos. They refer to one another in circles, which only the garbage collector would find else."""
        for node in self._nodes.values():
            node.reads = ()
        self._nodes.clear()
        self._invalidated.clear()

    def _drop_unread(self, node: _Node) -> None:
        queue = [node]
        while queue:
            dropped = queue.pop()
            # A query that is being computed is not among the readers yet, so what it has read so far is asked too.
            if dropped.is_wanted or dropped.readers or any(dropped in reads for reads in self._reading):
                continue
            self._nodes.pop(dropped.key, None)
            dropped.is_invalidated = False
            for read in dropped.reads:
                read.readers.discard(dropped)
            queue += dropped.reads

    def _verify(self, node: _Node) -> None:
        """Find out if an invalidated memo is still right, and compute it again if it is not."""
        # In the order in which they were read: a later read may depend on the value of an earlier one.
        for read in node.reads:
            if read.is_invalidated:
                self._verify(read)
            if read.changed_at > node.verified_at:
                self._compute(node)
                return
        node.verified_at = self._revision
        node.is_invalidated = False

    def _compute(self, node: _Node) -> None:
        self._reading.append({})
        self._computing.append(node)
        try:
            value = node.compute()
        finally:
            self._computing.pop()
            reads = tuple(self._reading.pop())
        # An equal value keeps its revision, so that its readers need not be computed again.
        if node.value is _NOT_COMPUTED or not _are_equal(node.value, value):
            node.value, node.changed_at = value, self._revision
        node.verified_at, node.is_invalidated = self._revision, False
        if reads != node.reads:
            dropped = set(node.reads).difference(reads)
            node.reads = reads
            for read in reads:
                read.readers.add(node)
            for read in dropped:
                read.readers.discard(node)
                self._drop_unread(read)
