"""Everything that is taken from Dagster's own modules, whose names may change with any release.

Nobody else imports `dagster._…`. `test_dagster_private.py` looks for the public names that would make a part of it
needless. The imports are made when they are asked for: those of the code server alone take a quarter of a second.
"""

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.execution.plan.objects import StepFailureData as StepFailureData
    from dagster._core.storage.event_log import SqlEventLogStorage
    from dagster_shared.error import SerializableErrorInfo as SerializableErrorInfo

DAEMON = (sys.executable, "-m", "dagster._daemon", "run")
"""The command of the daemon, with this very interpreter. `dagster-daemon` may be that of another environment."""


def sql_storage(instance: dg.DagsterInstance) -> "SqlEventLogStorage | None":
    """The storage of events if it is an SQL database, as SQLite and Postgres are. Only such a one has pools."""
    from dagster._core.storage.event_log import SqlEventLogStorage

    storage = instance.event_log_storage
    return storage if isinstance(storage, SqlEventLogStorage) else None


def is_on_sqlite(instance: dg.DagsterInstance) -> bool:
    """True where runs are recorded in files of one machine, as they are by default, or in its memory."""
    from dagster._core.storage.runs import InMemoryRunStorage, SqliteRunStorage

    return isinstance(instance.run_storage, SqliteRunStorage | InMemoryRunStorage)


def storage_errors() -> tuple[type[Exception], ...]:
    """The errors of a database that does not answer."""
    from sqlite3 import Error

    from sqlalchemy.exc import SQLAlchemyError

    try:
        from dagster_postgres.utils import DagsterPostgresException
    except ImportError:
        return Error, SQLAlchemyError
    return Error, SQLAlchemyError, DagsterPostgresException


def code_servers(instance: dg.DagsterInstance, workspace: Path) -> AbstractContextManager[Any]:
    """The code servers of a workspace file. `get_code_server_specs()` of what is entered says where they listen."""
    from dagster._cli.proxy_server_manager import ProxyServerManager
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    return ProxyServerManager(instance, WorkspaceFileTarget(paths=[str(workspace)]), "warning")


def loaded_workspace(instance: dg.DagsterInstance, workspace: Path) -> AbstractContextManager[Any]:
    """The definitions behind a workspace file, as the webserver's application takes them."""
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    return WorkspaceProcessContext(instance, WorkspaceFileTarget(paths=[str(workspace)]), version=dg.__version__)


def log_services(log_format: str) -> None:
    """Let Dagster's services log to the console, in the format `colored` or `json`."""
    from dagster._utils.log import configure_loggers

    configure_loggers(formatter=log_format, log_level="INFO")
