"""The stage as one function: ask sources and witnesses, merge, write `repositories` and the day's `repository_metrics`.

The Dagster skin (`orchestration/assets/discover.py`) calls it with what the settings configure (`configured.py`).
Syncing what was found is the next stage.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from kubestats_pipeline.discover.decisions import read_decisions
from kubestats_pipeline.discover.fit_rows import fit_failure
from kubestats_pipeline.discover.membership import MISSES, Row, Sighting, absent, is_named_by_host, merge
from kubestats_pipeline.discover.records import (
    COUNTS,
    LIST_TAG,
    Found,
    FoundRepository,
    SourceFailure,
    combine_by_id,
    join_found,
)
from kubestats_pipeline.discover.register import Update, read_rows, update_register
from kubestats_pipeline.discover.rules import Policy, is_tombstone
from kubestats_pipeline.discover.sources import Known, Source, Testimony, Witness
from kubestats_pipeline.lake.lake import Lake, LakeError, to_frame
from kubestats_pipeline.lake.repository_tables import RepositoryTables
from kubestats_pipeline.lake.tables import REPOSITORY_METRICS, SNAPSHOTS
from kubestats_pipeline.locks import BusyError
from kubestats_pipeline.redaction.texts import withhold_shapes


@dataclass(frozen=True)
class DiscoveryReport:
    """The results of one discovery.

    Attributes:
        found: repositories that a source found now.
        new: those of them that were never seen before.
        failures: sources, or parts of them, that gave no answer.
        repositories: rows of `repositories` afterwards.
        metrics_rows: rows that this discovery wrote or renewed in the day's `repository_metrics`.
        names: full names that repositories gave up, each with the one that followed. None where it was deleted.
    """

    found: int
    new: int
    failures: tuple[SourceFailure, ...]
    repositories: int
    metrics_rows: int
    names: Mapping[str, str | None] = field(default_factory=dict)


def discover(
    lake: Lake,
    sources: Sequence[Source],
    now: datetime.datetime,
    *,
    witnesses: Sequence[Witness] = (),
    max_mb: int | None = None,
) -> DiscoveryReport:
    """Ask all sources and witnesses and write their answers. A repository without an answer stays as it is.

    Args:
        lake: holds `repositories` and `repository_metrics`. Nothing is written without any answer.
        sources: asked in this order. Of two answers about one repository the later counts.
        now: the time of this discovery, aware. Its UTC day is the partition of the metrics.
        witnesses: asked for repositories that are known.
        max_mb: larger repositories wait for an approval.

    Raises:
        LakeError: a table cannot be read or written.
        DecisionsError: `decisions.yaml` cannot be understood.
    """
    read_decisions(lake.layout.decisions)  # before anybody is asked: a file that cannot be understood stops everything
    answer = join_found(source.find() for source in sources)
    known, today = read_rows(lake), _metrics_of(lake, now)
    sighting, failures = _hear(known, answer, today, witnesses)
    try:
        update = _update(lake, sighting, now, max_mb, _too_large(lake, sighting.found, known, max_mb))
    except BusyError as error:  # a rename waits for a scan, while facts are recorded all the same
        failures.append(SourceFailure("repositories", f"{error}. The next discovery goes on"))
        update = Update(known, read_rows(lake), {})
    return DiscoveryReport(
        found=len(combine_by_id(answer.repositories)),
        new=update.rows.height - update.before.height,
        failures=tuple(map(fit_failure, (*answer.failures, *failures))),
        repositories=update.rows.height,
        metrics_rows=_write_metrics(lake, sighting.found, update.rows, now),
        names={withhold_shapes(old): new for old, new in update.names.items()},
    )


def apply_decisions(lake: Lake, now: datetime.datetime, max_mb: int | None) -> Update:
    """Let the decisions hold at once, without asking anybody.

    Raises:
        BusyError: a repository is being synced or scanned. The next discovery goes on.
        LakeError, DecisionsError: as `discover` does.
    """
    return _update(lake, Sighting(), now, max_mb, {})


def _update(
    lake: Lake, sighting: Sighting, now: datetime.datetime, max_mb: int | None, too_large: Mapping[str, str]
) -> Update:
    """Merge the answers. Decisions are read while the table is locked, so that one made meanwhile holds too."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        return merge(rows, sighting, now, Policy(read_decisions(lake.layout.decisions), max_mb, too_large))

    return update_register(lake, change)


def _hear(
    known: pl.DataFrame, answer: Found, today: Mapping[str, Row], witnesses: Sequence[Witness]
) -> tuple[Sighting, list[SourceFailure]]:
    """All answers of sources and witnesses. Two questions to each witness: what is new, and who is gone."""
    rows = {row["repository_id"]: row for row in known.iter_rows(named=True)}
    found = {one.repository_id: one for one in combine_by_id(answer.repositories)}
    missed = absent(known, found, answer.asked, answer.complete)
    seen, confirmed, failures = list(answer.repositories), set[str](), list[SourceFailure]()
    gone: dict[str, str] = {}
    for witness in witnesses:
        facts = witness.describe([each for each in _everybody(rows, found) if _is_due(each, witness, found, today)])
        missed = (missed | facts.gone.keys()) - {one.repository_id for one in facts.found}
        confirmation = witness.confirm(list(_suspects(rows, found, missed, witness)))
        gone |= confirmation.gone
        confirmed |= {one.repository_id for one in confirmation.found}
        seen = [*facts.found, *confirmation.found, *seen]
        failures += [SourceFailure(witness.name, reason) for reason in _reasons(facts, confirmation)]
    return Sighting(tuple(seen), missed, gone, frozenset(confirmed)), failures


