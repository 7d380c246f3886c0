"""The memory of what was told: for each receiver and question the changes, in one small file of one writer.

A change is remembered for `KEPT`, counted back from the last time at which a question was settled: everything that it
found had been told. Older commits are not news, so the file stays small. Before a message is sent the file says so, and
afterwards that it was. If the process dies in between, or nobody answers, it is sent again, and says so.
Nothing is lost, and what is told twice is marked.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.storage.objects import StaleError
from kubestats_pipeline.watch.changes import Question, WatchedChange

KEPT = datetime.timedelta(days=30)
"""The longest time between a commit and its publication for which the commit is news."""

_VERSION = 1


class MemoryFileError(ExplainedError):
    """The file cannot be read. The text says what to do. Nothing was told."""


@dataclass(frozen=True)
class Settled:
    """The changes that were told about one question.

    Attributes:
        at: when everything had been told.
        changes: ids of changes with the times of their commits.
    """

    at: datetime.datetime
    changes: Mapping[str, datetime.datetime]

    def is_news(self, change: WatchedChange) -> bool:
        """True if it was not told, and is neither too old nor from before its repository was known."""
        is_late = change.changed_at < self.at - KEPT
        return not (change.is_history or is_late or change.change_id in self.changes)


@dataclass
class Memory:
    """Everything that was told, by receivers, and all that was being sent when the file was written.

    Attributes:
        settled: by receiver and key of a question.
        sending: ids of the changes of a message that is on its way, by receiver.
    """

    settled: dict[str, dict[str, Settled]] = field(default_factory=dict)
    sending: dict[str, frozenset[str]] = field(default_factory=dict)

    def known(self, receiver: str, question: Question) -> Settled | None:
        """The changes that were told, or None for a question that is new to the receiver."""
        return self.settled.get(receiver, {}).get(question.key)

    def settle(self, receiver: str, question: Question, found: Iterable[WatchedChange], now: datetime.datetime) -> None:
        """Remember that all that was found has been told, or need not be."""
        before = known.changes if (known := self.known(receiver, question)) else {}
        every = {**before, **{change.change_id: change.changed_at for change in found}}
        kept = {change_id: at for change_id, at in every.items() if at >= now - KEPT}
        self.settled.setdefault(receiver, {})[question.key] = Settled(now, kept)

    def forget_others(self, asked: Mapping[str, Iterable[Question]]) -> None:
        """Forget receivers and questions that no rule names any more. If they come back, they are new."""
        keys = {receiver: {question.key for question in questions} for receiver, questions in asked.items()}
        self.settled = {
            receiver: {key: told for key, told in settled.items() if key in keys[receiver]}
            for receiver, settled in self.settled.items()
            if receiver in keys
        }
        self.sending = {receiver: ids for receiver, ids in self.sending.items() if receiver in keys}


def read_memory(lake: Lake) -> Memory:
    """Read the file. Without one nothing was told, and all questions are new.

    Raises:
        MemoryFileError: it is damaged, or of a newer version.
    """
    name = lake.layout.name_of(lake.layout.told)
    if not lake.storage.exists(name):
        return Memory()
    try:
        with lake.storage.read(name) as file:
            return _from_json(orjson.loads(file.read()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # by hand, half of it, or of a newer version
        remedy = "Put back a copy, or delete it: changes are then told from now on"
        raise MemoryFileError(f"{lake.layout.told} cannot be read. {remedy}") from error


def write_memory(lake: Lake, memory: Memory) -> None:
    """Replace the file as a whole.

    Raises:
        MemoryFileError: another machine has told something meanwhile.
    """
    settled = {
        receiver: {key: {"at": told.at, "changes": told.changes} for key, told in of_receiver.items()}
        for receiver, of_receiver in memory.settled.items()
    }
    sending = {receiver: sorted(ids) for receiver, ids in memory.sending.items()}
    content = {"version": _VERSION, "settled": settled, "sending": sending}
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    try:
        lake.storage.put(lake.layout.name_of(lake.layout.told), orjson.dumps(content, option=options))
    except StaleError as error:
        raise MemoryFileError("another machine tells of changes too. It goes on, and this one ends") from error


def _from_json(content: dict[str, Any]) -> Memory:
    if content["version"] != _VERSION:
        raise ValueError(f"version {_VERSION} is known")
    moment = datetime.datetime.fromisoformat
    memory = Memory(sending={receiver: frozenset(ids) for receiver, ids in content["sending"].items()})
    for receiver, of_receiver in content["settled"].items():
        for key, told in of_receiver.items():
            changes = {change_id: moment(at) for change_id, at in told["changes"].items()}
            memory.settled.setdefault(receiver, {})[key] = Settled(moment(str(told["at"])), changes)
    return memory
