"""`kubestats chart`, `app`, `image`, `repo` and `grep`: what the published file tells about a name, without SQL.

`kubestats mcp` lets an assistant ask the same, over standard input and output. `kubestats tables` says what else there
is to ask for.
"""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubestats_pipeline.cli.answers.completion import complete_table, names_of
from kubestats_pipeline.cli.answers.formats import AnswerFormat
from kubestats_pipeline.cli.explained import explained
from kubestats_pipeline.cli.loaded import load_settings, published_file
from kubestats_pipeline.errors import ExplainedError

if TYPE_CHECKING:
    from kubestats_pipeline.cli.answers.sections import Subject

ROWS = 10
"""Rows of a section that people see where they name no number."""

WIDTH = 120
"""Longer lines of prose are hard to read."""

Form = Annotated[AnswerFormat, typer.Option("--format", help="json has all rows of all sections, csv those of one")]
Rows = Annotated[int, typer.Option("--rows", min=0, help="rows of a section that a table shows, 0 for all")]
Pager = Annotated[bool, typer.Option(" /--no-pager", help="write long answers to the terminal at once")]
Against = Annotated[
    Path | None, typer.Option("--against", help="a published file, instead of the one in the data directory")
]


class MissingExtraError(ExplainedError):
    """An optional dependency is not installed. The text says how to install it."""


def _question(subject: "Subject", means: str, tells: str, metavar: str = "NAME") -> Callable[..., None]:
    """The command of one subject, which is called as the subject is. `means` explains its argument."""
    completed = None if subject == "grep" else names_of(subject, published_file)
    argument = typer.Argument(metavar=metavar, help=means, autocompletion=completed)

    def ask(
        name: Annotated[str, argument],
        form: Form = AnswerFormat.TABLE,
        rows: Rows = ROWS,
        pager: Pager = True,
        against: Against = None,
    ) -> None:
        with explained():
            from kubestats_pipeline.cli.answers.answer import ask_about, show_answer
            from kubestats_pipeline.cli.answers.sections import ANSWERS

            answer = ask_about(against or published_file(), subject, name)
            show_answer(answer, form, ANSWERS[subject].main, rows, paged=pager)

    ask.__name__, ask.__doc__ = subject, tells
    return ask


QUESTIONS = (
    _question(
        "chart",
        "a chart, such as cert-manager",
        "Who runs a chart, at which versions, how far behind, and with which values.",
    ),
    _question(
        "app",
        "an application, such as jellyfin",
        "Who runs an application, by which charts and images, and at which versions.",
    ),
    _question(
        "image",
        "an image without its tag, whole or its last part",
        "Who runs an image, at which tags, and how its versions were received.",
    ),
    _question(
        "repo",
        "a repository by its full name",
        "The releases of a repository, how far they are behind, and its latest changes.",
        metavar="OWNER/NAME",
    ),
    _question(
        "grep",
        "a part of a line, such as `storageClassName: nfs`",
        "Lines with a text in all documents that count, each with its repository, file and link.",
        metavar="TEXT",
    ),
)
"""The commands that ask about one name or text, all in the same way."""


def tables(
    name: Annotated[
        str | None,
        typer.Argument(help="one table, view, macro or function, with its SQL", autocompletion=complete_table),
    ] = None,
    pager: Pager = True,
) -> None:
    """The data dictionary: one table or view with its columns and SQL, or all as Markdown."""
    with explained():
        if name is None:
            from kubestats_pipeline.warehouse.dictionary import describe_tables

            typer.echo(describe_tables())
            return

        from kubestats_pipeline.cli.answers.dictionary import describe
        from kubestats_pipeline.cli.answers.pager import show_lines

        show_lines(describe(name, min(shutil.get_terminal_size().columns, WIDTH)), paged=pager)


def mcp(against: Against = None) -> None:
    """Serve the published file to an assistant, read-only, over standard input and output (MCP)."""
    with explained():
        if importlib.util.find_spec("mcp") is None:
            raise MissingExtraError("the package mcp is missing. Run `pip install 'kubestats-pipeline[mcp]'`")
        from kubestats_pipeline.ask.mcp_server import build_server
        from kubestats_pipeline.ask.published import PublishedFile

        published = PublishedFile(against or load_settings().layout.warehouse)
        published.ask("SELECT 1")  # a wrong file is told now, and not when the assistant asks
        build_server(published).run()
