"""`kubestats watch` shows what rules find and sends test messages. A wrong address stops whoever would tell."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kubestats_pipeline_tests.demo import clean_environment
from kubestats_pipeline_tests.watch.conftest import phone  # noqa: F401 - a fixture
from kubestats_pipeline_tests.watch.receiving import TOPIC, PostServer
from kubestats_pipeline_tests.watch.world import World, put, release


def kubestats(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kubestats_pipeline.cli", *arguments]
    return subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=120, check=False
    )


def write_settings(folder: Path, receivers: dict[str, str], rules: list[dict[str, str]]) -> None:
    settings = {"data_dir": "data", "alerts": {"receivers": receivers, "timeout_seconds": 5}, "watch": rules}
    (folder / "kubestats.yaml").write_text(json.dumps(settings))  # JSON is YAML


def test_it_shows_what_was_found_and_remembers_nothing(tmp_path: Path, phone: PostServer):  # noqa: F811
    world = World(tmp_path, {})
    world.add("ann/home", release("podinfo", "podinfo", "6.5.0"))
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    world.commit(1, yesterday, put("podinfo", version="6.6.0"))
    world.publish()
    write_settings(
        tmp_path,
        {"phone": phone.ntfy},
        [{"chart": "podinfo", "what": "changed, gone"}, {"image": "nothing", "what": "changed"}],
    )
    shown = kubestats(tmp_path, "watch")
    assert shown.stdout.splitlines()[0].startswith("chart podinfo changed, told to phone: 1 since ")
    assert shown.stdout.splitlines()[1].startswith("  ann/home went from podinfo 6.5.0 to 6.6.0, ")
    assert "chart podinfo gone, told to phone: 0 since" in shown.stdout
    assert "nothing in the published file is called so: image nothing" in shown.stderr
    assert shown.returncode == 1
    assert phone.received == []
    assert not world.lake.layout.told.exists()


def test_a_test_message_is_sent_to_each_and_the_one_that_fails_is_named(tmp_path: Path, phone: PostServer):  # noqa: F811
    write_settings(tmp_path, {"phone": phone.ntfy, "desk": f"ntfy://127.0.0.1:9/{TOPIC}"}, [])
    done = kubestats(tmp_path, "watch", "--test")
    assert done.stdout.splitlines() == ["phone: the message was taken"]
    assert (
        "desk was not told: it cannot be reached or did not take the message. See alerts.receivers.desk" in done.stderr
    )
    assert done.returncode == 1
    assert [json.loads(body)["title"] for body in phone.bodies] == ["Kubestats: a test"]
    assert TOPIC not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [("run",), ("dev",), ("sync", "ann/home"), ("demo",), ("watch",)])
def test_a_wrong_address_stops_a_command_before_it_does_anything(tmp_path: Path, command: tuple[str, ...]):
    write_settings(tmp_path, {"phone": f"foo://{TOPIC}"}, [])
    done = kubestats(tmp_path, *command)
    assert done.stderr.startswith(
        "error: alerts.receivers.phone: apprise does not know such an address. Give an address"
    )
    assert TOPIC not in done.stderr
    assert done.returncode == 2
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("watch",), "nothing is watched yet. Give rules in watch"), (("watch", "--test"), "nobody is told yet. Name")],
)
def test_without_rules_it_says_how_to_begin(tmp_path: Path, arguments: tuple[str, ...], said: str):
    write_settings(tmp_path, {}, [])
    done = kubestats(tmp_path, *arguments)
    assert said in done.stderr
    assert done.returncode == 1


def test_loading_the_definitions_with_rules_does_not_load_apprise(tmp_path: Path):
    write_settings(tmp_path, {"phone": "ntfy://127.0.0.1:9/a"}, [{"chart": "a", "what": "gone"}])
    program = "import sys, kubestats_pipeline.definitions as d; print(len(d.defs.jobs), 'apprise' in sys.modules)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.stdout.endswith(" False\n"), done.stderr
