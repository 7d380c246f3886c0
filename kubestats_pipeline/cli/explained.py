"""How commands end: the failures that a user can act on, as one message and an exit status."""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator

import typer

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.git import command as git

FAILED, WRONG_CALL, INTERRUPTED = 1, 2, 130


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn the failures that a user can act on into one message and an exit status."""
    try:
        yield
    except (ExplainedError, git.GitError) as error:
        from kubestats_pipeline.settings import SettingsError

        terminal.show_error(str(error))
        raise typer.Exit(WRONG_CALL if isinstance(error, SettingsError) else FAILED) from None
    except _disk_errors() as error:
        first = str(error).partition("\n")[0]  # SQLAlchemy goes on with its statement
        terminal.show_error(f"{first}. See that the disk is neither full nor read-only, and run again")
        raise typer.Exit(FAILED) from None


def _disk_errors() -> tuple[type[Exception], ...]:
    """Those of the system and of Dagster's storage. Asked for when something failed, since many commands load none."""
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    return (OSError, sqlite3.Error, *((sqlalchemy.SQLAlchemyError,) if sqlalchemy else ()))
