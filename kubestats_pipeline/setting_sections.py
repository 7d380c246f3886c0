"""The sections of the settings: each a record with its types, bounds, defaults and meanings.

`settings.py` puts them together and reads them. Nothing here looks at the environment.
"""

import json
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

_HOST_NAME = re.compile(r"(?i)(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
"""A host name (RFC 1123, section 2.1)."""


class SettingsSection(BaseModel):
    """A section: frozen, and without names that nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def split_list(value: object) -> object:
    """Accept a JSON list, `a, b` or one entry a line where the environment gives a list as one string."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError('it begins as a JSON list and is none. Give ["a", "b"], or a, b') from None
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[,\n]", value) if part.strip()]
    return value


class GitHubSettings(SettingsSection):
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

    _split_topics = field_validator("topics", mode="before")(split_list)


class GitLabSettings(SettingsSection):
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

    _split_topics = field_validator("topics", mode="before")(split_list)


class SyncSettings(SettingsSection):
    """How mirrors are fetched."""

    workers: int = Field(default=8, ge=1, le=64, description="repositories fetched at once. Fetching mostly waits")
    parallel_runs: int = Field(default=1, ge=1, le=256, description="runs into which a sweep is split")
    timeout_seconds: float = Field(default=600, gt=0, description="for one git command")
    retry_minutes: float = Field(
        default=15, gt=0, description="wait after a first failure. Doubles with each further one"
    )
    max_retry_hours: float = Field(
        default=24, gt=0, description="longest wait between two attempts at a failing repository"
    )


class ScanSettings(SettingsSection):
    """Bounds within which a file is read. A file that passes one becomes a row of scan_problems."""

    workers: int = Field(default=2, ge=1, le=64, description="processes: a repository each, or one long history")
    parallel_runs: int = Field(default=1, ge=1, le=256, description="runs into which a sweep is split")
    max_file_kb: int = Field(
        default=1024, ge=1, le=1024, description="larger files are not read (mirrors hold blobs up to 1 MB)"
    )
    max_nodes: int = Field(default=200_000, ge=100, description="YAML nodes of one document, aliases expanded")
    max_depth: int = Field(default=100, ge=5, le=200, description="nesting of one document")


class AutomationSettings(SettingsSection):
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


class RetentionSettings(SettingsSection):
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


class AlertSettings(SettingsSection):
    """The receivers of messages, and who of them hears of failed runs."""

    webhook_url: SecretStr | None = Field(
        default=None, description="a run that fails is posted there as JSON, in the form that Slack and Discord accept"
    )
    timeout_seconds: float = Field(default=10, gt=0, le=15, description="for one attempt of three")
    receivers: dict[str, SecretStr] = Field(
        default_factory=dict, description="names of your choice with their addresses, as apprise writes them"
    )
    failures_to: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="receivers that are told of every run that fails"
    )

    _split_failures_to = field_validator("failures_to", mode="before")(split_list)

    @field_validator("webhook_url", mode="after")
    @classmethod
    def _is_a_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not re.match(r"https?://[^/\s]", url.get_secret_value()):
            raise ValueError("give an http:// or https:// URL")
        return url

    @field_validator("receivers", mode="after")
    @classmethod
    def _are_addresses(cls, receivers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, address in receivers.items():
            if not _RECEIVER_NAME.fullmatch(name):
                raise ValueError("name each receiver with lower-case letters, digits, - and _, such as phone")
            if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+", address.get_secret_value()):
                raise ValueError(f"the address of {name} is not one. Give {AN_ADDRESS}")
        return receivers


AN_ADDRESS = "an address as apprise writes them, such as ntfys://ntfy.sh/topic"
_RECEIVER_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

SUBJECTS = ("chart", "app", "image", "repository")
"""Sorts of things that a rule watches."""


class WatchRule(SettingsSection):
    """One thing, the changes of it that are told, and who hears of them."""

    chart: str | None = Field(default=None, description="name of a chart, or its canonical address")
    app: str | None = Field(default=None, description="name of an app")
    image: str | None = Field(default=None, description="name of an image, or the last part of it")
    repository: str | None = Field(default=None, description="full name of a repository")
    what: Annotated[
        list[Literal["rolled_back", "new_major", "gone", "changed"]],
        Field(min_length=1, description="changes that are told"),
    ]
    to: list[str] = Field(default_factory=list, description="receivers by their names. All by default")

    _split = field_validator("what", "to", mode="before")(split_list)

    @field_validator(*SUBJECTS, mode="after")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not name.strip():
            raise ValueError("give a name, such as grafana")
        return name.strip() if name else None

    @model_validator(mode="after")
    def _watches_one_thing(self) -> "WatchRule":
        if sum(getattr(self, subject) is not None for subject in SUBJECTS) != 1:
            raise ValueError(f"give one of {', '.join(SUBJECTS)} in each rule, such as chart: grafana")
        return self

    @property
    def subject(self) -> tuple[str, str]:
        """The sort of what is watched, and its name."""
        return next((sort, name) for sort in SUBJECTS if (name := getattr(self, sort)) is not None)


class ReportSettings(SettingsSection):
    """Where the pages are reached."""

    port: int = Field(default=3080, ge=1, le=65535, description="port on 127.0.0.1 of `kubestats report` and `dev`")
    url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="address at which a web server of yours publishes them, for the sitemap and feeds",
    )


class UiSettings(SettingsSection):
    """By which names the UI of `kubestats dev` is reached."""

    hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="names of a reverse proxy for the UI. Loopback names always hold"
    )

    _split_hosts = field_validator("hosts", mode="before")(split_list)

    @field_validator("hosts", mode="after")
    @classmethod
    def _are_names(cls, hosts: list[str]) -> list[str]:
        if not all(_HOST_NAME.fullmatch(host) for host in hosts):
            raise ValueError("give host names such as kubestats.example.org, without scheme, port, path or wildcard")
        return [host.lower() for host in hosts]
