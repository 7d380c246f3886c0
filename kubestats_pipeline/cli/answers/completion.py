"""The names that a shell completes: charts, apps, images, repositories and tables, as the published file has them.

Typer makes the scripts for bash, zsh and fish. The shell runs the command at each Tab, so nothing is loaded before.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from kubestats_pipeline.errors import ExplainedError

MOST = 200
"""Names that are offered. A shell asks before it lists more."""


def names_of(subject: str, published: Callable[[], Path]) -> Callable[[str], list[str]]:
    """The completion of names of a subject: `chart`, `app`, `image` or `repo`.

    Args:
        subject: as `ask/queries/names.sql` calls it.
        published: gives the published file, when a shell asks.
    """

    def complete(incomplete: str) -> list[str]:
        import duckdb

        try:
            return _that_begin(_known(subject, published()), incomplete)
        except (ExplainedError, duckdb.Error, OSError):  # a message would stand in the user's command line
            return []

    return complete


def complete_table(incomplete: str) -> list[str]:
    """Names of tables, views, macros and functions."""
    from kubestats_pipeline.lake.tables import TABLES
    from kubestats_pipeline.warehouse.marts import FUNCTIONS, MACROS, MARTS

    return _that_begin([*TABLES, *(mart.name for mart in (*MARTS, *MACROS, *FUNCTIONS))], incomplete)


def _known(subject: str, published: Path) -> list[str]:
    from kubestats_pipeline.cli.answers.answer import known_names
    from kubestats_pipeline.warehouse.connect import open_to_read

    with open_to_read(published) as connection:
        return known_names(connection).get(subject, [])


def _that_begin(names: Iterable[str], incomplete: str) -> list[str]:
    wanted = incomplete.casefold()
    return sorted(name for name in names if name.casefold().startswith(wanted))[:MOST]
