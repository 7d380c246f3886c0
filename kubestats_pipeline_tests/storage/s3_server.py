"""A real S3 server on loopback: SeaweedFS, with a key that may do all and one that may only read."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

PATIENCE_SECONDS = 60

IDENTITIES = {
    "identities": [
        {
            "name": "pipeline",
            "credentials": [{"accessKey": "pipeline", "secretKey": "a-secret-of-the-pipeline"}],
            "actions": ["Admin", "Read", "Write", "List"],
        },
        {
            "name": "reader",
            "credentials": [{"accessKey": "reader", "secretKey": "a-secret-of-the-reader"}],
            "actions": ["Read", "List"],
        },
    ]
}


def credentials(user: str, port: int) -> dict[str, str]:
    """The environment by which obstore, as the cloud's own tools, reaches the server as a user."""
    return {
        "AWS_ACCESS_KEY_ID": user,
        "AWS_SECRET_ACCESS_KEY": f"a-secret-of-the-{user}",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }


@dataclass
class S3Server:
    """The server while it runs. Its buckets are folders of its own file system, which are made and removed there."""

    folder: Path
    port: int
    filer: int
    process: "subprocess.Popen[bytes] | None" = None

    def environment(self, user: str = "pipeline") -> Mapping[str, str]:
        """What a process needs in its environment."""
        return credentials(user, self.port)

    def make_bucket(self, name: str) -> str:
        """Make a bucket, and give its address."""
        httpx.post(f"http://127.0.0.1:{self.filer}/buckets/{name}/", timeout=PATIENCE_SECONDS).raise_for_status()
        return f"s3://{name}"

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with everything in it."""
        address = f"http://127.0.0.1:{self.filer}/buckets/{name}"
        httpx.delete(address, params={"recursive": "true"}, timeout=PATIENCE_SECONDS).raise_for_status()


@contextlib.contextmanager
def serve_s3(folder: Path) -> Iterator[S3Server]:
    """Start the server with the bucket `lake`, wait until it answers, and end it afterwards."""
    ports = free_ports(8)
    process = _start(folder, ports)
    server = S3Server(folder, ports[6], ports[4], process)
    try:
        _wait(server)
        yield server
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def weed() -> str | None:
    """The program, which its package puts beside Python."""
    return shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def server_command(folder: Path, ports: list[int]) -> list[str]:
    """The command of a server with its files in a new folder, on eight ports of loopback."""
    folder.mkdir(parents=True)
    (folder / "s3.json").write_text(json.dumps(IDENTITIES))
    (folder / "data").mkdir()
    program = weed()
    assert program
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = ports
    options = {
        "dir": folder / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.port": master,
        "master.port.grpc": master_grpc,
        "master.volumeSizeLimitMB": 64,
        "master.telemetry": "false",
        "volume.port": volume,
        "volume.port.grpc": volume_grpc,
        "volume.max": 100,
        "filer": "true",
        "filer.port": filer,
        "filer.port.grpc": filer_grpc,
        "s3": "true",
        "s3.port": s3,
        "s3.port.grpc": s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.autoCreateBucket": "false",
        "s3.config": folder / "s3.json",
    }
    return [program, "server", *(f"-{name}={value}" for name, value in options.items())]


def _start(folder: Path, ports: list[int]) -> "subprocess.Popen[bytes]":
    command = server_command(folder, ports)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def _wait(server: S3Server) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and (server.process is None or server.process.poll() is None):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{server.port}/").status_code == 403:  # it wants to know who asks
                server.make_bucket("lake")
                return
        time.sleep(0.1)
    raise TimeoutError((server.folder / "log").read_text()[-2000:])


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
