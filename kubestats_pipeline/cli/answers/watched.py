"""The answers of `kubestats watch`: changes that rules find, and if receivers take a test. Nothing counts as told."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.watch.changes import Answers, Question, find_changes, questions_of
from kubestats_pipeline.watch.messages import Message, describe
from kubestats_pipeline.watch.receivers import open_receivers
from kubestats_pipeline.watch.telling import questions_by_receiver

MOST_SHOWN = 20
"""Changes that are shown of one question."""


class NoRulesError(ExplainedError):
    """Nothing is watched, or nobody is told. The text says how to begin."""


@dataclass(frozen=True)
class Finding:
    """One line of the answer.

    Attributes:
        has_failed: the line says what did not work.
    """

    text: str
    has_failed: bool = False


def send_tests(settings: Settings) -> Iterator[Finding]:
    """Send a message to each receiver, and tell how that went.

    Raises:
        NoRulesError: the settings name nobody.
        ReceiverError: an address is wrong, or apprise is not installed.
    """
    if not settings.alerts.receivers:
        raise NoRulesError("nobody is told yet. Name receivers in alerts.receivers: see docs/operations.md")
    message = Message("Kubestats: a test", "Messages of Kubestats arrive here.")
    for name, receiver in open_receivers(settings.alerts).items():
        if (problem := receiver.send(message)) is None:
            yield Finding(f"{name}: the message was taken")
        else:
            yield Finding(f"{name} was not told: {problem.reason}. See alerts.receivers.{name}", has_failed=True)


def find_watched(settings: Settings, days: int) -> Iterator[Finding]:
    """The changes of the last days, question by question, whether they were told or not.

    Raises:
        NoRulesError: the settings have no rules.
        UnusableFileError: the published file is missing, damaged or of another version.
    """
    if not settings.watch:
        raise NoRulesError("nothing is watched yet. Give rules in watch: see docs/operations.md")
    answers = find_changes(settings.layout.warehouse, questions_of(settings.watch))
    asked = questions_by_receiver(settings)
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    for question in answers.changes:
        told = [name for name, questions in asked.items() if question in questions]
        yield from _answer(answers, question, told, since)
    for thing in answers.unknown:
        yield Finding(f"nothing in the published file is called so: {thing}", has_failed=True)


def _answer(answers: Answers, question: Question, told: list[str], since: datetime.datetime) -> Iterator[Finding]:
    found = [change for change in answers.changes[question] if change.changed_at >= since]
    yield Finding(f"{question.key}, told to {', '.join(told)}: {len(found)} since {since:%Y-%m-%d}")
    for change in found[:MOST_SHOWN]:
        yield Finding(f"  {describe(change)}")
    if len(found) > MOST_SHOWN:
        yield Finding(f"  … and {len(found) - MOST_SHOWN:,} more")
