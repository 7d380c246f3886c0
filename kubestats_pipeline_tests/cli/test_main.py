"""The kubestats command as a user runs it: real processes, exit statuses and messages."""

import csv
import datetime
import json
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import duckdb
import polars as pl
import pytest

from kubestats_pipeline.cli.answers.sections import ANSWERS
from kubestats_pipeline.cli.cycles import _show_unraisable
from kubestats_pipeline.cli.main import app
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.corpus import LARGER, LARGEST, SMALL, unpack
from kubestats_pipeline_tests.demo import KUBESTATS, Command, clean_environment, demo  # noqa: F401 - a fixture
from kubestats_pipeline_tests.hosts.github_server import GitHubServer

TODAY = datetime.datetime.now(datetime.UTC)
"""When the test repositories were last committed to: `ecosystem_stats` gets a row for each day since."""

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}}}\n"


@pytest.fixture
def kubestats(tmp_path):
    return Command(tmp_path)


def tables_of(command: Command) -> dict[str, list]:
    """Every row that is a function of git alone."""
    columns = {
        "resources": "*",
        "resource_events": "* EXCLUDE (sync_run_id)",
        "scan_problems": "*",
        "scans": "* EXCLUDE (sync_run_id, last_scan_at)",
        "repositories": "* EXCLUDE (last_seen_at)",
        "snapshots": "* EXCLUDE (sync_run_id, last_sync_at, sync_status)",
        "ecosystem_stats": "*",
    }
    with duckdb.connect(str(command.data / "kubestats.duckdb"), read_only=True) as connection:
        return {
            table: connection.execute(f"SELECT {c} FROM {table} ORDER BY ALL").fetchall()
            for table, c in columns.items()
        }


def test_the_demo_prints_what_it_found_and_leaves_a_warehouse(demo):  # noqa: F811
    shown = (demo.directory / "stdout").read_text()
    assert "6 repositories, 6 with news, 0 failed" in shown
    assert "cert-manager" in shown
    assert "RESURRECTED" in shown
    assert (demo.data / "kubestats.duckdb").is_file()


@pytest.mark.slow  # the same through the command as in test_cycle
def test_a_second_run_changes_no_row(demo, kubestats):  # noqa: F811
    shutil.copytree(demo.directory, kubestats.directory, dirs_exist_ok=True)
    sample = str(demo.data / "sample")
    before = tables_of(kubestats)
    finished = kubestats("run", env={"KUBESTATS_REPOSITORIES": sample})
    assert finished.returncode == 0, finished.stderr
    assert "6 repositories, 0 with news, 0 failed" in finished.stdout
    assert tables_of(kubestats) == before


@pytest.mark.slow  # the same through the command as in test_batches
def test_one_unreachable_repository_among_ten_does_not_stop_the_others(kubestats, tmp_path):
    for number in range(9):
        GitRepository(tmp_path / f"remotes/home/cluster{number}").commit(
            {"a.yaml": NAMESPACE.format(f"n{number}")}, at=TODAY
        )
    unreachable = "http://127.0.0.1:9/nobody/cluster.git"
    names = ",".join([str(tmp_path / "remotes"), unreachable])
    finished = kubestats("run", env={"KUBESTATS_REPOSITORIES": names})
    assert finished.returncode == 1
    assert "10 repositories, 9 with news, 1 failed" in finished.stdout
    assert "failed: 127.0.0.1:9/nobody/cluster" in finished.stderr or "nobody/cluster" in finished.stderr
    counted = kubestats("sql", "SELECT count(*) AS n FROM resources", "--format", "csv")
    assert counted.stdout == "n\n9\n"
    states = [json.loads(line) for line in kubestats("status", "--json").stdout.splitlines()]
    assert sorted(state["sync_status"] for state in states) == ["error", *["synced"] * 9]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"KUBESTATS_HISTRY_DAYS": "3"}, "unknown setting KUBESTATS_HISTRY_DAYS. Did you mean KUBESTATS_HISTORY_DAYS?"),
        ({"KUBESTATS_HISTORY_DAYS": "-1"}, "history_days (or KUBESTATS_HISTORY_DAYS): give 0"),
        ({"KUBESTATS_CONFIG": "nowhere.yaml"}, "nowhere.yaml"),
    ],
)
def test_a_wrong_setting_stops_at_the_start_and_says_what_would_be_right(kubestats, env, said):
    finished = kubestats("run", env=env)
    assert finished.returncode == 2
    assert said in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not kubestats.data.exists()


