"""Dagster's real webserver behind the guard on a port of loopback, over an instance of its own without code."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.loopback import listen
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.guard import Guard

MUTATION = 'mutation { setConcurrencyLimit(concurrencyKey: "planted", limit: 3) }'
"""A change that needs no code and that everybody may see afterwards."""


@dataclass(frozen=True)
class GuardedUi:
    """A running UI and what it works on."""

    port: int
    instance: dg.DagsterInstance

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def take_change(self) -> bool:
        """Whether somebody's mutation was executed; the next question starts anew."""
        was_changed = "planted" in self.instance.event_log_storage.get_concurrency_keys()
        if was_changed:
            self.instance.event_log_storage.delete_concurrency_limit("planted")
        return was_changed


@contextlib.contextmanager
def guarded_ui(folder: Path, hosts: Sequence[str] = ()) -> Iterator[GuardedUi]:
    """Serve it in a thread until the end of the block."""
    with (
        open_instance(Layout(folder)) as instance,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as context,
    ):
        app = Guard(create_app_from_workspace_process_context(context), hosts)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
        listener = listen(0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield GuardedUi(listener.getsockname()[1], instance)
        finally:
            server.should_exit = True
            thread.join()
