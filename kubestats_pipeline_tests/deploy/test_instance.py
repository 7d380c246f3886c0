"""`dagster.cluster.yaml`: loaded by Dagster itself, with a real PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest
import yaml

from kubestats_pipeline_tests.deploy.files import DEPLOY
from kubestats_pipeline_tests.orchestration.live import free_port
from kubestats_pipeline_tests.pages import ROOT

NEWEST = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
POSTGRES = shutil.which("initdb", path=str(NEWEST[-1]) if NEWEST else None)
CLUSTER = yaml.safe_load((DEPLOY / "dagster.cluster.yaml").read_text())
SINGLE = yaml.safe_load((ROOT / "kubestats_pipeline" / "dagster.yaml").read_text())
PASSWORD = "correct horse"

needs_a_server = pytest.mark.skipif(
    POSTGRES is None or find_spec("dagster_postgres") is None or find_spec("dagster_celery") is None,
    reason="needs PostgreSQL (Debian: apt-get install postgresql) and the extra `cluster`",
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a PostgreSQL with the user and the database of the example."""
    number, folder = free_port(), Path(tempfile.mkdtemp(prefix="kubestats-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        shutil.chown(folder, user)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    programs, data = Path(str(POSTGRES)).parent, folder / "data"
    how = ["--username=kubestats", f"--pwfile={folder / 'password'}", "--auth=scram-sha-256", "--no-sync"]
    subprocess.run([programs / "initdb", *how, data], check=True, capture_output=True, user=user, cwd=folder)
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    with (folder / "log").open("w") as log:
        command = [programs / "postgres", "-D", data, "-p", str(number), *options]
        server = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)
    try:
        wait_for(programs, number)
        env = {**os.environ, "PGPASSWORD": PASSWORD}
        create = [programs / "createdb", "-h", "127.0.0.1", "-p", str(number), "-U", "kubestats", "kubestats"]
        subprocess.run(create, check=True, capture_output=True, env=env)
        yield number
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(folder)


def wait_for(programs: Path, number: int) -> None:
    asked = [programs / "pg_isready", "--host=127.0.0.1", f"--port={number}"]
    for _ in range(240):
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.25)
    raise TimeoutError("PostgreSQL does not answer")


@pytest.fixture
def home(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the example. Only the port is another one."""
    example = (DEPLOY / "dagster.cluster.yaml").read_text()
    here = example.replace("db_name: kubestats", f"db_name: kubestats\n      port: {port}")
    assert here != example
    (tmp_path / "dagster.yaml").write_text(here)
    monkeypatch.setenv("DAGSTER_PG_HOST", "127.0.0.1")
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", PASSWORD)
    for name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
        monkeypatch.setenv(name, "redis://:secret@127.0.0.1:6379/0")
    return tmp_path


@needs_a_server
def test_dagster_opens_it_and_keeps_runs_in_postgresql(home: Path):
    with dg.DagsterInstance.from_config(str(home)) as instance:
        run = instance.create_run_for_job(dg.GraphDefinition(name="nothing").to_job())
        launcher = instance.run_launcher
        assert type(instance.run_storage).__name__ == "PostgresRunStorage"
        assert type(launcher).__name__ == "CeleryRunLauncher"
        assert launcher.broker == os.environ["CELERY_BROKER_URL"]
        assert instance.run_monitoring_enabled
    with dg.DagsterInstance.from_config(str(home)) as another:
        assert another.has_run(run.run_id)
    assert not list(home.rglob("*.db"))


@needs_a_server
def test_it_holds_no_password_itself(home: Path):
    assert PASSWORD not in (home / "dagster.yaml").read_text()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert PASSWORD not in str(instance.get_ref())


def test_its_policies_are_those_of_one_machine():
    """But for storage, launcher and the number of runs. What one has alone has no meaning in the other."""
    own = {"storage", "run_launcher", "concurrency"}
    assert {name: CLUSTER[name] for name in CLUSTER.keys() - own} == {
        name: SINGLE[name] for name in SINGLE.keys() - own - {"code_servers"}
    }
    assert CLUSTER["concurrency"]["pools"] == SINGLE["concurrency"]["pools"]