@pytest.mark.slow  # the same through the command as in discover/test_sources
def test_a_path_that_is_no_repository_is_named_and_the_others_are_processed(kubestats, tmp_path):
    GitRepository(tmp_path / "home/cluster").commit({"a.yaml": NAMESPACE.format("a")}, at=TODAY)
    (tmp_path / "empty").mkdir()
    finished = kubestats("run", env={"KUBESTATS_REPOSITORIES": f"{tmp_path}/home/cluster,{tmp_path}/empty,./nowhere"})
    assert finished.returncode == 1
    assert f"{tmp_path}/empty" in finished.stderr
    assert "nowhere" in finished.stderr
    assert "1 repositories, 1 with news" in finished.stdout


def test_repositories_come_from_github_with_names_numbers_and_commits(kubestats, tmp_path):
    with GitHubServer() as github:
        for number, name in enumerate(("ann/home", "bob/ops"), start=7):
            GitRepository(tmp_path / f"remotes/{name}.git").commit({"a.yaml": NAMESPACE.format("a")}, at=TODAY)
            github.add(name, number=number, topics=("kubesearch",), stargazers_count=number)
        env = {
            "KUBESTATS_GITHUB__API_URL": github.url,
            "KUBESTATS_GITHUB__GIT_URL": f"file://{tmp_path}/remotes",
            "KUBESTATS_GITHUB__TOPICS": "kubesearch",
        }
        finished = kubestats("run", env=env)
        assert finished.returncode == 0, finished.stderr
        joined = "repositories JOIN repository_metrics USING (repository_id)"
        query = f"SELECT repository_id, full_name, stars_count FROM {joined}"
        rows = kubestats("sql", f"{query} ORDER BY ALL", "--format", "csv").stdout.splitlines()
        assert rows[1:] == ["github:7,ann/home,7", "github:8,bob/ops,8"]
        before = tables_of(kubestats)
        failed = kubestats("run", env=env | {"KUBESTATS_GITHUB__TOPICS": "kubesaerch"})
    assert failed.returncode == 1
    assert "topic:kubesaerch" in failed.stderr
    assert "Correct github.topics" in failed.stderr
    assert tables_of(kubestats) == before


