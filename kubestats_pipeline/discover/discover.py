"""The stage as one function: ask the sources, merge, write `repositories` and the day's `repository_metrics`.

The Dagster skin (`assets.py`) calls it with the sources of the settings. Syncing what was found is the next stage.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from kubestats_pipeline.discover.membership import merge
from kubestats_pipeline.discover.records import COUNTS, FoundRepository, SourceFailure, combine_by_id, join_found
from kubestats_pipeline.discover.sources import GitHubTopics, ListSource, Source
from kubestats_pipeline.hosts.github import GitHubClient, request_headers
from kubestats_pipeline.lake import Lake, to_frame
from kubestats_pipeline.layout import Layout
from kubestats_pipeline.settings import Settings
from kubestats_pipeline.tables import REPOSITORIES, REPOSITORY_METRICS

SOURCE_NAMES = ("github", "list")


@dataclass(frozen=True)
class DiscoveryReport:
    """What one discovery did.

    Attributes:
        found: repositories that a source found now.
        new: those of them that were never seen before.
        failures: sources, or parts of them, that gave no answer.
        repositories: rows of `repositories` afterwards.
        metrics_rows: rows that this discovery wrote or renewed in the day's `repository_metrics`.
    """

    found: int
    new: int
    failures: tuple[SourceFailure, ...]
    repositories: int
    metrics_rows: int


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


def _configured(settings: Settings) -> dict[str, Source]:
    connect = partial(GitHubClient, settings.github, folder=Layout(settings.data_dir).http)
    sources: dict[str, Source] = {}
    if settings.topics:
        sources["github"] = GitHubTopics(
            tuple(settings.topics), settings.github.git_url, connect, settings.github.forks
        )
    if settings.repositories:
        sources["list"] = ListSource(tuple(settings.repositories), settings.github.git_url, connect)
    return sources


def discover(lake: Lake, sources: Sequence[Source], now: datetime.datetime) -> DiscoveryReport:
    """Ask all sources and write what they found; what they did not find, or could not be asked, stays as it is.

    Args:
        lake: holds `repositories` and `repository_metrics`; nothing is written when nothing was found.
        sources: asked in this order; of two answers about one repository the later counts.
        now: the time of this discovery, aware; its UTC day is the partition of the metrics.

    Raises:
        LakeError: a table cannot be read or written.
    """
    answer = join_found(source.find() for source in sources)
    found = combine_by_id(answer.repositories)
    partition = lake.read(REPOSITORIES)
    known = partition.rows if partition else to_frame(REPOSITORIES, [])
    if not found:
        return DiscoveryReport(0, 0, answer.failures, known.height, 0)
    rows = merge(known, found, now)
    lake.write(REPOSITORIES, None, rows)
    return DiscoveryReport(
        found=len(found),
        new=rows.height - known.height,
        failures=answer.failures,
        repositories=rows.height,
        metrics_rows=_write_metrics(lake, found, now),
    )


def _write_metrics(lake: Lake, found: Sequence[FoundRepository], now: datetime.datetime) -> int:
    """Renew the day's rows of repositories with numbers; those of the others stay."""
    day = now.astimezone(datetime.UTC).date()
    fresh = to_frame(REPOSITORY_METRICS, [_metrics_row(one, day, now) for one in found if one.has_numbers])
    if fresh.is_empty():
        return 0
    earlier = lake.read(REPOSITORY_METRICS, day)
    rows = _renew(earlier.rows, fresh) if earlier else fresh
    lake.write(REPOSITORY_METRICS, day, rows)
    return fresh.height


def _renew(earlier: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """The day's last reading wins; a number that it does not tell (subscribers, in a search) stays from before."""
    return earlier.update(fresh, on="repository_id", how="full", include_nulls=False)


def _metrics_row(repository: FoundRepository, day: datetime.date, now: datetime.datetime) -> dict[str, object]:
    names = ("repository_id", *COUNTS, "updated_at", "pushed_at")
    return {name: getattr(repository, name) for name in names} | {"date": day, "recorded_at": now}
