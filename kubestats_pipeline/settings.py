"""Every setting, typed, bounded and documented. The only module that reads the environment.

A value comes from `KUBESTATS_…` variables (`__` nests), else from `kubestats.yaml` (or the file that `KUBESTATS_CONFIG`
names), else from the default here. A wrong or unknown one raises `SettingsError`, whose text names the setting
and what would be right. Nothing else in the package looks at the environment.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from kubestats_pipeline.errors import ExplainedError

PREFIX = "KUBESTATS_"
DEFAULT_TOPICS = ("kubesearch", "k8s-at-home")

_HOST_NAME = re.compile(r"(?i)(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
"""A host name (RFC 1123, section 2.1)."""


class SettingsError(ExplainedError, ValueError):
    """A setting is unknown or has a wrong value. The text says which one and what would be right."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _split(value: object) -> object:
    """Accept `a, b` or one entry a line where the environment gives a list as one string."""
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()]
    return value


class GitHubSettings(_Section):
    """How GitHub is reached and which topics are searched."""

    topics: Annotated[list[str], NoDecode] | None = Field(
        default=None,
        description="topics to search. Default kubesearch and k8s-at-home, or none where `repositories` is given",
    )
    forks: bool = Field(default=False, description="also find forks by topic. GitHub's search leaves them out")
    api_url: str = Field(
        default="https://api.github.com", pattern=r"^https?://", description="base URL of the REST API"
    )
    git_url: str = Field(
        default="https://github.com", pattern=r"^(https?|file)://", description="base URL of owner/name.git"
    )
    token: SecretStr | None = Field(
        default=None, description="also GITHUB_TOKEN. Raises the API's limits, never stored"
    )
    timeout_seconds: float = Field(default=30, gt=0, le=600, description="for one API call")
    max_wait_seconds: float = Field(
        default=120, ge=0, le=7200, description="longest wait for a rate limit before giving up"
    )

    _split_topics = field_validator("topics", mode="before")(_split)


class GitLabSettings(_Section):
    """How a GitLab is reached and which topics are searched there."""

    topics: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="topics to search. None by default"
    )
    forks: bool = Field(default=False, description="also take forks")
    api_url: str = Field(
        default="https://gitlab.com/api/v4", pattern=r"^https?://", description="base URL of the REST API"
    )
    token: SecretStr | None = Field(default=None, description="raises the API's limits, never stored")
    timeout_seconds: float = Field(default=30, gt=0, le=600, description="for one API call")
    max_wait_seconds: float = Field(
        default=120, ge=0, le=7200, description="longest wait for a rate limit before giving up"
    )

    _split_topics = field_validator("topics", mode="before")(_split)


class SyncSettings(_Section):
    """How mirrors are fetched."""

    workers: int = Field(default=8, ge=1, le=64, description="repositories fetched at once. Fetching mostly waits")
    timeout_seconds: float = Field(default=600, gt=0, description="for one git command")
    retry_minutes: float = Field(
        default=15, gt=0, description="wait after a first failure. Doubles with each further one"
    )
    max_retry_hours: float = Field(
        default=24, gt=0, description="longest wait between two attempts at a failing repository"
    )


class ScanSettings(_Section):
    """Bounds within which a file is read. A file that passes one becomes a row of scan_problems."""

    workers: int = Field(default=2, ge=1, le=64, description="processes: a repository each, or one long history")
    max_file_kb: int = Field(
        default=1024, ge=1, le=1024, description="larger files are not read (mirrors hold blobs up to 1 MB)"
    )
    max_nodes: int = Field(default=200_000, ge=100, description="YAML nodes of one document, aliases expanded")
    max_depth: int = Field(default=100, ge=5, le=200, description="nesting of one document")


class AutomationSettings(_Section):
    """The cadence of `make dev`. 0 switches a schedule off."""

    discover_minutes: int = Field(default=5, ge=0, le=1440)
    sync_minutes: int = Field(default=15, ge=0, le=1440)
    scan_minutes: int = Field(default=30, ge=0, le=1440)
    publish_minutes: int = Field(default=60, ge=0, le=1440)
    sensor_seconds: int = Field(default=60, ge=10, le=3600, description="how often the sensors look for work")

    @field_validator("discover_minutes", "sync_minutes", "scan_minutes", "publish_minutes", mode="after")
    @classmethod
    def _is_a_cadence(cls, minutes: int) -> int:
        if minutes and 60 % minutes and (minutes % 60 or 1440 % minutes):
            raise ValueError("give minutes that divide an hour (5, 15, 30) or hours that divide a day (60, 120)")
        return minutes


class RetentionSettings(_Section):
    """Days for which unneeded things are kept. The job `clean_up` and `kubestats clean` remove it.

    Events are not removed but archived, by the job `retire_events` and `kubestats retire`.
    """

    event_days: int | None = Field(
        default=None, ge=1, description="events of the past. Of older ones each resource's last stays. None: all"
    )
    payload_days: int | None = Field(
        default=None, ge=1, description="documents and field changes of events that are not the last. None: all"
    )
    run_days: int = Field(
        default=14, ge=1, description="runs of Dagster. Each partition's newest materialization stays"
    )
    mirror_days: int = Field(
        default=30, ge=0, description="mirrors of repositories that nobody watches any more, from their last sync on"
    )


class AlertSettings(_Section):
    """The receiver of messages about failed runs."""

    webhook_url: SecretStr | None = Field(
        default=None, description="a run that fails is posted there as JSON, in the form that Slack and Discord accept"
    )
    timeout_seconds: float = Field(default=10, gt=0, le=15, description="for one attempt of three")

    @field_validator("webhook_url", mode="after")
    @classmethod
    def _is_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.match(r"https?://[^/\s]", url.get_secret_value()):
            raise ValueError("give an http:// or https:// URL")
        return url


