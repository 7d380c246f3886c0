"""The commands as docs/operations.md gives them: a disk is lost, and a real installation comes back."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline_tests.cli.test_main import tables_of
from kubestats_pipeline_tests.demo import Command, demo  # noqa: F401 - a fixture
from kubestats_pipeline_tests.pages import PAGES

SECTION = PAGES["docs/operations.md"].partition("## Backups")[2].partition("\n## ")[0]
SHELL = [
    line.partition("#")[0].strip()
    for block in re.findall(r"^```sh\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
BACKUP, RESTORE, RUN = (line.removeprefix(".venv/bin/kubestats ").split() for line in SHELL)


@pytest.mark.slow
def test_an_installation_whose_disk_is_lost_comes_back_as_the_documentation_says(demo, tmp_path: Path):  # noqa: F811
    sample, target = tmp_path / "remotes", str(tmp_path / "disk")
    shutil.copytree(demo.data / "sample", sample)
    command = Command(tmp_path / "installation")
    command.directory.mkdir()
    settings = f"repositories: [{sample}]\nhistory_days: all\nretention: {{event_days: 30}}\n"
    (command.directory / "kubestats.yaml").write_text(settings)
    for arguments in (["run"], ["retire"]):
        assert command(*arguments, timeout=300).returncode == 0
    with duckdb.connect(str(command.data / "kubestats.duckdb"), read_only=True) as connection:
        (blocked, *_), *_ = connection.execute("SELECT full_name FROM repositories ORDER BY full_name").fetchall()
    assert command("block", blocked, "--reason", "too loud").returncode == 0
    assert command("run", timeout=300).returncode == 0
    before, archive = tables_of(command), sorted(path.name for path in (command.data / "archive").rglob("*"))
    made = command(*(part.replace("/mnt/backup/kubestats", target) for part in BACKUP))
    assert made.returncode == 0, made.stderr

    shutil.rmtree(command.directory)
    command.directory.mkdir()
    restored = command(*(part.replace("/mnt/backup/kubestats", target) for part in RESTORE))
    assert restored.returncode == 0, restored.stderr
    assert not (command.data / "kubestats.duckdb").exists()
    finished = command(*RUN, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert tables_of(command) == before
    assert archive
    assert sorted(path.name for path in (command.data / "archive").rglob("*")) == archive
    assert "too loud" in command("status").stdout
