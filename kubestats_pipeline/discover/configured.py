"""The sources and witnesses that the settings configure, those of other packages included.

Another package adds a host by an entry point of the group `kubestats.sources`: a function that makes a `Source` out of
the options that the setting `sources` gives under the entry point's name. See docs/discovery.md.
"""

from collections.abc import Sequence
from functools import partial
from importlib.metadata import entry_points
from urllib.parse import urlsplit

from kubestats_pipeline.discover.clone_urls import Screened
from kubestats_pipeline.discover.entries import ListSource
from kubestats_pipeline.discover.github import GitHubTopics, GitHubWitness
from kubestats_pipeline.discover.gitlab import PUBLIC_GITLAB, GitLabTopics, GitLabWitness
from kubestats_pipeline.discover.sources import Source, Witness
from kubestats_pipeline.hosts.github.client import GitHubClient, request_headers
from kubestats_pipeline.hosts.gitlab import GitLabClient
from kubestats_pipeline.settings import Settings, SettingsError

SOURCE_GROUP = "kubestats.sources"
BUILT_IN = {"github": "github.topics", "gitlab": "gitlab.topics", "list": "repositories"}
"""The sources of this package, each with the setting that says what it looks for."""


def sources_from(settings: Settings, only: Sequence[str] = ()) -> list[Source]:
    """The sources that the settings configure, or those of them that `only` names.

    Raises:
        ValueError: `only` names no source, or one for which the settings give nothing to look for.
        SettingsError: a token cannot be one, or no package offers a source of the setting `sources`.
    """
    known = (*BUILT_IN, *settings.sources)
    unknown = sorted(set(only) - set(known))
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is not a source. Known are {', '.join(known)}")
    request_headers(settings.github)
    sources = _configured(settings)
    missing = sorted(set(only) - set(sources))
    if missing:
        raise ValueError(f"source {missing[0]} has nothing to look for. Set {BUILT_IN[missing[0]]}")
    return [source for name, source in sources.items() if not only or name in only]


def witnesses_from(settings: Settings) -> list[Witness]:
    """The hosts that can be asked about repositories that are known."""
    has_token = settings.github.token is not None
    github = GitHubWitness(settings.github.git_url, _connect(settings), has_token)
    host = urlsplit(settings.gitlab.api_url).hostname or PUBLIC_GITLAB
    return [github, GitLabWitness(host.lower(), _connect_gitlab(settings))]


def _configured(settings: Settings) -> dict[str, Source]:
    github, gitlab, connect = settings.github, settings.gitlab, _connect(settings)
    sources: dict[str, Source] = {}
    if settings.topics:
        sources["github"] = GitHubTopics(tuple(settings.topics), github.git_url, connect, github.forks)
    if gitlab.topics:
        sources["gitlab"] = GitLabTopics(tuple(gitlab.topics), _connect_gitlab(settings), gitlab.forks)
    if settings.repositories:
        sources["list"] = ListSource(tuple(settings.repositories), github.git_url, connect)
    return sources | {name: _of_other_package(name, settings) for name in settings.sources}


def _of_other_package(name: str, settings: Settings) -> Source:
    found = entry_points(group=SOURCE_GROUP, name=name)
    if not found:
        offered = ", ".join(sorted(point.name for point in entry_points(group=SOURCE_GROUP))) or "none"
        raise SettingsError(f"sources.{name}: no installed package offers it. Offered are {offered}")
    return Screened(next(iter(found)).load()(dict(settings.sources[name])))


def _connect(settings: Settings) -> "partial[GitHubClient]":
    return partial(GitHubClient, settings.github, folder=settings.layout.http)


def _connect_gitlab(settings: Settings) -> "partial[GitLabClient]":
    return partial(GitLabClient, settings.gitlab, folder=settings.layout.http)
