"""Everything that is taken from Dagster's own modules, whose names may change with any release.

Nobody else imports `dagster._…`. `test_dagster_private.py` looks for the public names that would make a part of it
needless. The imports are made when they are asked for: those of the code server alone take a quarter of a second.
"""

import contextlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.execution.plan.objects import StepFailureData as StepFailureData
    from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
    from dagster_shared.error import SerializableErrorInfo as SerializableErrorInfo
    from sqlalchemy.engine import Connection, Engine

DAEMON = (sys.executable, "-m", "dagster._daemon", "run")
"""The command of the daemon, with this very interpreter. `dagster-daemon` may be that of another environment."""


BUSY_SECONDS = 30
"""How long a writer of SQLite waits for another one: as long as Dagster lets it wait."""


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


@contextlib.contextmanager
def kept_connections(instance: dg.DagsterInstance) -> Iterator[None]:
    """Keep SQLite's files of events open meanwhile. Dagster opens and closes two for each event, which takes most of
    the time of an event: 7 of 11 ms. Another database is left as it is.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    engines = dict[str, "Engine"]()
    vars(storage)["_connect"] = lambda shard: _connected(storage, engines, shard)
    try:
        yield
    finally:
        vars(storage).pop("_connect", None)
        with storage._db_lock:
            for engine in engines.values():
                engine.dispose()


@contextlib.contextmanager
def _connected(storage: "SqliteEventLogStorage", engines: "dict[str, Engine]", shard: str) -> "Iterator[Connection]":
    """One connection to a file of events, of which one thread at a time has the use, as Dagster gives it."""
    from sqlalchemy import StaticPool, create_engine

    with storage._db_lock:
        if shard not in engines:
            arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False}
            address = storage.conn_string_for_shard(shard)
            engines[shard] = create_engine(address, poolclass=StaticPool, connect_args=arguments)
        if shard not in storage._initialized_dbs:
            storage._initdb(engines[shard])
            storage._initialized_dbs.add(shard)
        with engines[shard].begin() as connection:
            yield connection


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
