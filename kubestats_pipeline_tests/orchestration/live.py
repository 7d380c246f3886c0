"""Starts the real UI, daemon and runs over a temporary home, asks the UI what its page asks, and kills everything."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pytest

T = TypeVar("T")

TOKEN = "ghp_planted0123456789"
"""A secret of the environment that must not turn up anywhere."""

PATIENCE = 300
"""Seconds within which something must have happened, however busy the machine is."""

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are found by their environment in /proc")


class Live:
    """`kubestats dev` over some repositories, with schedules every minute and sensors every ten seconds."""

    def __init__(self, folder: Path, remotes: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.log = folder / "dev.log"
        own = {name: value for name, value in os.environ.items() if not name.startswith(("KUBESTATS_", "DAGSTER_"))}
        self.env = own | {
            "KUBESTATS_DATA_DIR": str(self.data),
            "KUBESTATS_REPOSITORIES": str(remotes),
            "GITHUB_TOKEN": TOKEN,
            "KUBESTATS_AUTOMATION__DISCOVER_MINUTES": "1",
            "KUBESTATS_AUTOMATION__SYNC_MINUTES": "1",
            "KUBESTATS_AUTOMATION__SENSOR_SECONDS": "10",
            "KUBESTATS_SYNC__WORKERS": "1",
            "KUBESTATS_SYNC__RETRY_MINUTES": "0.01",
            "KUBESTATS_SCAN__WORKERS": "1",
        }

    def start(self) -> None:
        """Start it and wait until the UI has loaded the pipeline."""
        command = [sys.executable, "-m", "kubestats_pipeline.cli", "dev", "--port", str(self.port)]
        with self.log.open("a") as log:
            subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=log, stderr=log, start_new_session=True)
        self.wait_for("the UI", self._is_loaded)

    def _is_loaded(self) -> bool:
        (location,) = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        return bool(location["loadStatus"] == "LOADED")

    def kill(self) -> None:
        """SIGKILL for everything at once, runs included, as a power cut would."""
        while processes := self.processes():
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.2)

    def processes(self) -> list[int]:
        """All living processes that work with this data directory: it is in the environment of each."""
        mark = f"KUBESTATS_DATA_DIR={self.data}\0".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes() and " Z " not in (folder / "stat").read_text():
                    found.append(int(folder.name))
        return found

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """What the UI's own page does: a GraphQL query or mutation."""
        return ask(f"http://127.0.0.1:{self.port}/graphql", query, **variables)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """A query against the published warehouse; none before it is there."""
        if not (self.data / "kubestats.duckdb").exists():
            return []
        with duckdb.connect(str(self.data / "kubestats.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def wait_for(self, what: str, condition: Callable[[], T]) -> T:
        """Wait until a condition holds; give what it gave."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(OSError):  # the UI may not listen yet
                if found := condition():
                    return found
            if time.monotonic() > deadline:
                said = self.log.read_text()[-3000:]
                raise AssertionError(f"waited {PATIENCE} s for {what}; the log ends with\n{said}")
            time.sleep(0.5)

    def runs(self, **filters: Any) -> list[dict[str, Any]]:
        """Runs, the newest first."""
        found: list[dict[str, Any]] = self.ask(RUNS, filter=filters)["runsOrError"]["results"]
        return found

    def backfill(self, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """Launch a backfill as the UI's dialogue does; give its id."""
        parameters = {
            "assetSelection": [{"path": [asset]} for asset in assets],
            "partitionNames": list(partitions),
            "fromFailure": False,
            "tags": [],
        }
        launched = self.ask(BACKFILL, parameters=parameters)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        identity: str = launched["backfillId"]
        return identity

    def launch(self, job: str, partition: str | None = None) -> str:
        """Launch a job, or its partition, as the UI does with the run config that it offers; give the run's id."""
        selected = {"repositoryLocationName": "kubestats", "repositoryName": "__repository__"}
        config, tags = "{}", []
        if partition is not None:
            offered = self.ask(OFFERED, set=f"{job}_partition_set", partition=partition, repository=selected)
            config = offered["partitionSetOrError"]["partition"]["runConfigOrError"]["yaml"]
            tags = [{"key": "dagster/partition", "value": partition}]
        parameters = {
            "selector": {**selected, "jobName": job},
            "mode": "default",
            "runConfigData": config,
            "executionMetadata": {"tags": tags},
        }
        launched = self.ask(LAUNCH, parameters=parameters)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run: str = launched["run"]["runId"]
        return run

    def ended(self, backfill: str) -> str:
        """Wait until a backfill has ended; give its status."""

        def status() -> str:
            found: str = self.ask(BACKFILL_STATUS, id=backfill)["partitionBackfillOrError"]["status"]
            return found if found.startswith("COMPLETED") or found in ("FAILED", "CANCELED") else ""

        return self.wait_for(f"backfill {backfill}", status)

    def materialized(self, asset: str) -> set[str]:
        """The partitions that the UI shows as green."""
        answer = self.ask(PARTITIONS, key={"path": [asset]})["assetNodeOrError"]
        known = answer["partitionKeys"]
        statuses = answer["assetPartitionStatuses"]
        if "materializedPartitions" in statuses:
            return set(statuses["materializedPartitions"])
        spans = [(span["startKey"], span["endKey"]) for span in statuses["ranges"] if span["status"] == "MATERIALIZED"]
        return {key for key in known if any(start <= key <= end for start, end in spans)}


def ask(url: str, query: str, headers: Mapping[str, str] = {}, **variables: Any) -> dict[str, Any]:
    """A GraphQL question; a mistake in it is an error."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    data: dict[str, Any] = answer["data"]
    return data


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def running(live: Live) -> Iterator[Live]:
    """Start it, and leave no process behind whatever happens."""
    try:
        live.start()
        yield live
    finally:
        live.kill()


LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }
"""

RUNS = """
query Runs($filter: RunsFilter) {
  runsOrError(filter: $filter, limit: 1000) {
    ... on Runs { results { runId jobName status tags { key value } runConfigYaml } }
  }
}
"""

BACKFILL = """
mutation Backfill($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on UnauthorizedError { message }
  }
}
"""

BACKFILL_STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}
"""

OFFERED = """
query Offered($set: String!, $partition: String!, $repository: RepositorySelector!) {
  partitionSetOrError(partitionSetName: $set, repositorySelector: $repository) {
    ... on PartitionSet {
      partition(partitionName: $partition) { runConfigOrError { ... on PartitionRunConfig { yaml } } }
    }
  }
}
"""

LAUNCH = """
mutation Launch($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""

PARTITIONS = """
query Partitions($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      partitionKeys
      assetPartitionStatuses {
        ... on DefaultPartitionStatuses { materializedPartitions }
        ... on TimePartitionStatuses { ranges { status startKey endKey } }
      }
    }
  }
}
"""
