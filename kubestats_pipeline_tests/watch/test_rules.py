"""A wrong rule or receiver stops at the start, with the setting's name and the right form, and shows no address."""

from pathlib import Path

import pytest

from kubestats_pipeline.settings import SettingsError, load_settings
from kubestats_pipeline.watch.changes import Question, questions_of
from kubestats_pipeline.watch.telling import questions_by_receiver

SECRET = "topic-that-is-secret"
RECEIVERS = f"alerts: {{receivers: {{phone: 'ntfy://example.org/{SECRET}', desk: 'ntfy://example.org/{SECRET}2'}}}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(folder: Path, text: str) -> str:
    (folder / "kubestats.yaml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load_settings()
    return str(error.value)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("[{chrt: a, what: gone}]", "unknown setting watch.chrt in rule 1. Did you mean watch.chart?"),
        (
            "[{chart: a, what: gone}, {chart: a, what: [gone, vanished]}]",
            "watch.what (or KUBESTATS_WATCH) in rule 2: Input should be 'rolled_back', 'new_major', ",
        ),
        ("[{chart: a}]", "watch.what (or KUBESTATS_WATCH) in rule 1: Field required"),
        ("[{chart: a, what: []}]", "watch.what (or KUBESTATS_WATCH) in rule 1: List should have at least 1 item"),
        ("[{chart: ' ', what: gone}]", "watch.chart (or KUBESTATS_WATCH) in rule 1: give a name, such as grafana"),
        ("[{what: gone}]", "watch (or KUBESTATS_WATCH) in rule 1: give one of chart, app, image, repository"),
        ("[{chart: a, app: a, what: gone}]", "watch (or KUBESTATS_WATCH) in rule 1: give one of chart, app, image"),
        (
            "[{chart: a, what: gone, to: fone}]",
            "watch, rule 1: to: give names of alerts.receivers, which are: desk, phone",
        ),
        ("{chart: a, what: gone}", "watch (or KUBESTATS_WATCH): Input should be a valid list"),
        ("[grafana]", "watch (or KUBESTATS_WATCH) in rule 1: Input should be a valid dictionary"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_number_and_what_would_be_right(folder: Path, rules: str, said: str):
    problem = refused(folder, f"{RECEIVERS}watch: {rules}\n")
    assert problem.startswith(said)
    assert SECRET not in problem


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        (f"receivers: {{phone: {SECRET}}}", "alerts.receivers (or KUBESTATS_ALERTS__RECEIVERS): the address of phone"),
        (f"receivers: {{My Phone: 'ntfy://{SECRET}'}}", "alerts.receivers (or KUBESTATS_ALERTS__RECEIVERS): name each"),
        (f"receivers: {{phone: [{SECRET}]}}", "alerts.receivers.phone (or KUBESTATS_ALERTS__RECEIVERS__PHONE): Input"),
        ("failures_to: phone", "alerts.failures_to: give names of alerts.receivers, which are: none yet"),
    ],
)
def test_a_wrong_receiver_is_refused_without_its_address(folder: Path, alerts: str, said: str):
    problem = refused(folder, f"alerts: {{{alerts}}}\n")
    assert problem.startswith(said)
    assert SECRET not in problem


def test_a_rule_without_anybody_to_tell_is_refused(folder: Path):
    problem = refused(folder, "watch: [{chart: a, what: gone}]\n")
    assert problem.startswith("watch: nobody is told. Name a receiver in alerts.receivers with an address as apprise")


def test_addresses_come_from_the_environment_one_by_one(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "kubestats.yaml").write_text("watch: [{chart: a, what: gone, to: phone}]\n")
    monkeypatch.setenv("KUBESTATS_ALERTS__RECEIVERS__PHONE", f"ntfy://example.org/{SECRET}")
    settings = load_settings()
    assert settings.alerts.receivers["phone"].get_secret_value() == f"ntfy://example.org/{SECRET}"
    assert SECRET not in f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"


def test_rules_are_asked_once_whatever_their_spelling_and_told_to_all_who_are_named(folder: Path):
    rules = "[{chart: Grafana, what: 'gone, changed', to: phone}, {chart: grafana, what: gone}]"
    (folder / "kubestats.yaml").write_text(f"{RECEIVERS}watch: {rules}\n")
    settings = load_settings()
    changed, gone = Question("chart", "grafana", "changed"), Question("chart", "grafana", "gone")
    assert questions_of(settings.watch) == [changed, gone]
    assert questions_by_receiver(settings) == {"desk": [gone], "phone": [changed, gone]}