def _reasons(*testimonies: Testimony) -> Iterator[str]:
    return (reason for testimony in testimonies for reason in testimony.failures)


def _everybody(rows: Mapping[str, Row], found: Mapping[str, FoundRepository]) -> Iterator[Known]:
    """Living repositories, and those that were found just now, under their latest names."""
    for identity, row in rows.items():
        if row["retired_at"] is None and identity not in found:
            yield _known(row)
    for identity, one in found.items():
        if identity not in rows or rows[identity]["retired_at"] is None:
            yield Known(identity, one.full_name, LIST_TAG in one.discovery_tags)


def _is_due(known: Known, witness: Witness, found: Mapping[str, FoundRepository], today: Mapping[str, Row]) -> bool:
    """True if a witness can give a number of today that is still missing: once a day and repository."""
    if not (is_named_by_host(known.repository_id) and witness.knows(known.repository_id)):
        return False
    present, recorded = found.get(known.repository_id), today.get(known.repository_id)
    if witness.gives_watchers:
        has_watchers = present is not None and present.watchers_count is not None
        return not (has_watchers or (recorded and recorded["watchers_count"] is not None))
    return not ((present and present.has_numbers) or recorded)


def _suspects(
    rows: Mapping[str, Row], found: Iterable[str], missed: frozenset[str], witness: Witness
) -> Iterator[Known]:
    """Whom the host must be asked for: those missed often enough, and the retired that were found again."""
    present = frozenset(found)
    for identity, row in rows.items():
        is_missed = identity in missed and (row["missed_searches"] or 0) + 1 >= MISSES
        is_back = row["retired_at"] is not None and identity in present and not is_tombstone(row)
        if (is_missed or is_back) and is_named_by_host(identity) and witness.knows(identity):
            yield _known(row)


def _known(row: Row) -> Known:
    return Known(row["repository_id"], row["full_name"], LIST_TAG in row["discovery_tags"])


def _too_large(lake: Lake, found: Iterable[FoundRepository], known: pl.DataFrame, max_mb: int | None) -> dict[str, str]:
    """The reason for each repository whose host gives no size and whose mirror passed the present limit."""
    names = dict(known.select("repository_id", "full_name").iter_rows())
    asked = {one.repository_id for one in found if max_mb is not None and one.size_kb is None} & names.keys()
    swept = RepositoryTables.sweep(lake, [(names[identity], identity) for identity in sorted(asked)], [SNAPSHOTS])
    return {identity: reason for tables in swept for identity, reason in _passed_limit(tables, max_mb)}


def _passed_limit(tables: RepositoryTables, max_mb: int | None) -> Iterator[tuple[str, str]]:
    try:
        row = tables.snapshot()
    except LakeError:  # the sync reports the damaged file
        return
    if row is not None and row["size_limit_mb"] == max_mb:  # under another limit than the last sync's it may fit
        yield row["repository_id"], row["sync_error"]


def _metrics_of(lake: Lake, now: datetime.datetime) -> dict[str, Row]:
    earlier = lake.read(REPOSITORY_METRICS, _day(now))
    return {row["repository_id"]: row for row in earlier.rows.iter_rows(named=True)} if earlier else {}


def _write_metrics(lake: Lake, found: Iterable[FoundRepository], rows: pl.DataFrame, now: datetime.datetime) -> int:
    """Renew the day's rows of living repositories with numbers. Those of the others stay."""
    living = set(rows.filter(pl.col("retired_at").is_null())["repository_id"])
    known = [one for one in combine_by_id(found) if one.has_numbers and one.repository_id in living]
    fresh = to_frame(REPOSITORY_METRICS, [_metrics_row(one, now) for one in known])
    if fresh.is_empty():
        return 0
    earlier = lake.read(REPOSITORY_METRICS, _day(now))
    lake.write(REPOSITORY_METRICS, _day(now), _renew(earlier.rows, fresh) if earlier else fresh)
    return fresh.height


def _day(now: datetime.datetime) -> datetime.date:
    return now.astimezone(datetime.UTC).date()


def _renew(earlier: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """The day's last reading wins. A number that it lacks (subscribers, in a search) stays from before."""
    return earlier.update(fresh, on="repository_id", how="full", include_nulls=False)


def _metrics_row(repository: FoundRepository, now: datetime.datetime) -> dict[str, object]:
    names = ("repository_id", *COUNTS, "updated_at", "pushed_at")
    return {name: getattr(repository, name) for name in names} | {"date": _day(now), "recorded_at": now}
