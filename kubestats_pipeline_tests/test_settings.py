"""Settings come from the environment, else the file, else the default; what is wrong is named and never quoted."""

from pathlib import Path

import pytest

from kubestats_pipeline.settings import DEFAULT_TOPICS, Settings, SettingsError, load_settings

TOKEN = "ghp_0123456789abcdef"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def from_file(folder: Path, text: str) -> Settings:
    (folder / "kubestats.yaml").write_text(text)
    return load_settings()


def refused(folder: Path, text: str = "") -> str:
    with pytest.raises(SettingsError) as error:
        from_file(folder, text)
    return str(error.value)


def test_without_file_and_environment_the_defaults_hold(folder: Path):
    settings = load_settings()
    assert settings.data_dir == folder / "data"
    assert (settings.history_days, settings.max_repository_mb, settings.max_repositories) == (90, 200, None)
    assert settings.github.api_url == "https://api.github.com"
    assert settings.github.token is None


def test_the_file_beside_the_user_is_read(folder: Path):
    settings = from_file(folder, "max_repository_mb: 5\nsync: {workers: 3}\nrepositories: [a/b, ./clusters]\n")
    assert (settings.max_repository_mb, settings.sync.workers) == (5, 3)
    assert settings.repositories == ["a/b", "./clusters"]


def test_the_environment_wins_over_the_file_and_leaves_its_other_values(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBESTATS_SYNC__WORKERS", "4")
    settings = from_file(folder, "sync: {workers: 3, timeout_seconds: 7}\n")
    assert (settings.sync.workers, settings.sync.timeout_seconds) == (4, 7)


def test_arguments_win_over_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBESTATS_MAX_REPOSITORIES", "4")
    assert load_settings(max_repositories=9).max_repositories == 9


def test_another_file_can_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "other.yaml").write_text("max_repositories: 7\n")
    monkeypatch.setenv("KUBESTATS_CONFIG", str(folder / "other.yaml"))
    assert from_file(folder, "max_repositories: 1\n").max_repositories == 7


def test_a_named_file_that_is_missing_is_an_error_and_not_the_defaults(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBESTATS_CONFIG", str(folder / "missing.yaml"))
    with pytest.raises(SettingsError, match=r"KUBESTATS_CONFIG names .*missing\.yaml, which is not a file"):
        load_settings()


@pytest.mark.parametrize(
    "text", ["a/b,c/d", "a/b, c/d", "a/b\nc/d\n", " a/b ,, \n c/d", '["a/b", "c/d"]', ' [\n"a/b","c/d"]']
)
def test_a_list_is_given_in_the_environment_with_commas_or_lines_or_as_json(folder: Path, monkeypatch, text: str):
    monkeypatch.setenv("KUBESTATS_REPOSITORIES", text)
    monkeypatch.setenv("KUBESTATS_GITHUB__TOPICS", text)
    settings = load_settings()
    assert settings.repositories == settings.topics == ["a/b", "c/d"]


@pytest.mark.parametrize("text", ["[a/b, c/d]", '["a/b"', "[1]"])
def test_a_text_that_begins_as_json_and_is_no_list_of_texts_is_refused(folder: Path, monkeypatch, text: str):
    monkeypatch.setenv("KUBESTATS_REPOSITORIES", text)
    with pytest.raises(SettingsError, match=r"KUBESTATS_REPOSITORIES\): (it begins as a JSON list|Input should be)"):
        load_settings()


def test_topics_are_the_defaults_until_the_user_names_topics_or_repositories(folder: Path):
    assert load_settings().topics == list(DEFAULT_TOPICS)
    assert load_settings(repositories=["a/b"]).topics == []
    assert load_settings(repositories=["a/b"], github={"topics": ["homelab"]}).topics == ["homelab"]
    assert load_settings(github={"topics": []}).topics == []


def test_the_usual_variable_gives_the_token_and_our_own_one_wins(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def token() -> str | None:
        found = load_settings().github.token
        return found.get_secret_value() if found else None

    monkeypatch.setenv("GITHUB_TOKEN", "")
    assert token() is None
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert token() == TOKEN
    monkeypatch.setenv("KUBESTATS_GITHUB__TIMEOUT_SECONDS", "5")
    assert token() == TOKEN
    monkeypatch.setenv("KUBESTATS_GITHUB__TOKEN", "our-own")
    assert token() == "our-own"


@pytest.mark.parametrize(("given", "meant"), [("0", 0), ("90", 90), ("all", "all")])
def test_history_is_none_some_days_or_all(folder: Path, monkeypatch: pytest.MonkeyPatch, given: str, meant: int | str):
    monkeypatch.setenv("KUBESTATS_HISTORY_DAYS", given)
    assert load_settings().history_days == meant
    assert load_settings(history_days=meant).history_days == meant


@pytest.mark.parametrize("given", ["-1", "1.5", "ALL", "", "ninety", "²"])
def test_any_other_history_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, given: str):
    monkeypatch.setenv("KUBESTATS_HISTORY_DAYS", given)
    assert "history_days (or KUBESTATS_HISTORY_DAYS)" in refused(folder)


@pytest.mark.parametrize("minutes", [0, 1, 5, 15, 30, 60, 120, 720, 1440])
def test_a_cadence_divides_an_hour_or_a_day(folder: Path, minutes: int):
    assert load_settings(automation={"sync_minutes": minutes}).automation.sync_minutes == minutes


@pytest.mark.parametrize("minutes", [7, 45, 90, 420, -5, 2880])
def test_a_cadence_that_no_cron_line_can_keep_is_refused(folder: Path, minutes: int):
    problem = refused(folder, f"automation: {{sync_minutes: {minutes}}}\n")
    assert problem.startswith("automation.sync_minutes (or KUBESTATS_AUTOMATION__SYNC_MINUTES): ")


def test_a_relative_data_directory_lies_below_the_working_directory(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert from_file(folder, "data_dir: elsewhere/data\n").data_dir == folder / "elsewhere" / "data"
    monkeypatch.setenv("HOME", str(folder))
    assert load_settings(data_dir="~/kubestats").data_dir == folder / "kubestats"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sync: {workers: many}", "sync.workers (or KUBESTATS_SYNC__WORKERS): Input should be a valid integer"),
        ("sync: {workers: 0}", "sync.workers (or KUBESTATS_SYNC__WORKERS): Input should be greater than or equal to 1"),
        ("sync: 3", "sync (or KUBESTATS_SYNC): Input should be a valid dictionary"),
        ("repositories: [1]", "repositories (or KUBESTATS_REPOSITORIES): Input should be a valid string"),
        ("github: {api_url: 'ftp://h'}", "github.api_url (or KUBESTATS_GITHUB__API_URL): String should match pattern"),
        ("publish_values: all", "publish_values (or KUBESTATS_PUBLISH_VALUES): Input should be 'looks' or 'strict'"),
        ("scan: {max_depth: 1000}", "scan.max_depth (or KUBESTATS_SCAN__MAX_DEPTH): Input should be less than"),
    ],
)
def test_a_wrong_value_names_setting_variable_and_what_would_be_right(folder: Path, text: str, said: str):
    assert refused(folder, text).startswith(said)


