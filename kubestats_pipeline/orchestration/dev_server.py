"""`kubestats dev`: Dagster's UI behind our guard, its daemon and its code server, until interrupted.

It does what `dagster dev` does, with one difference: Dagster's own ASGI application is served from here, so that the
guard (`guard.py`) filters its requests. The daemon is a process of its own, and so is the code server, which Dagster
starts anew when the code is reloaded.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import uvicorn
import yaml
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    DEFAULT_POOL_RECYCLE,
)

from kubestats_pipeline.loopback import ServerError
from kubestats_pipeline.orchestration.base.dagster_private import DAEMON, code_servers, loaded_workspace, log_services
from kubestats_pipeline.orchestration.guard import Guard

WORKSPACE = Path(__file__).parents[1] / "workspace.yaml"

LAST_ANSWERS_SECONDS = 5
"""Time for the last requests to be answered when it ends."""

DAEMON_SECONDS = 60
"""Time for the daemon to end."""


def serve(instance: dg.DagsterInstance, server: socket.socket, hosts: Sequence[str], log_format: str) -> None:
    """Serve the UI, and keep daemon and code server beside it, until an interrupt.

    Args:
        instance: what it shows. The other processes find it by `DAGSTER_HOME`.
        server: a socket that listens, from `listen`.
        hosts: names beside the loopback ones by which the UI is reached.
        log_format: `colored` or `json`.

    Raises:
        ServerError: the daemon ended by itself.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores them
        signal.signal(number, signal.default_int_handler)
    log_services(log_format)
    with (
        contextlib.suppress(KeyboardInterrupt),
        _code_server(instance) as workspace,
        _running_daemon(workspace, log_format) as daemon,
        _ui(instance, workspace, hosts) as ui,
    ):
        _answer(ui, server, daemon)


@contextlib.contextmanager
def _code_server(instance: dg.DagsterInstance) -> Iterator[Path]:
    """The code server, and a workspace file that says where it listens."""
    with code_servers(instance, WORKSPACE) as manager, tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace.yaml"
        workspace.write_text(yaml.safe_dump({"load_from": list(manager.get_code_server_specs())}))
        yield workspace


@contextlib.contextmanager
def _running_daemon(workspace: Path, log_format: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Dagster's daemon, which is asked to end at the end of the block."""
    arguments = ["--log-level", "info", "--log-format", log_format, "--workspace", str(workspace)]
    daemon = subprocess.Popen([*DAEMON, *arguments])
    try:
        yield daemon
    finally:
        daemon.terminate()
        try:
            daemon.wait(DAEMON_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


@contextlib.contextmanager
def _ui(instance: dg.DagsterInstance, workspace: Path, hosts: Sequence[str]) -> Iterator[uvicorn.Server]:
    """The webserver, with Dagster's application behind the guard."""
    instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
    with loaded_workspace(instance, workspace) as context:
        app = create_app_from_workspace_process_context(context, live_data_poll_rate=2000)
        wait = LAST_ANSWERS_SECONDS
        yield uvicorn.Server(
            uvicorn.Config(Guard(app, hosts), log_level="warning", timeout_graceful_shutdown=wait, lifespan="off")
        )


def _answer(ui: uvicorn.Server, server: socket.socket, daemon: "subprocess.Popen[bytes]") -> None:
    """Answer requests until an interrupt, or until the daemon ends: a UI without it would only look alive."""
    threading.Thread(target=_end_with, args=(daemon, ui), daemon=True).start()
    host, port = server.getsockname()
    logging.getLogger("dagster").info("Serving the UI on http://%s:%s in process %s", host, port, os.getpid())
    ui.run(sockets=[server])
    if daemon.poll() is not None:
        raise ServerError(f"Dagster's daemon ended with status {daemon.returncode}. Its last lines above say why")


def _end_with(daemon: "subprocess.Popen[bytes]", ui: uvicorn.Server) -> None:
    daemon.wait()
    ui.should_exit = True
