"""Which sources and witnesses the settings configure, those of other packages included."""

from collections.abc import Sequence
from functools import partial

from kubestats_pipeline.discover.sources import GitHubTopics, ListSource, Source
from kubestats_pipeline.discover.witnesses import GitHubWitness, Witness
from kubestats_pipeline.hosts.github import GitHubClient, request_headers
from kubestats_pipeline.layout import Layout
from kubestats_pipeline.settings import Settings

SOURCE_NAMES = ("github", "list")


def sources_from(settings: Settings, only: Sequence[str] = ()) -> list[Source]:
    """The sources that the settings configure, or those of them that `only` names.

    Raises:
        ValueError: `only` names no source, or one for which the settings give nothing to look for.
        SettingsError: the GitHub token cannot be one.
    """
    unknown = sorted(set(only) - set(SOURCE_NAMES))
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no source; known are {', '.join(SOURCE_NAMES)}")
    request_headers(settings.github)
    sources = _configured(settings)
    missing = sorted(set(only) - set(sources))
    if missing:
        raise ValueError(
            f"source {missing[0]} has nothing to look for; set github.topics (github) or repositories (list)"
        )
    return [source for name, source in sources.items() if not only or name in only]


def witnesses_from(settings: Settings) -> list[Witness]:
    """The hosts that can be asked about repositories that are known."""
    return [GitHubWitness(settings.github.git_url, _connect(settings), settings.github.token is not None)]


def _configured(settings: Settings) -> dict[str, Source]:
    connect = _connect(settings)
    sources: dict[str, Source] = {}
    if settings.topics:
        sources["github"] = GitHubTopics(
            tuple(settings.topics), settings.github.git_url, connect, settings.github.forks
        )
    if settings.repositories:
        sources["list"] = ListSource(tuple(settings.repositories), settings.github.git_url, connect)
    return sources


def _connect(settings: Settings) -> "partial[GitHubClient]":
    return partial(GitHubClient, settings.github, folder=Layout(settings.data_dir).http)
