"""`kubestats approve`, `block`, `unblock` and `delete`: the administrator's decisions, taken and shown."""

from typing import TYPE_CHECKING, Annotated

import typer

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.answers.completion import names_of
from kubestats_pipeline.cli.explained import explained
from kubestats_pipeline.cli.loaded import load_settings, published_file

if TYPE_CHECKING:
    from kubestats_pipeline.discover.decide import Verb

Name = Annotated[
    str,
    typer.Argument(
        metavar="OWNER/NAME",
        help="its full name, or one that it had",
        autocompletion=names_of("repo", published_file),
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", help="the reason, which is kept and shown")]
UnknownToo = Annotated[bool, typer.Option("--unknown-too", help="also a name that no discovery has seen yet")]


def approve(repository: Name, reason: Reason = None, unknown_too: UnknownToo = False) -> None:
    """Let a repository in that is too large, or was deleted. No limit of size holds for it then."""
    _decide("approve", repository, reason, unknown_too)


def block(repository: Name, reason: Reason = None, unknown_too: UnknownToo = False) -> None:
    """Neither sync nor scan a repository any more. Its history stays, and its numbers are still recorded."""
    _decide("block", repository, reason, unknown_too)


def unblock(repository: Name) -> None:
    """End a block. The next sweep syncs the repository again."""
    _decide("unblock", repository, None)


def delete(repository: Name, reason: Reason = None, unknown_too: UnknownToo = False) -> None:
    """Remove everything about a repository for good. No discovery brings it back."""
    _decide("delete", repository, reason, unknown_too)


def _decide(verb: "Verb", repository: str, reason: str | None, unknown_too: bool = False) -> None:
    with explained():
        from kubestats_pipeline.orchestration.base.context import Services
        from kubestats_pipeline.orchestration.base.dagster_home import open_instance
        from kubestats_pipeline.orchestration.decision_jobs import carry_out

        settings = load_settings()
        with open_instance(settings.layout) as instance:
            decided = carry_out(Services(settings), instance, verb, repository, reason, unknown_too=unknown_too)
        terminal.show_line(decided.text)
