"""The README and its nearest pages are true: commands, queries, settings, tables and the example scanner."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from kubestats_pipeline.cli.answers.sections import ANSWERS
from kubestats_pipeline.cli.terminal import DEMO_QUERIES
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.kinds import registry
from kubestats_pipeline.scan.manifests.manifests import read_file
from kubestats_pipeline.settings import Settings, load_settings
from kubestats_pipeline.warehouse.dictionary import describe_tables
from kubestats_pipeline_tests.demo import demo  # noqa: F401 - a fixture

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
SCANNERS = (ROOT / "docs/scanners.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


QUERIES = [query for block in blocks("sql") for query in block.split(";") if query.strip()]
SHELL = [
    line.partition("#")[0].strip()
    for page in (README, CONTRIBUTING)
    for block in blocks("sh", page)
    for line in block.splitlines()
]
MAKE = [line.split()[1] for line in SHELL if line.startswith("make ")]
COMMANDS = [line for line in SHELL if line.startswith(".venv/bin/kubestats ")]


@pytest.mark.parametrize("query", [*QUERIES, *DEMO_QUERIES.values()])
def test_every_query_runs_and_finds_something(demo, query):  # noqa: F811
    local = query.replace("'data/lake", f"'{demo.data}/lake")
    with duckdb.connect(str(demo.data / "kubestats.duckdb"), read_only=True) as connection:
        assert connection.execute(local).fetchall()


LOCAL = [query for query in QUERIES if "data/lake" not in query]


@pytest.mark.parametrize("query", LOCAL)
def test_no_query_compares_every_row_with_every_other(demo, query):  # noqa: F811
    """Its plan has neither a product nor a nested loop, which would take minutes on a million events."""
    with duckdb.connect(str(demo.data / "kubestats.duckdb"), read_only=True) as connection:
        (_, plan), *_ = connection.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
    operators = set(re.findall(r'"name": "(\w+)"', plan))
    assert operators
    assert not operators & {"CROSS_PRODUCT", "NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN"}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_runs(demo, line):  # noqa: F811
    finished = demo(*shlex.split(line)[1:])
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout


(MINUTE,) = blocks("console")
SEEN = [part.partition("\n")[::2] for part in MINUTE.split("$ ")[1:]]
"""Commands of the first minute, each with what one sees."""


@pytest.mark.parametrize(("line", "seen"), SEEN, ids=[line for line, _ in SEEN])
def test_the_first_minute_is_as_it_is_told(demo, line, seen):  # noqa: F811
    program, *arguments = shlex.split(line)
    assert program == "kubestats"
    if arguments == ["demo"]:
        shown = (demo.directory / "stdout").read_text()
    else:
        finished = demo(*arguments)
        assert finished.returncode == (1 if seen.startswith("error:") else 0)
        shown = finished.stdout + finished.stderr
    for told in filter(None, (part.strip("\n") for part in seen.split("…\n"))):
        assert f"\n{told}\n" in f"\n{shown}", told


@pytest.mark.parametrize("target", MAKE)
def test_every_make_target_exists_and_runs_a_known_command(target):
    planned = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    calls = re.findall(r"\.venv/bin/kubestats (\w+)", planned)
    shown = subprocess.run(
        [sys.executable, "-m", "kubestats_pipeline.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(re.search(rf"\b{call}\b", shown) for call in calls)
    assert planned.strip()


def test_nothing_in_the_shell_blocks_is_left_untested():
    assert [line for line in SHELL if line and line not in COMMANDS and not line.startswith(("make ", "export "))] == []
    assert len(COMMANDS) >= 2
    assert {"demo", "test", "run", "dev", "check", "bench"} <= set(MAKE)


def test_the_table_of_commands_names_them_all():
    named = set(re.findall(r"^\| `kubestats (\w+)", README, re.MULTILINE))
    decisions, questions = {"approve", "block", "unblock", "delete"}, {"sql", "tables", "mcp", "review", *ANSWERS}
    stages = {"demo", "run", "sync", "status", "doctor", "metrics", "clean", "retire", "dev", "report", "watch"}
    assert named == stages | decisions | questions | {"backup", "restore", "fetch"}


def test_the_table_of_settings_is_complete_and_its_defaults_are_right(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = [row.split("|")[1:4] for row in SETTINGS.splitlines() if row.startswith("| `")]
    settings = load_settings()
    told = set()
    for names, defaults, _ in rows:
        group = ""
        for name, default in zip(re.findall(r"`([\w.]+)`", names), [*defaults.split(","), "", ""], strict=False):
            full = name if "." in name or name in Settings.model_fields else f"{group}.{name}"
            group = full.partition(".")[0]
            told.add(full)
            value = settings
            for part in full.split("."):
                value = getattr(value, part)
            if re.fullmatch(r" *`\d+` *", default):
                assert str(value) == default.strip(" `"), full
    known = set()
    for name, field in Settings.model_fields.items():
        nested = getattr(field.annotation, "model_fields", None)
        known |= {f"{name}.{each}" for each in nested} if nested else {name}
    assert told == known


def test_the_example_configuration_is_accepted(monkeypatch, tmp_path):
    (example,) = blocks("yaml")
    (tmp_path / "kubestats.yaml").write_text(example)
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.repositories == yaml.safe_load(example)["repositories"]
    assert settings.topics == ["kubesearch", "k8s-at-home"]


def test_the_example_scanner_works(monkeypatch):
    monkeypatch.setattr(registry, "_scanners", dict(registry.load_scanners()))
    registry.load_scanners.cache_clear()
    (example,) = blocks("python", SCANNERS)
    exec(compile(example, "scanners.md", "exec"), {"__name__": "example_scanner"})  # noqa: S102 - our own page
    blob = b"""
apiVersion: couchbase.com/v2
kind: CouchbaseCluster
metadata: {name: db}
spec: {image: "couchbase/server:7.6.2"}
"""
    (manifest,) = read_file(blob, "db.yaml", Bounds()).manifests
    registry.load_scanners.cache_clear()
    assert manifest.facts.version == "7.6.2"
    assert manifest.facts.images[0].image == "docker.io/couchbase/server"


def test_the_table_of_tables_names_them_all():
    section = README.split("## The tables")[1]
    assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == list(TABLES)


def test_the_data_dictionary_is_what_the_code_says():
    assert (ROOT / "docs/tables.md").read_text(encoding="utf-8").strip() == describe_tables().strip(), (
        "run `kubestats tables > docs/tables.md`"
    )
