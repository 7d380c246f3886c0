"""The machines of a cluster on loopback: one with code server and daemon, and workers in namespaces of their own.

Each has a data directory of its own, as in containers. They share PostgreSQL, Redis, the S3 store and nothing else.
Dagster is configured by the example of `deploy/`, and workers are started by the command of its Compose file.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kubestats_pipeline_tests.cluster.services import PASSWORD, Service, listens
from kubestats_pipeline_tests.orchestration.live import free_port
from kubestats_pipeline_tests.pages import ROOT

EXAMPLE = ROOT / "deploy" / "dagster.cluster.yaml"
NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def can_unshare() -> bool:
    """True where a process may have a namespace of process ids of its own."""
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


class Cluster:
    """The nodes and what all of them have in common.

    Args:
        folder: below which each node has its data directory.
        ports: of PostgreSQL and Redis.
        env: settings and credentials of all nodes.
    """

    def __init__(self, folder: Path, ports: tuple[int, int], env: Mapping[str, str]) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("KUBESTATS_", "DAGSTER_"))}
        self.folder, (self._postgres, redis) = folder, ports
        broker = f"redis://127.0.0.1:{redis}/0"
        self._env = own | {
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PASSWORD": PASSWORD,
            "CELERY_BROKER_URL": broker,
            "CELERY_RESULT_BACKEND": broker,
            "PYTHONPATH": str(ROOT),
            **env,
        }
        self._code_port = free_port()

    def data(self, node: str) -> Path:
        """The data directory of a node."""
        return self.folder / node / "data"

    def code_server(self) -> Service:
        """The definitions, schedules and sensors."""
        arguments = ["--host", "127.0.0.1", "--port", str(self._code_port), "-m", "kubestats_pipeline.definitions"]
        command = [sys.executable, "-m", "dagster", "api", "grpc", *arguments]
        return self._node("control", "code", command, self._code_port)

    def daemon(self) -> Service:
        """It starts runs by schedules and sensors."""
        workspace = self.folder / "workspace.yaml"
        served = f"{{host: 127.0.0.1, port: {self._code_port}, location_name: kubestats}}"
        workspace.write_text(f"load_from: [{{grpc_server: {served}}}]\n")
        return self._node("control", "daemon", [sys.executable, "-m", "dagster._daemon", "run", "-w", str(workspace)])

    def worker(self, name: str) -> Service:
        """A worker that takes one run at a time from the queue of all and from that of its share.

        It sees no process of another node, if that is allowed here.
        """
        celery = [str(Path(sys.executable).parent / "celery"), "--app=dagster_celery.app", "worker"]
        arguments = [
            f"--queues=dagster,kubestats-{name.rpartition('-')[2]}",
            "--concurrency=1",
            "--disable-prefetch",
            "--loglevel=info",
            f"--hostname={name}@%h",
        ]
        return self._node(name, "worker", [*(NAMESPACE if can_unshare() else ()), *celery, *arguments])

    def _node(self, node: str, part: str, command: Sequence[str], port: int | None = None) -> Service:
        data = self.data(node)
        home = data / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        text = EXAMPLE.read_text().replace("db_name: kubestats", f"db_name: kubestats\n      port: {self._postgres}")
        (home / "dagster.yaml").write_text(text)
        env = self._env | {"KUBESTATS_DATA_DIR": str(data), "DAGSTER_HOME": str(home)}
        log = self.folder / node / f"{part}.log"
        return Service(f"{part} of {node}", command, log, lambda: port is None or listens(port), env)

    def logs(self, *nodes: str) -> str:
        """What nodes have written."""
        return "".join(
            path.read_text(errors="replace") for node in nodes for path in (self.folder / node).glob("*.log")
        )
