"""Dagster's home is made once, whoever comes first, and what the user changed in it stays."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.base.dagster_home import CONFIGURATION, HomeError, open_instance, prepare_home

OPENER = """
import sys
from pathlib import Path
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.lake.paths import Layout

print("ready", flush=True)
for line in sys.stdin:
    with open_instance(Layout(Path(line.strip()))) as instance:
        instance.add_dynamic_partitions("repository", [sys.argv[1]])
    print("opened", flush=True)
"""
"""A process that opens each data directory whose path it is given."""


class Opener:
    """Such a process, told and asked line by line."""

    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OPENER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def open(self, data_dir: Path) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{data_dir}\n")
        self.process.stdin.flush()


@pytest.mark.slow
def test_two_processes_at_once_on_a_fresh_home_both_get_a_working_instance(tmp_path: Path):
    openers = [Opener("a/b"), Opener("c/d")]
    try:
        assert [opener.answer() for opener in openers] == ["ready\n"] * 2
        for attempt in range(3):
            data_dir = tmp_path / str(attempt)
            for opener in openers:
                opener.open(data_dir)
            assert [opener.answer() for opener in openers] == ["opened\n"] * 2
            with open_instance(Layout(data_dir)) as instance:
                assert set(instance.get_dynamic_partitions("repository")) == {"a/b", "c/d"}
    finally:
        for opener in openers:
            opener.process.kill()
            opener.process.communicate()


def test_the_home_holds_the_policies_and_its_storage(tmp_path: Path):
    with open_instance(Layout(tmp_path)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.run_retries_enabled is True
        assert Path(instance.root_directory) == tmp_path / "dagster"
    assert list((tmp_path / "dagster").rglob("runs.db"))


def test_an_edited_configuration_stays_and_counts(tmp_path: Path):
    configuration = prepare_home(Layout(tmp_path)) / CONFIGURATION
    edited = configuration.read_text().replace("run_retries: {enabled: true", "run_retries: {enabled: false")
    configuration.write_text(edited)
    with open_instance(Layout(tmp_path)) as instance:
        assert instance.run_retries_enabled is False
    assert configuration.read_text() == edited


def test_what_the_home_remembers_outlives_a_process(tmp_path: Path):
    with open_instance(Layout(tmp_path)) as instance:
        instance.add_dynamic_partitions("repository", ["a/b"])
    with open_instance(Layout(tmp_path)) as instance:
        assert instance.get_dynamic_partitions("repository") == ["a/b"]


def test_a_home_whose_storage_was_deleted_works_again(tmp_path: Path):
    home = prepare_home(Layout(tmp_path))
    for file in [*home.rglob("*.db*"), home / ".initialised"]:
        file.unlink()
    with open_instance(Layout(tmp_path)) as instance:
        assert instance.get_runs_count() == 0


@pytest.mark.parametrize("taken", ["data/dagster", "data"])
def test_a_home_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path: Path, taken: str):
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).write_text("a file where a folder must be")
    with pytest.raises(HomeError, match=r"dagster cannot be written: .*. Free or unlock the disk, or set data_dir"):
        prepare_home(Layout(tmp_path / "data"))


def test_the_configuration_is_one_that_dagster_accepts(tmp_path: Path):
    with dg.DagsterInstance.from_config(str(prepare_home(Layout(tmp_path)))) as instance:
        assert instance.is_ephemeral is False
        assert instance.run_monitoring_enabled is True
