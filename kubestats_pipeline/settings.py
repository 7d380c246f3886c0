"""Every setting, typed, bounded and documented. The only module that reads the environment.

A value comes from `KUBESTATS_…` variables (`__` nests), else from `kubestats.yaml` (or the file that `KUBESTATS_CONFIG`
names), else from the default here. A wrong or unknown one raises `SettingsError`, whose text names the setting
and what would be right. Nothing else in the package looks at the environment.
"""

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.setting_sections import (
    AN_ADDRESS,
    AlertSettings,
    AutomationSettings,
    GitHubSettings,
    GitLabSettings,
    ReportSettings,
    RetentionSettings,
    ScanSettings,
    SettingsSection,
    SyncSettings,
    UiSettings,
    WatchRule,
    split_list,
)

PREFIX = "KUBESTATS_"
_RECEIVERS = f"{PREFIX}ALERTS__RECEIVERS__"
"""How variables with the addresses of receivers begin. Their users choose the rest."""

_BUCKET = re.compile(r"(s3|gs|az)://[a-z0-9][a-z0-9._-]{1,62}(/[\w.-]+)*/?")
"""An address of a bucket, with the names of folders that need no quoting."""

DEFAULT_TOPICS = ("kubesearch", "k8s-at-home")


class SettingsError(ExplainedError, ValueError):
    """A setting is unknown or has a wrong value. The text says which one and what would be right."""


class Settings(BaseSettings):
    """All settings of Kubestats. Immutable. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(default=Path("data"), description="where everything is kept")
    lake_url: str = Field(
        default="", description="bucket that keeps all that is known for several machines: s3://, gs:// or az://"
    )
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
    watch: list[WatchRule] = Field(default_factory=list, description="rules: what is told to whom when it changes")
    ui: UiSettings = Field(default_factory=UiSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)
    log_format: Literal["console", "json"] = Field(
        default="console", description="json: one object a line, with repository, commit, counts and seconds as fields"
    )
    retention: RetentionSettings = Field(default_factory=RetentionSettings)

    _split_repositories = field_validator("repositories", mode="before")(split_list)

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

    @field_validator("lake_url", mode="after")
    @classmethod
    def _is_a_bucket(cls, value: str) -> str:
        if value and not _BUCKET.fullmatch(value):
            raise ValueError(
                "give s3://bucket, gs://bucket or az://container, perhaps with /folder, and no credentials"
            )
        return value.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _take_github_token(cls, values: dict[str, Any]) -> dict[str, Any]:
        token = os.environ.get("GITHUB_TOKEN")
        github = values.get("github", {})
        if token and isinstance(github, dict) and not github.get("token"):
            values["github"] = {**github, "token": token}
        return values

    @model_validator(mode="after")
    def _names_receivers(self) -> "Settings":
        known = sorted(self.alerts.receivers)
        if self.watch and not known:
            raise ValueError(f"watch: nobody is told. Name a receiver in alerts.receivers with {AN_ADDRESS}")
        named = {f"watch, rule {number}: to": rule.to for number, rule in enumerate(self.watch, 1)}
        for where, names in {"alerts.failures_to": self.alerts.failures_to, **named}.items():
            if any(name not in known for name in names):
                raise ValueError(
                    f"{where}: give names of alerts.receivers, which are: {', '.join(known) or 'none yet'}"
                )
        return self

    @property
    def topics(self) -> list[str]:
        """The topics to search: those given, else the defaults unless the user names repositories of their own."""
        if self.github.topics is not None:
            return self.github.topics
        return [] if self.repositories else list(DEFAULT_TOPICS)

    @property
    def layout(self) -> Layout:
        """Every path under the data directory."""
        return Layout(self.data_dir, self.lake_url)

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
        return (init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=config_file()))


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


def config_file() -> Path:
    """The settings file of this process, whether it exists or not."""
    return Path(os.environ.get(f"{PREFIX}CONFIG", "kubestats.yaml"))


def _reject_unreadable_file() -> None:
    path = config_file()
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
        if (section := _section_of(field.annotation)) is not None:
            names += _known_names(section, f"{prefix}{name}.")
    return names


def _section_of(annotation: Any) -> type[SettingsSection] | None:
    """The section that a setting is, or each item of one that is a list."""
    for found in (annotation, *get_args(annotation)):
        if isinstance(found, type) and issubclass(found, SettingsSection):
            return found
    return None


def _reject_unknown_variables() -> None:
    known = {PREFIX + name.upper().replace(".", "__") for name in _known_names()} | {f"{PREFIX}CONFIG"}
    for variable in os.environ:
        name = variable.upper()  # pydantic takes them in any case
        if name.startswith(PREFIX) and name not in known and not name.startswith(_RECEIVERS):
            raise SettingsError(f"unknown setting {variable}{_closest(name, sorted(known))}")


def _closest(name: str, known: list[str]) -> str:
    match = difflib.get_close_matches(name, known, n=1)
    return f". Did you mean {match[0]}?" if match else f". Known are {', '.join(known)}"


def _explain(error: ValidationError) -> str:
    """One line per wrong setting, without the value: it may be a token."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name, place = _named(problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            lines.append(f"unknown setting {name}{place}{_closest(name, _known_names())}")
        elif not name:  # of several settings together: the text names them
            lines.append(said)
        else:
            variable = name.partition(".")[0] if place else name  # rules are given as a whole
            lines.append(f"{name} (or {PREFIX}{variable.upper().replace('.', '__')}){place}: {said}")
    return "\n".join(dict.fromkeys(lines))


def _named(location: tuple[str | int, ...]) -> tuple[str, str]:
    """The name of a setting, and the number of its rule where it is in one of a list."""
    parts = [part for part in location if isinstance(part, str) and part not in ("int", "literal['all']")]
    is_in_rule = location[:1] == ("watch",) and len(location) > 1 and isinstance(location[1], int)
    return ".".join(parts), f" in rule {int(location[1]) + 1}" if is_in_rule else ""