@pytest.mark.slow
@pytest.mark.parametrize("history", ["0", "90"])
def test_the_whole_corpus_runs_and_runs_again(kubestats, tmp_path, history):
    for name in (*SMALL, *LARGER, *LARGEST):
        unpack(name, tmp_path / "corpus")
    env = {"KUBESTATS_REPOSITORIES": str(tmp_path / "corpus"), "KUBESTATS_HISTORY_DAYS": history}
    finished = kubestats("run", env=env, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert "7 repositories, 7 with news, 0 failed" in finished.stdout
    query = "SELECT repository, rows FROM (SELECT full_name AS repository, count(*) AS rows FROM {} GROUP BY ALL)"
    resources = json.loads(kubestats("sql", query.format("resources"), "--format", "json").stdout)
    assert len(resources) == 7
    assert all(each["rows"] >= 7 for each in resources)
    problems = json.loads(kubestats("sql", query.format("scan_problems"), "--format", "json").stdout)
    assert {each["repository"] for each in problems} >= {"local/khuedoan/homelab"}
    before = tables_of(kubestats)
    assert "7 repositories, 0 with news, 0 failed" in kubestats("run", env=env, timeout=300).stdout
    assert tables_of(kubestats) == before


@pytest.mark.slow
def test_a_damaged_partition_is_named_and_nothing_is_lost(demo, kubestats):  # noqa: F811
    shutil.copytree(demo.directory, kubestats.directory, dirs_exist_ok=True)
    before = tables_of(kubestats)
    partition = next((kubestats.data / "lake/resources").glob("*sprout*/part.parquet"))
    partition.write_bytes(b"no parquet")
    finished = kubestats("run", env={"KUBESTATS_REPOSITORIES": str(demo.data / "sample")})
    assert finished.returncode == 1
    assert str(partition) in finished.stderr.replace("\n", "")
    assert tables_of(kubestats) == before
    assert partition.read_bytes() == b"no parquet"
    assert "failed" in kubestats("doctor").stdout


@pytest.mark.parametrize("size", [160_000, 192_000])
def test_a_full_disk_gives_one_clear_message_and_keeps_what_is_known(demo, kubestats, size):  # noqa: F811
    shutil.copytree(demo.directory, kubestats.directory, dirs_exist_ok=True)
    before = tables_of(kubestats)
    limited = f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}));"
    limited += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.argv = ['kubestats', 'run'];"
    limited += "runpy.run_module('kubestats_pipeline.cli', run_name='__main__')"
    env = clean_environment() | {"KUBESTATS_REPOSITORIES": str(demo.data / "sample")}
    finished = subprocess.run(
        [sys.executable, "-c", limited], cwd=kubestats.directory, env=env, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 1
    assert "disk" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert tables_of(kubestats) == before


@pytest.mark.parametrize(("file", "is_shown"), [("/site-packages/dagster/plan.py", False), ("/mine/plan.py", True)])
def test_of_generators_that_go_on_when_closed_only_dagsters_are_not_shown(file, is_shown, capsys, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", _show_unraisable)
    names = {}
    text = "def goes_on():\n    while True:\n        try: yield\n        except GeneratorExit: pass"
    exec(compile(text, file, "exec"), names)  # noqa: S102 - a generator of another file
    generator = names["goes_on"]()
    next(generator)
    del generator
    assert ("ignored GeneratorExit" in capsys.readouterr().err) == is_shown


@pytest.mark.slow
def test_a_run_killed_half_way_is_simply_run_again(demo, kubestats):  # noqa: F811
    env = {"KUBESTATS_REPOSITORIES": str(demo.data / "sample")}
    for seconds in (2, 4):
        process = subprocess.Popen(
            [*KUBESTATS, "run"], cwd=kubestats.directory, env=clean_environment() | env, stdout=subprocess.DEVNULL
        )
        time.sleep(seconds)
        process.kill()
        process.wait()
    finished = kubestats("run", env=env)
    assert finished.returncode == 0, finished.stderr
    known, again = tables_of(demo), tables_of(kubestats)
    wall_clock = {"repositories", "snapshots"}
    assert {k: v for k, v in again.items() if k not in wall_clock} == {
        k: v for k, v in known.items() if k not in wall_clock
    }


def test_queries_print_tables_csv_json_and_write_parquet(demo, tmp_path):  # noqa: F811
    query = "SELECT event_type, count(*) AS events FROM resource_events GROUP BY ALL ORDER BY ALL"
    text = demo("sql", query, "--format", "csv").stdout
    assert text.splitlines()[0] == "event_type,events"
    as_json = json.loads(demo("sql", query, "--format", "json").stdout)
    assert [f"{row['event_type']},{row['events']}" for row in as_json] == text.splitlines()[1:]
    target = tmp_path / "events.parquet"
    assert demo("sql", query, "--format", "parquet", "--output", str(target)).returncode == 0
    assert pl.read_parquet(target).height == len(as_json)
    assert "RESURRECTED" in demo("sql", query).stdout


def test_a_wrong_query_or_a_missing_warehouse_is_an_error_with_a_remedy(demo, kubestats):  # noqa: F811
    wrong = demo("sql", "SELECT nothing FROM nowhere")
    assert wrong.returncode == 1
    assert "nowhere" in wrong.stderr
    missing = kubestats("sql", "SELECT 1")
    assert missing.returncode == 1
    assert "Run `kubestats demo`" in missing.stderr


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "give one statement, not 0"),
        ("SELECT 1; SELECT 2", "give one statement, not 2"),
        ("COPY (SELECT 1) TO 'x.csv'", "COPY is not a query"),
        ("INSTALL httpfs", "is not a query"),
    ],
)
def test_what_is_not_one_query_is_refused(demo, query, said):  # noqa: F811
    finished = demo("sql", query)
    assert finished.returncode == 1
    assert said in finished.stderr
    assert not (demo.directory / "x.csv").exists()


def test_columns_of_the_same_name_are_told_apart_and_odd_outputs_are_named(demo):  # noqa: F811
    assert json.loads(demo("sql", "SELECT 1 AS a, 2 AS a", "--format", "json").stdout) == [{"a": 1, "a_2": 2}]
    assert "nowhere/x.csv cannot be written" in demo("sql", "SELECT 1", "--output", "nowhere/x.csv").stderr
    for query in ("DESCRIBE resources", "SHOW TABLES", "SUMMARIZE kinds", "EXPLAIN FROM kinds", "FROM kinds"):
        assert demo("sql", query).returncode == 0


