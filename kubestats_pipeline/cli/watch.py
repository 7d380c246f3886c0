"""`kubestats watch`: shows what the rules of the settings find, and sends test messages. Remembers nothing as told."""

import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.explained import FAILED, explained
from kubestats_pipeline.cli.loaded import load_settings
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.paths import Layout

if TYPE_CHECKING:
    from kubestats_pipeline.settings import Settings
    from kubestats_pipeline.watch.changes import Answers, Question

MOST_SHOWN = 20
"""Changes that are shown of one question."""


class NoRulesError(ExplainedError):
    """Nothing is watched, or nobody is told. The text says how to begin."""


def watch(
    days: Annotated[int, typer.Option("--days", min=1, help="how far back to look")] = 7,
    test: Annotated[bool, typer.Option("--test", help="send a test message to each receiver instead")] = False,
) -> None:
    """What the watch rules find in the published file. Exits with 1 if a test message was not taken."""
    with explained():
        settings = load_settings()
        require_receivers(settings)
        is_well = _send_tests(settings) if test else _show_found(settings, days)
    raise typer.Exit(0 if is_well else FAILED)


def require_receivers(settings: "Settings") -> None:
    """Stop a command that tells somebody, if it could not.

    Raises:
        ReceiverError: apprise is not installed, or does not know the form of an address.
    """
    if settings.alerts.receivers:
        from kubestats_pipeline.watch.receivers import open_receivers

        open_receivers(settings.alerts)


def _send_tests(settings: "Settings") -> bool:
    from kubestats_pipeline.watch.messages import Message
    from kubestats_pipeline.watch.receivers import open_receivers

    if not settings.alerts.receivers:
        raise NoRulesError("nobody is told yet. Name receivers in alerts.receivers: see docs/operations.md")
    is_well = True
    message = Message("Kubestats: a test", "Messages of Kubestats arrive here.")
    for name, receiver in open_receivers(settings.alerts).items():
        if problem := receiver.send(message):
            is_well = False
            terminal.show_error(f"{name} was not told: {problem}. See alerts.receivers.{name}")
        else:
            terminal.show_line(f"{name}: the message was taken")
    return is_well


def _show_found(settings: "Settings", days: int) -> bool:
    from kubestats_pipeline.watch.changes import find_changes, questions_of
    from kubestats_pipeline.watch.telling import questions_by_receiver

    if not settings.watch:
        raise NoRulesError("nothing is watched yet. Give rules in watch: see docs/operations.md")
    answers = find_changes(Layout(settings.data_dir).warehouse, questions_of(settings.watch))
    asked = questions_by_receiver(settings)
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    for question in answers.changes:
        told = [name for name, questions in asked.items() if question in questions]
        _show_question(answers, question, told, since)
    for thing in answers.unknown:
        terminal.show_error(f"nothing in the published file is called so: {thing}")
    return True


def _show_question(answers: "Answers", question: "Question", told: list[str], since: datetime.datetime) -> None:
    from kubestats_pipeline.watch.messages import describe

    found = [change for change in answers.changes[question] if change.changed_at >= since]
    terminal.show_line(f"{question.key}, told to {', '.join(told)}: {len(found)} since {since:%Y-%m-%d}")
    for change in found[:MOST_SHOWN]:
        terminal.show_line(f"  {describe(change)}")
    if len(found) > MOST_SHOWN:
        terminal.show_line(f"  … and {len(found) - MOST_SHOWN:,} more")