def test_all_wrong_values_are_told_at_once(folder: Path):
    assert len(refused(folder, "max_repository_mb: 0\nmax_repositories: 0\nsync: {workers: 0}\n").splitlines()) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("histroy_days: 3", "unknown setting histroy_days. Did you mean history_days?"),
        ("github: {tokn: x}", "unknown setting github.tokn. Did you mean github.token?"),
        ("zzzz: 3", "unknown setting zzzz. Known are data_dir, "),
    ],
)
def test_an_unknown_name_in_the_file_is_refused_with_the_nearest_known_one(folder: Path, text: str, said: str):
    assert refused(folder, text).startswith(said)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("KUBESTATS_SYNC__WORKRS", "KUBESTATS_SYNC__WORKERS"),
        ("kubestats_dta_dir", "KUBESTATS_DATA_DIR"),
        ("KUBESTATS_REPOSITORIES__0", "KUBESTATS_REPOSITORIES"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_known_one(folder: Path, monkeypatch, variable, meant):
    monkeypatch.setenv(variable, "x")
    assert refused(folder) == f"unknown setting {variable}. Did you mean {meant}?"


def test_an_empty_file_changes_nothing(folder: Path):
    assert from_file(folder, "") == from_file(folder, "# nothing yet\n") == load_settings()


@pytest.mark.parametrize("text", ["- data_dir", "data_dir", "1: x"])
def test_a_file_that_holds_no_names_is_refused(folder: Path, text: str):
    assert refused(folder, text) == "kubestats.yaml must hold settings as `name: value` lines"


def test_a_file_that_is_no_yaml_is_refused_with_the_line(folder: Path):
    assert refused(folder, f"data_dir: data\ngithub: {{token: {TOKEN}\n") == (
        "kubestats.yaml, line 3 cannot be read as YAML. Correct it"
    )
    (folder / "kubestats.yaml").write_bytes(b"data_dir: \xff\xfe\n")
    with pytest.raises(SettingsError, match=r"kubestats\.yaml cannot be read as YAML"):
        load_settings()


def test_a_section_given_as_a_whole_is_json(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBESTATS_GITHUB", '{"api_url": "http://localhost"}')
    assert load_settings().github.api_url == "http://localhost"
    monkeypatch.setenv("KUBESTATS_GITHUB", TOKEN)
    problem = refused(folder)
    assert '"github"' in problem
    assert TOKEN not in problem


@pytest.mark.parametrize(
    "text",
    ["github: {token: [%s]}", "token: %s", "github: {tokn: %s}", "github: %s", "github: {token: %s"],
)
def test_no_value_is_quoted_by_an_error(folder: Path, text: str):
    assert TOKEN not in refused(folder, text % TOKEN)


def test_the_token_is_not_shown_by_settings(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    settings = load_settings()
    shown = f"{settings} {settings!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert TOKEN not in shown


def test_settings_cannot_be_changed(folder: Path):
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.max_repositories = 3
    with pytest.raises(ValueError, match="frozen"):
        settings.sync.workers = 3


def test_the_names_of_the_ui_are_host_names_in_lower_case(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert load_settings().ui.hosts == []
    monkeypatch.setenv("KUBESTATS_UI__HOSTS", "Kube.example.org, nas,10.0.0.5")
    assert load_settings().ui.hosts == ["kube.example.org", "nas", "10.0.0.5"]


@pytest.mark.parametrize(
    "host", ["https://a.example", "a.example:443", "*.a.example", "*", "a.example/", "a b", "-a", "a..b", "[::1]", '""']
)
def test_what_is_more_or_less_than_a_host_name_is_refused_for_the_ui(folder: Path, host: str):
    assert "ui.hosts (or KUBESTATS_UI__HOSTS): give host names" in refused(folder, f"ui: {{hosts: ['{host}']}}\n")
