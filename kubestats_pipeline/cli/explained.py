"""How commands end: what a user can act on as one message, and an exit status."""

import contextlib
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

import typer
from typer.core import TyperGroup

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.git import command as git

FAILED, WRONG_CALL, INTERRUPTED = 1, 2, 130

INTERRUPTED_QUERY = "Query interrupted"
"""The error of DuckDB, which listens to Ctrl-C itself."""

GO_ON = "All that was done is kept, nothing is half written, and `kubestats {}` goes on from there"
UNCHANGED = "Nothing was changed"

AFTER_INTERRUPT: Mapping[str, str] = {
    "demo": GO_ON.format("demo"),
    "run": GO_ON.format("run"),
    "sync": GO_ON.format("run"),
    "clean": GO_ON.format("clean"),
    "retire": GO_ON.format("retire"),
    "dev": "Runs that were under way are started anew by the next `kubestats dev`",
    "report": "The last pages are as they were, and `kubestats report` makes what is missing",
    "approve": "See `kubestats status` whether it was decided",
    "block": "See `kubestats status` whether it was decided",
    "unblock": "See `kubestats status` whether it was decided",
    "delete": "`kubestats delete` again, or the next discovery, completes it",
    "backup": "Earlier backups are as they were, and the next one removes what this one left",
    "restore": "`kubestats restore` again goes on",
    "fetch": "`kubestats fetch` again goes on",
}
"""The safe state after Ctrl-C, and how to go on, by command. All others only read."""


DEBUG: ContextVar[bool] = ContextVar("debug", default=False)
"""True under `--debug`: tracebacks are shown before the messages."""


class ExplainedCommands(TyperGroup):
    """The commands, of which each one ends with an explanation, also while it is still being loaded."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command. `--debug` before its name shows tracebacks."""
        DEBUG.set(bool(ctx.params.get("debug")))
        try:
            with explained():
                return super().invoke(ctx)
        except BaseException as error:
            if _ends_a_command(error):
                raise
            raise typer.Exit(_tell(error, str(ctx.invoked_subcommand))) from None


def _ends_a_command(error: BaseException) -> bool:
    """True for what typer and Python take care of themselves."""
    own = isinstance(error, typer.Abort | BrokenPipeError) or hasattr(error, "exit_code")
    return own or not isinstance(error, Exception | KeyboardInterrupt)


def _tell(error: BaseException, command: str) -> int:
    """Show an interrupt, or an error that nobody foresaw, and give the exit status."""
    if isinstance(error, KeyboardInterrupt) or str(error) == INTERRUPTED_QUERY:
        terminal.show_error(after_interrupt(command))
        return INTERRUPTED
    _show_traceback()
    report = f"Please report it with what `kubestats --debug {command} …` shows"
    terminal.show_error(f"unexpected {type(error).__name__}: {_first_line(error)}. {report}")
    return FAILED


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn the failures that a user can act on into one message and an exit status."""
    try:
        yield
    except (ExplainedError, git.GitError) as error:
        from kubestats_pipeline.settings import SettingsError

        _show_traceback()
        terminal.show_error(str(error))
        raise typer.Exit(WRONG_CALL if isinstance(error, SettingsError) else FAILED) from None
    except BrokenPipeError:  # who reads our output has seen enough
        raise
    except _disk_errors() as error:
        _show_traceback()
        terminal.show_error(f"{_first_line(error)}. See that the disk is neither full nor read-only, and run again")
        raise typer.Exit(FAILED) from None


def after_interrupt(command: str) -> str:
    """The message after Ctrl-C: what is safe, and how to go on."""
    return f"interrupted. {AFTER_INTERRUPT.get(command, UNCHANGED)}"


def _first_line(error: BaseException) -> str:
    """SQLAlchemy goes on with its statement."""
    return str(ExplainedError(str(error).partition("\n")[0]))


def _show_traceback() -> None:
    if DEBUG.get():
        import traceback

        traceback.print_exc()


def _disk_errors() -> tuple[type[Exception], ...]:
    """Those of the system and of Dagster's storage. Asked for when something failed, since many commands load none."""
    storage = sys.modules.get("kubestats_pipeline.orchestration.base.dagster_private")
    return (OSError, sqlite3.Error, *(storage.storage_errors() if storage else ()))
