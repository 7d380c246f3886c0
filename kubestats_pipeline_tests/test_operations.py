"""What docs/operations.md and the files in deploy/ promise is so."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from kubestats_pipeline.orchestration.automation import build_automation
from kubestats_pipeline.orchestration.jobs import JOBS
from kubestats_pipeline.setting_sections import WatchRule
from kubestats_pipeline.settings import load_settings
from kubestats_pipeline.watch.memory import KEPT
from kubestats_pipeline.watch.messages import MOST_CHANGES
from kubestats_pipeline.watch.receivers import open_receivers
from kubestats_pipeline.watch.telling import questions_by_receiver
from kubestats_pipeline_tests.builders import settings_for

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def test_every_schedule_and_sensor_is_explained(tmp_path: Path):
    schedules, sensors = build_automation(settings_for(tmp_path))
    assert set(re.findall(r"^\| `(\w+_schedule)` \|", GUIDE, re.MULTILINE)) >= {each.name for each in schedules}
    assert set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE)) >= {each.name for each in sensors}


def test_the_jobs_for_a_person_are_explained():
    by_hand = {job.name for job in JOBS} & {"rescan_repositories", "clean_up"}
    assert all(f"`{name}`" in GUIDE for name in by_hand)


def test_the_numbers_are_the_defaults(tmp_path: Path):
    settings = settings_for(tmp_path)
    assert f"`retention.mirror_days` ({settings.retention.mirror_days})" in GUIDE
    assert f"`retention.run_days` ({settings.retention.run_days})" in GUIDE
    for minutes in (settings.automation.discover_minutes, settings.automation.sync_minutes):
        assert f"every {minutes} minutes" in GUIDE


def test_the_example_of_watch_is_taken_and_all_kinds_of_changes_are_explained(tmp_path, monkeypatch):
    section = GUIDE.partition("## Watch and tell")[2].partition("\n## ")[0]
    (variables,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    (rules,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    for name, value in re.findall(r"^(KUBESTATS_\w+)=(\S+)$", variables, re.MULTILINE):
        monkeypatch.setenv(name, value)
    (tmp_path / "kubestats.yaml").write_text(rules)
    monkeypatch.setenv("KUBESTATS_CONFIG", str(tmp_path / "kubestats.yaml"))
    settings = load_settings(data_dir=tmp_path)
    assert set(open_receivers(settings.alerts)) == {"mail", "phone"}
    assert [len(each) for each in questions_by_receiver(settings).values()] == [3, 3]
    what = get_args(get_args(WatchRule.model_fields["what"].annotation)[0])
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [*what[:2], what[3], what[2]]
    assert f"up to {MOST_CHANGES} changes" in section
    assert f"more than {KEPT.days} days later" in section
    assert "`tell_after_publication`" in GUIDE


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_program_that_an_installation_has_and_holds_no_secret(unit: Path):
    (start,) = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)
    program = Path(shlex.split(start)[0])
    assert program.parent == Path("/srv/kubestats/.venv/bin")
    assert (Path(sys.executable).parent / program.name).exists()
    assert "TOKEN=" not in re.sub(r"^#.*$", "", unit.read_text(), flags=re.MULTILINE)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_a_unit(unit: Path):
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False).stderr
    assert not [line for line in said.splitlines() if unit.name in line and "not executable" not in line]


def test_nothing_on_one_machine_is_told_to_listen_anywhere_but_on_loopback():
    told = "\n".join(path.read_text() for path in (*UNITS, DEPLOY / "nginx.conf"))
    assert "0.0.0.0" not in told  # noqa: S104 - looking for it
    assert set(re.findall(r"proxy_pass http://([\d.]+):", told)) == {"127.0.0.1"}
    assert "--host 127.0.0.1" in told
