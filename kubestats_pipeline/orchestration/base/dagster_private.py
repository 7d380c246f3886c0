"""Everything that is taken from Dagster's own modules, whose names may change with any release.

Nobody else imports `dagster._…`. `test_dagster_private.py` looks for the public names that would make a part of it
needless. The imports are made when they are asked for: those of the code server alone take a quarter of a second.
"""

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.execution.plan.objects import StepFailureData as StepFailureData
    from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
    from dagster._core.storage.runs import SqliteRunStorage
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


def open_quickly(home: Path) -> dg.DagsterInstance:
    """The instance of a home. With SQLite, opening it and beginning a run does not look through Dagster's migrations.

    Dagster asks for its newest migration each time that it opens one of its databases, only to see that there is one.
    To answer it executes all of them, some ninety files, which takes 0.05 s a time.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage

    with _unread_migrations():
        instance = dg.DagsterInstance.from_config(str(home))
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):
        vars(storage)["_initdb"] = functools.partial(_lay, storage)
    return instance


@contextlib.contextmanager
def _unread_migrations() -> Iterator[None]:
    """Let Dagster take for granted that it has migrations. The revision of a database is read all the same."""
    from dagster._core.storage import sql

    scripts = vars(sql)["ScriptDirectory"]
    vars(sql)["ScriptDirectory"] = _SomeScripts
    try:
        yield
    finally:
        vars(sql)["ScriptDirectory"] = scripts


class _SomeScripts:
    """In the place of alembic's folder of migrations, for one who asks if it is empty."""

    @staticmethod
    def from_config(config: object) -> "type[_SomeScripts]":
        """Any folder."""
        return _SomeScripts

    @staticmethod
    def as_revision_number(name: str) -> str:
        """Not empty."""
        return name


def _lay(storage: "SqliteEventLogStorage", engine: "Engine", for_index_shard: bool = False) -> None:
    """Lay the file of a run's events as a copy of an empty one that Dagster has laid, which takes it 0.1 s.

    The copy appears as a whole or not at all, for the daemon and the UI may lay the same file. On a file system without
    hard links Dagster lays it itself.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage

    file = Path(engine.url.database or "")
    if for_index_shard or file.exists():
        with _unread_migrations():
            SqliteEventLogStorage._initdb(storage, engine, for_index_shard)
        return
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.write_bytes(_empty_shard(storage, file.parent).read_bytes())
    try:
        file.hardlink_to(new)
    except FileExistsError:
        return
    except OSError:
        SqliteEventLogStorage._initdb(storage, engine)
    finally:
        new.unlink()


def _empty_shard(storage: "SqliteEventLogStorage", folder: Path) -> Path:
    """A file without events, as this version of Dagster lays one. The name keeps it from those of runs."""
    from dagster._core.storage.event_log import SqliteEventLogStorage
    from sqlalchemy import NullPool, create_engine

    kept = folder / f".empty-{dg.__version__}"
    if not kept.exists():
        laid = folder / f"{kept.name}.{os.getpid()}"
        engine = create_engine(f"sqlite:///{laid}", poolclass=NullPool)
        SqliteEventLogStorage._initdb(storage, engine)
        engine.dispose()
        laid.replace(kept)
    return kept


@contextlib.contextmanager
def kept_connections(instance: dg.DagsterInstance) -> Iterator[None]:
    """Keep SQLite's files of runs and events open meanwhile. Dagster opens and closes two for each event, and asks anew
    which tables and columns there are, which takes most of the time of an event: 8 of 11 ms. Another database is left
    as it is, and so is one whose connections are kept already.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage
    from dagster._core.storage.runs import SqliteRunStorage

    events, runs = instance.event_log_storage, instance.run_storage
    with contextlib.ExitStack() as kept:
        if isinstance(events, SqliteEventLogStorage) and "_connect" not in vars(events):
            kept.enter_context(_kept_events(events))
        if isinstance(runs, SqliteRunStorage) and "connect" not in vars(runs):
            kept.enter_context(_kept_runs(runs))
        yield


@contextlib.contextmanager
def _kept_events(storage: "SqliteEventLogStorage") -> Iterator[None]:
    engines = dict[str, "Engine"]()
    replaced: dict[str, Callable[..., Any]] = {
        "_connect": lambda shard: _connected(storage, engines, shard),
        **{name: _remembered(getattr(storage, name)) for name in ("has_table", "has_secondary_index")},
        "_has_asset_key_col_on_connection": _remembered(storage._has_asset_key_col_on_connection, key=1),
    }
    vars(storage).update(replaced)
    try:
        yield
    finally:
        for name in replaced:
            vars(storage).pop(name, None)
        with storage._db_lock:
            for engine in engines.values():
                engine.dispose()


@contextlib.contextmanager
def _kept_runs(storage: "SqliteRunStorage") -> Iterator[None]:
    """Each caller has a connection of its own, as before: callers may be nested, and in several threads."""
    from sqlalchemy import QueuePool, create_engine

    engine = create_engine(storage._conn_string, poolclass=QueuePool, max_overflow=-1)

    @contextlib.contextmanager
    def connect() -> "Iterator[Connection]":
        with engine.begin() as connection:
            yield connection

    vars(storage)["connect"] = connect
    try:
        yield
    finally:
        vars(storage).pop("connect", None)
        engine.dispose()


def _remembered(ask: Callable[..., bool], key: int = 0) -> Callable[..., bool]:
    """The same question, but for what is known to be there: no table and no column goes while a run lasts.

    `key` is the number of the argument that names it.
    """
    found = set[str]()

    def answer(*asked: Any) -> bool:
        if asked[key] not in found and ask(*asked):
            found.add(asked[key])
        return asked[key] in found

    return answer


def _trust_the_system(connection: Any, _: object) -> None:
    """Do not wait for the disk after each event. A power cut may take the last ones of a run, which it ends anyway, and
    leaves the file whole (SQLite's documentation of `synchronous` with a WAL). The end of a process takes none.
    """
    connection.execute("PRAGMA synchronous=NORMAL")


@contextlib.contextmanager
def _connected(storage: "SqliteEventLogStorage", engines: "dict[str, Engine]", shard: str) -> "Iterator[Connection]":
    """One connection to a file of events, of which one thread at a time has the use, as Dagster gives it."""
    from sqlalchemy import StaticPool, create_engine, event

    with storage._db_lock:
        if shard not in engines:
            arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False}
            address = storage.conn_string_for_shard(shard)
            engines[shard] = create_engine(address, poolclass=StaticPool, connect_args=arguments)
            event.listen(engines[shard], "connect", _trust_the_system)
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
