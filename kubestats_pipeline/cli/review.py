"""`kubestats review`: a change in the user's own clone, with who runs the new versions already."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.explained import FAILED, WRONG_CALL, explained
from kubestats_pipeline.cli.loaded import load_settings
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.git.command import GitError
from kubestats_pipeline.review.rules import RULES, parse_rules

CACHE = Path("~/.cache/kubestats")
"""Where downloaded files are kept, unless the user says otherwise."""


def review(
    revisions: Annotated[str, typer.Argument(metavar="BASE..HEAD", help="two commits, or BASE...HEAD as git diff")],
    against: Annotated[
        str | None, typer.Option("--against", help="a published file or its URL, not that of the data directory")
    ] = None,
    fail_on: Annotated[str, typer.Option("--fail-on", help=f"rules, by commas: {', '.join(RULES)}")] = "",
    clone: Annotated[Path, typer.Option("--clone", help="your clone, which is only read")] = Path(),
    cache: Annotated[Path, typer.Option("--cache", help="where a file of a URL is kept")] = CACHE,
) -> None:
    """Review a change of your own repository: who runs the new versions, how long, who went back. Prints Markdown.

    Exits with 1 if a rule of --fail-on holds, and with 2 for wrong input.
    """
    from kubestats_pipeline.review.review import review_range
    from kubestats_pipeline.scan.documents.document import Bounds

    with explained(), _never_one():
        rules = parse_rules(fail_on)
        done = review_range(clone, revisions, _published(against, cache), rules, Bounds())
    typer.echo(done.markdown, nl=False)
    raise typer.Exit(FAILED if done.held else 0)


def _published(against: str | None, cache: Path) -> Path:
    """The published file. Settings are read only where it is in the data directory: a clone may hold others' ones."""
    from kubestats_pipeline.review.download import fetch_published, is_url

    if against is None:
        return load_settings().layout.warehouse
    return fetch_published(against, cache.expanduser()) if is_url(against) else Path(against)


@contextmanager
def _never_one() -> Iterator[None]:
    """A failure that is explained never has the status of a rule that holds."""
    try:
        yield
    except (ExplainedError, GitError, OSError) as error:
        terminal.show_error(str(error))
        raise typer.Exit(WRONG_CALL) from None
