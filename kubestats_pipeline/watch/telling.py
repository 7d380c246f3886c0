"""Tells receivers of the changes that are news to them: each once, and those of one publication in one message.

A question that is new to a receiver tells nothing at first: what it finds is remembered, and news count from then on.
A receiver that does not take a message gets what it missed the next time. The others are told meanwhile.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.locks import locked
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.watch.changes import Answers, Question, WatchedChange, find_changes, questions_of
from kubestats_pipeline.watch.links import ReportSite
from kubestats_pipeline.watch.memory import Memory, read_memory, write_memory
from kubestats_pipeline.watch.messages import compose
from kubestats_pipeline.watch.receivers import Receiver, Undelivered, open_receivers

LONGEST_WAIT = 120.0
"""Seconds to wait for another process that tells."""


@dataclass(frozen=True)
class Outcome:
    """The results of telling.

    Attributes:
        told: numbers of changes by receiver.
        failures: receivers that did not take their message, and why.
        begun: questions that are new, by receiver.
        unknown: things of the rules that nothing in the published file is called by.
    """

    told: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Teller:
    """Everything that telling one receiver after another needs."""

    lake: Lake
    memory: Memory
    answers: Answers
    site: ReportSite
    now: datetime.datetime
    outcome: Outcome

    def tell(self, name: str, receiver: Receiver, questions: list[Question]) -> None:
        """Send one receiver its news, and remember that."""
        self._begin(name, questions)
        news = self._news(name, questions)
        if news and (problem := self._send(name, receiver, news)):
            self.outcome.failures[name] = problem.reason
            return
        self.memory.sending.pop(name, None)
        for question in questions:
            self.memory.settle(name, question, self.answers.changes[question], self.now)
        write_memory(self.lake, self.memory)
        if news:
            self.outcome.told[name] = len(news)

    def _begin(self, name: str, questions: list[Question]) -> None:
        """Take what a new question finds for known."""
        new = [question for question in questions if self.memory.known(name, question) is None]
        for question in new:
            self.memory.settle(name, question, self.answers.changes[question], self.now)
        if new:
            self.outcome.begun[name] = len(new)
            write_memory(self.lake, self.memory)

    def _news(self, name: str, questions: list[Question]) -> dict[str, WatchedChange]:
        """News by their ids, the newest first. A change that two questions found is one."""
        found = dict[str, WatchedChange]()
        for question in questions:
            known = self.memory.known(name, question)
            news = (change for change in self.answers.changes[question] if known and known.is_news(change))
            for change in news:
                found.setdefault(change.change_id, change)
        return dict(sorted(found.items(), key=lambda item: item[1].changed_at, reverse=True))

    def _send(self, name: str, receiver: Receiver, news: Mapping[str, WatchedChange]) -> Undelivered | None:
        """Note that a message is on its way, and send it. The note stays where nobody knows if it arrived."""
        again = not self.memory.sending.get(name, frozenset()).isdisjoint(news)
        self.memory.sending[name] = frozenset(news)
        write_memory(self.lake, self.memory)
        problem = receiver.send(compose(list(news.values()), self.site.link, receiver.room, again=again))
        if problem and problem.is_sure:
            del self.memory.sending[name]
            write_memory(self.lake, self.memory)
        return problem


def tell_changes(lake: Lake, settings: Settings, now: datetime.datetime) -> Outcome:
    """Look for changes in the published file and tell them.

    Raises:
        UnusableFileError: the published file is missing, damaged or of another version.
        MemoryFileError: the memory of what was told is damaged.
        ReceiverError: an address is wrong, or apprise is not installed.
        BusyError: another process tells.
    """
    asked = questions_by_receiver(settings)
    receivers = open_receivers(settings.alerts)
    with locked(lake.layout.told_lock, LONGEST_WAIT):
        memory = read_memory(lake)
        memory.forget_others(asked)
        answers = find_changes(lake.layout.warehouse, questions_of(settings.watch))
        site = ReportSite(lake.layout.report, settings.report.url)
        outcome = Outcome(unknown=answers.unknown)
        teller = Teller(lake, memory, answers, site, now, outcome)
        for name, questions in asked.items():
            teller.tell(name, receivers[name], questions)
    return outcome


def questions_by_receiver(settings: Settings) -> dict[str, list[Question]]:
    """The questions of which each receiver hears: those of the rules that name it, or name nobody."""
    named = {
        name: questions_of(rule for rule in settings.watch if name in rule.to or not rule.to)
        for name in sorted(settings.alerts.receivers)
    }
    return {name: questions for name, questions in named.items() if questions}