def test_lists_and_large_numbers_survive_csv_and_json(demo):  # noqa: F811
    query = "SELECT ['a', 'b'] AS names, {'n': 1} AS found, 1 AS one, (2::HUGEINT << 90) AS larger"
    (row,) = json.loads(demo("sql", query, "--format", "json").stdout)
    assert (row["names"], row["found"], row["larger"]) == (["a", "b"], {"n": 1}, str(2**91))
    _, line = demo("sql", query, "--format", "csv").stdout.splitlines()
    names, found, _, larger = next(csv.reader([line]))
    assert (json.loads(names), json.loads(found), larger) == (["a", "b"], {"n": 1}, str(2**91))


def test_an_unknown_source_and_an_empty_data_directory_are_said_at_the_start(kubestats):
    assert kubestats("run", "--source", "nope").returncode == 2
    assert not kubestats.data.exists()
    finished = kubestats("status")
    assert finished.returncode == 1
    assert "holds nothing yet" in finished.stderr


def test_a_query_cannot_change_the_warehouse(demo):  # noqa: F811
    assert demo("sql", "DELETE FROM resources").returncode == 1


def test_the_doctor_examines_everything_and_says_what_is_wrong(demo):  # noqa: F811
    finished = demo("doctor", env={"KUBESTATS_GITHUB__API_URL": "http://127.0.0.1:9", "KUBESTATS_REPOSITORIES": "."})
    marks = {line.split()[1]: line.split()[0] for line in finished.stdout.splitlines()}
    assert finished.returncode == 0
    assert marks.pop("github") == "warning"
    assert marks == dict.fromkeys(["git", "disk", "lake", "warehouse", "age", "scanners", "dagster", "daemons"], "ok")


def test_the_runs_of_the_command_are_in_the_ui_s_history(demo):  # noqa: F811
    with sqlite3.connect(demo.data / "dagster/history/runs.db") as runs:
        jobs = runs.execute("SELECT pipeline_name, status FROM runs").fetchall()
    assert {name for name, _ in jobs} >= {"discover_repositories", "sync_repositories", "publish_warehouse"}
    assert {status for _, status in jobs} == {"SUCCESS"}


@pytest.mark.slow
def test_the_token_is_in_no_file_that_a_run_leaves(kubestats, tmp_path):
    GitRepository(tmp_path / "home/cluster").commit({"a.yaml": NAMESPACE.format("a")}, at=TODAY)
    token = "ghp_planted0123456789"
    env = {"GITHUB_TOKEN": token, "KUBESTATS_REPOSITORIES": str(tmp_path / "home/cluster")}
    finished = kubestats("run", env=env)
    assert finished.returncode == 0, finished.stderr
    assert token not in finished.stdout + finished.stderr
    files = [path for path in kubestats.data.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if token.encode() in path.read_bytes()]


@pytest.mark.slow
def test_dev_serves_the_ui_on_loopback_and_stops_when_told(demo, kubestats):  # noqa: F811
    shutil.copytree(demo.directory, kubestats.directory, dirs_exist_ok=True)
    port = "38917"
    env = clean_environment() | {"KUBESTATS_REPOSITORIES": str(demo.data / "sample")}
    process = subprocess.Popen(
        [*KUBESTATS, "dev", "--port", port],
        cwd=kubestats.directory,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert "dagster_version" in answer_of(f"http://127.0.0.1:{port}/server_info", within=60)
    finally:
        process.terminate()
        process.wait(timeout=30)


def answer_of(url: str, within: float) -> str:
    """What an HTTP server says as soon as it listens."""
    deadline = time.monotonic() + within
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - loopback
                return response.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def test_dagster_s_own_validation_passes(kubestats):
    workspace = Path(__file__).parents[2] / "workspace.yaml"
    dagster = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", str(workspace)]
    env = clean_environment() | {"KUBESTATS_DATA_DIR": str(kubestats.data)}
    finished = subprocess.run(dagster, cwd=workspace.parent, env=env, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    assert "Validation successful for code location kubestats" in finished.stderr + finished.stdout


def test_every_command_has_help():
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    decisions, questions = {"approve", "block", "unblock", "delete"}, {"sql", "tables", "mcp", "review", *ANSWERS}
    stages = {"demo", "run", "sync", "status", "doctor", "metrics", "clean", "retire", "dev", "report", "watch"}
    assert names == stages | decisions | questions | {"backup", "restore", "fetch"}
    assert all(command.callback.__doc__ for command in app.registered_commands)