class UiSettings(_Section):
    """By which names the UI of `kubestats dev` is reached."""

    hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="names of a reverse proxy for the UI. Loopback names always hold"
    )

    _split_hosts = field_validator("hosts", mode="before")(_split)

    @field_validator("hosts", mode="after")
    @classmethod
    def _are_names(cls, hosts: list[str]) -> list[str]:
        if not all(_HOST_NAME.fullmatch(host) for host in hosts):
            raise ValueError("give host names such as kubestats.example.org, without scheme, port, path or wildcard")
        return [host.lower() for host in hosts]


class Settings(BaseSettings):
    """All settings of Kubestats. Immutable. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(default=Path("data"), description="where everything is kept")
    repositories: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="owner/name, git URL, path, or directory of repositories"
    )
    sync_method: Literal["git", "api"] = Field(
        default="git",
        description="api: repositories on GitHub are read through its API where git's protocol is blocked, tips only",
    )
    history_days: int | Literal["all"] = Field(
        default=90,
        description="days of history, counted back from the repository's own last commit, 0 for the tip alone, or all",
    )
    max_repository_mb: int = Field(default=200, ge=1, description="larger repositories are not kept")
    max_repositories: int | None = Field(default=None, ge=1, description="at most so many repositories are processed")
    publish_values: Literal["looks", "strict"] = Field(default="looks", description="values that are published")
    github: GitHubSettings = Field(default_factory=GitHubSettings)
    gitlab: GitLabSettings = Field(default_factory=GitLabSettings)
    sources: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="sources of other packages by their names, with their options"
    )
    sync: SyncSettings = Field(default_factory=SyncSettings)
    scan: ScanSettings = Field(default_factory=ScanSettings)
    automation: AutomationSettings = Field(default_factory=AutomationSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    ui: UiSettings = Field(default_factory=UiSettings)
    log_format: Literal["console", "json"] = Field(
        default="console", description="json: one object a line, with repository, commit, counts and seconds as fields"
    )
    retention: RetentionSettings = Field(default_factory=RetentionSettings)

    _split_repositories = field_validator("repositories", mode="before")(_split)

    @field_validator("history_days", mode="before")
    @classmethod
    def _is_a_history(cls, value: object) -> object:
        if value == "all" or (str(value).isdecimal() and not isinstance(value, bool)):
            return value
        raise ValueError("give 0 (tip only), a number of days, or all")

    @field_validator("data_dir", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        folder = value.expanduser().absolute()
        if any(path.is_file() for path in (folder, *folder.parents)):
            raise ValueError("it is a file, or lies below one. Give a folder, which is made where it is missing")
        return folder

    @model_validator(mode="before")
    @classmethod
    def _take_github_token(cls, values: dict[str, Any]) -> dict[str, Any]:
        token = os.environ.get("GITHUB_TOKEN")
        github = values.get("github", {})
        if token and isinstance(github, dict) and not github.get("token"):
            values["github"] = {**github, "token": token}
        return values

    @property
    def topics(self) -> list[str]:
        """The topics to search: those given, else the defaults unless the user names repositories of their own."""
        if self.github.topics is not None:
            return self.github.topics
        return [] if self.repositories else list(DEFAULT_TOPICS)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, which wins over the file. No .env, no secrets directory."""
        return (init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=_config_file()))


def load_settings(**overrides: object) -> Settings:
    """Read the settings of this process. `overrides` win over file and environment.

    Raises:
        SettingsError: a setting is unknown or wrong, or the file that KUBESTATS_CONFIG names cannot be read.
    """
    _reject_unknown_variables()
    _reject_unreadable_file()
    try:
        return Settings(**cast(dict[str, Any], overrides))
    except SourceError as error:  # a section that a variable gives as a whole, and not as JSON
        raise SettingsError(f"{error}. Give JSON, or one variable for each setting: {PREFIX}SECTION__NAME") from None
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _config_file() -> Path:
    return Path(os.environ.get(f"{PREFIX}CONFIG", "kubestats.yaml"))


def _reject_unreadable_file() -> None:
    path = _config_file()
    if f"{PREFIX}CONFIG" in os.environ and not path.is_file():
        raise SettingsError(f"{PREFIX}CONFIG names {path}, which is not a file. Correct or unset it")
    if not path.is_file():
        return
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{where} cannot be read as YAML. Correct it") from None
    if content is not None and not (isinstance(content, dict) and all(isinstance(name, str) for name in content)):
        raise SettingsError(f"{path} must hold settings as `name: value` lines")


def _known_names(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        names.append(prefix + name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, _Section):
            names += _known_names(field.annotation, f"{prefix}{name}.")
    return names


def _reject_unknown_variables() -> None:
    known = {PREFIX + name.upper().replace(".", "__") for name in _known_names()} | {f"{PREFIX}CONFIG"}
    for variable in os.environ:
        name = variable.upper()  # pydantic takes them in any case
        if name.startswith(PREFIX) and name not in known:
            raise SettingsError(f"unknown setting {variable}{_closest(name, sorted(known))}")


def _closest(name: str, known: list[str]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f". Did you mean {match[0]}?" if match else f". Known are {', '.join(known)}"


def _explain(error: ValidationError) -> str:
    """One line per wrong setting, without the value: it may be a token."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        parts = [part for part in problem["loc"] if isinstance(part, str)]  # a number is a place in a list
        name = ".".join(part for part in parts if part not in ("int", "literal['all']"))
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown setting {name}{_closest(name, _known_names())}")
        else:
            variable = PREFIX + name.upper().replace(".", "__")
            lines.append(f"{name} (or {variable}): {problem['msg'].removeprefix('Value error, ')}")
    return "\n".join(dict.fromkeys(lines))
