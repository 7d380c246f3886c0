"""A lake of any size that looks like a real one: resources with their events, drawn from scanned repositories.

Whole lives of resources are copied, with the values of their releases. So kinds, charts, versions of a chart, event
types, gaps, Helm values and sizes of documents are those of the scanned repositories, and the sizes of repositories are
as well. Resources that never changed are drawn more or less often than others, to reach the average number of events.
Time is stretched, so that a season becomes years. The same seed gives the same lake. `warehouse.py` builds from it.
"""

import datetime
import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import (
    APPLIED_EVENTS,
    APPLIED_RESOURCES,
    HELM_VALUES,
    REPOSITORIES,
    REPOSITORY_METRICS,
    RESOURCE_EVENTS,
    RESOURCES,
    SCAN_PROBLEMS,
    SCANS,
    SNAPSHOTS,
)

NOW = datetime.datetime(2026, 8, 1, tzinfo=datetime.UTC)
RESOURCES_EACH = 200
PROBLEMS_EACH = 3
METRIC_DAYS = 30
SEED = 7
STRETCH = 16
"""Days of the made lake for one day of the scanned repositories. 90 days become four years."""
LANGUAGES = ("YAML", "Shell", "Jinja", "HCL", "Python", None)


@dataclass(frozen=True)
class Size:
    """Numbers of rows to make: `resources` exactly, `events` on average."""

    resources: int
    events: int

    @property
    def repositories(self) -> int:
        """Repositories of about `RESOURCES_EACH` resources."""
        return max(1, self.resources // RESOURCES_EACH)


@dataclass(frozen=True)
class Lives:
    """Resources of scanned repositories with their events and Helm values.

    Attributes:
        resources: rows of `resources` and their number in the column `life`.
        events: rows of `resource_events` with the same number.
        values: rows of `helm_values` with the same number.
        applied: rows of `applied_resources` that begin as one of them, with the same number.
        applied_events: rows of `applied_events` of such objects.
        sizes: resources of each repository.
    """

    resources: pl.DataFrame
    events: pl.DataFrame
    values: pl.DataFrame
    applied: pl.DataFrame
    applied_events: pl.DataFrame
    sizes: Sequence[int]


def learn(lakes: Sequence[Lake]) -> Lives:
    """All resources, events and values of scanned repositories.

    Raises:
        LakeError: a partition is damaged.
    """
    tables = (RESOURCES, RESOURCE_EVENTS, HELM_VALUES, APPLIED_RESOURCES, APPLIED_EVENTS)
    resources, events, values, applied, changes = (
        pl.concat(lake.read_all(table) for lake in lakes) for table in tables
    )
    newest = events.group_by("repository_id").agg(pl.col("event_timestamp").max().alias("newest"))
    resources = _stretch(resources.join(newest, on="repository_id"), "created_at", "updated_at", "deleted_at")
    events = _stretch(events.join(newest, on="repository_id"), "event_timestamp")
    resources = resources.with_row_index("life")
    numbers = resources.select("repository_id", "resource_id", "life")
    sizes = resources.group_by("repository_id").len().sort("repository_id")["len"].to_list()
    own = ["repository_id", "resource_id"]
    lost = _lost_objects(applied, resources)
    applied, changes, values = (rows.join(lost, on="applied_id", how="anti") for rows in (applied, changes, values))
    events, values = events.join(numbers, on=own), values.join(numbers, on=own)
    # An object belongs to the document that it began as last.
    owners = changes.sort("sequence").select("applied_id", *own).vstack(applied.select("applied_id", *own))
    lives = owners.unique("applied_id", keep="last").join(numbers, on=own).select("applied_id", "life")
    applied = _stretch(applied.join(newest, on="repository_id"), "created_at", "updated_at").join(
        lives, on="applied_id"
    )
    changes = _stretch(changes.join(newest, on="repository_id"), "event_timestamp").join(lives, on="applied_id")
    return Lives(resources, events, values, applied, changes, sizes)


def _lost_objects(applied: pl.DataFrame, resources: pl.DataFrame) -> pl.DataFrame:
    """The ids of objects without an applied document: those of a folder that cannot be built any more go on to run."""
    documents = resources.filter(pl.col("is_applied") & (pl.col("status") == "ACTIVE"))
    return applied.join(documents, on=["repository_id", "resource_id"], how="anti").select("applied_id")


def _stretch(rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Let a repository's last event be `NOW` and everything else lie `STRETCH` times as far back."""
    ages = {name: (pl.col("newest") - pl.col(name)) * STRETCH for name in columns}
    return rows.with_columns(**{name: pl.lit(NOW) - age for name, age in ages.items()})


def write_ecosystem(lives: Lives, lake: Lake, size: Size) -> int:
    """Write all tables but the statistics, and return the number of events.

    Raises:
        LakeError: the disk is full.
    """
    draw = random.Random(SEED)  # noqa: S311 - no secret
    weights = list(itertools.accumulate(_weights(lives, size.events / size.resources)))
    repositories = [_repository(number) for number in range(size.repositories)]
    lake.write(REPOSITORIES, None, repositories)
    _write_metrics(lake, repositories)
    events = 0
    ends = _shares(draw.choices(lives.sizes, k=size.repositories), size.resources)
    for number, (repository, (start, end)) in enumerate(zip(repositories, itertools.pairwise(ends), strict=True)):
        drawn = draw.choices(range(lives.resources.height), cum_weights=weights, k=end - start)
        events += _write_repository(lake, repository, number, lives, drawn)
    return events


def push_to_one(lake: Lake, number: int) -> None:
    """One commit more in one repository: a resource of it gets another version."""
    name = _repository(number)["full_name"]
    log, declared, scanned = (lake.read(table, name) for table in (RESOURCE_EVENTS, RESOURCES, SCANS))
    if log is None or declared is None or scanned is None:
        raise ValueError(f"{name} is not in the lake")
    active = declared.rows.filter(pl.col("status") == "ACTIVE")["resource_id"][0]
    count = log.rows.height
    commit = f"{count:040x}"
    moment = log.rows["event_timestamp"].max()
    event = log.rows.filter(pl.col("resource_id") == active).tail(1)
    event = event.with_columns(
        event_id=pl.lit(_ids(number, count + 1, "event")[-1]),
        sequence=pl.lit(count, pl.Int64),
        event_type=pl.lit("MODIFIED"),
        event_timestamp=pl.lit(moment) + pl.duration(hours=1),
        commit_sha=pl.lit(commit),
        version_before=pl.col("version_after"),
        version_after=pl.lit(f"99.0.{count}"),
        file_hash_after=pl.lit(commit),
    )
    is_it = pl.col("resource_id") == active
    changed = pl.when(is_it).then(pl.lit(commit)).otherwise(pl.col("content_hash"))
    lake.write(RESOURCE_EVENTS, name, pl.concat([log.rows, event]), log.metadata)
    lake.write(RESOURCES, name, declared.rows.with_columns(content_hash=changed), declared.metadata)
    lake.write(SCANS, name, scanned.rows.with_columns(scanned_commit=pl.lit(commit)), scanned.metadata)


def _shares(sizes: Sequence[int], total: int) -> list[int]:
    """Indices at which the resources of repositories begin and end, in proportion to `sizes`, with the given sum."""
    whole = sum(sizes)
    return [total * sum_so_far // whole for sum_so_far in itertools.accumulate(sizes, initial=0)]


def _weights(lives: Lives, mean: float) -> list[float]:
    """Weights to draw lives so that they have `mean` events on average. Only lives of a single event have another one.

    Where the scanned repositories cannot give that mean, such as one alone in which hardly anything ever changed, the
    weights give the nearest that they can.
    """
    counts = lives.events.group_by("life").len().sort("life")["len"].to_list()
    quiet, others = counts.count(1), [count for count in counts if count > 1]
    if not quiet or not others:
        return [1.0] * len(counts)
    if mean <= 1:
        return [float(count == 1) for count in counts]
    surplus = max(sum(others) - mean * len(others), 0)
    weight = surplus / (quiet * (mean - 1))
    return [weight if count == 1 else 1.0 for count in counts]


def _write_repository(lake: Lake, repository: dict[str, Any], number: int, lives: Lives, drawn: Sequence[int]) -> int:
    name = repository["full_name"]
    chosen = pl.DataFrame({"life": drawn, "own_id": _ids(number, len(drawn), "resource")}, schema_overrides=_LIFE)
    resources = _owned(chosen.join(lives.resources, on="life"), repository, number)
    events = _log(_owned(chosen.join(lives.events, on="life"), repository, number), number, "event")
    changes = _log(_owned(chosen.join(lives.applied_events, on="life"), repository, number), number, "change")
    applied = _owned(chosen.join(lives.applied, on="life"), repository, number)
    values = _owned(chosen.join(lives.values, on="life"), repository, number)
    lake.write(HELM_VALUES, name, values.select(HELM_VALUES.column_names))
    lake.write(APPLIED_RESOURCES, name, applied.select(APPLIED_RESOURCES.column_names))
    lake.write(APPLIED_EVENTS, name, changes.select(APPLIED_EVENTS.column_names))
    lake.write(RESOURCES, name, _unique_documents(resources, "data").select(RESOURCES.column_names))
    lake.write(RESOURCE_EVENTS, name, _unique_documents(events, "resource_data").select(RESOURCE_EVENTS.column_names))
    active = resources.filter(pl.col("status") == "ACTIVE").height
    lake.write(SNAPSHOTS, name, [_snapshot(repository)])
    lake.write(SCANS, name, [_scan(repository, active, events.height)])
    lake.write(SCAN_PROBLEMS, name, [_problem(repository, each) for each in range(PROBLEMS_EACH)])
    return events.height


_LIFE = {"life": pl.UInt32()}


def _owned(rows: pl.DataFrame, repository: dict[str, Any], number: int) -> pl.DataFrame:
    """Give copied rows to a repository, with ids and commits of its own. All other columns are as copied."""
    commits = [name for name in rows.columns if name in ("commit_sha", "created_commit", "updated_commit")]
    objects = [name for name in rows.columns if name == "applied_id"]
    return rows.with_columns(
        *(
            pl.when(pl.col(name) != "")
            .then(pl.col(name).str.head(16) + pl.col("own_id").str.tail(16))
            .otherwise(pl.lit(""))
            .alias(name)
            for name in objects
        ),
        *(pl.col(name).str.head(32) + f"{number:08x}" for name in commits),
        resource_id="own_id",
        repository_id=pl.lit(repository["repository_id"]),
        full_name=pl.lit(repository["full_name"]),
    )


def _log(events: pl.DataFrame, number: int, what: str) -> pl.DataFrame:
    """The log of a repository, by time. The events of a life keep their order even if clocks ran backwards."""
    reached = pl.col("event_timestamp").cum_max().over("resource_id")
    rows = events.sort("sequence").with_columns(reached=reached).sort("reached", "sequence", "resource_id")
    ids = pl.Series(_ids(number, rows.height, what), dtype=pl.String)
    return rows.with_columns(sequence=pl.int_range(pl.len(), dtype=pl.Int64), event_id=ids)


def _unique_documents(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Make all documents different, as real ones are, because equal ones would be stored only once."""
    mark = pl.lit(',"benchmark":"') + pl.col("resource_id") + pl.lit('"}')
    return rows.with_columns(pl.col(column).str.head(-1) + mark)


def _ids(number: int, count: int, what: str) -> list[str]:
    """Ids as the scanner makes them, 32 hexadecimal digits without a pattern."""
    texts = (f"{what} {number} {each}".encode() for each in range(count))
    return [hashlib.blake2b(text, digest_size=16).hexdigest() for text in texts]


def _repository(number: int) -> dict[str, Any]:
    owner, name = f"owner{number % 997}", f"cluster{number}"
    return _row(REPOSITORIES) | {
        "repository_id": f"github:{number + 1}",
        "host": "github.com",
        "full_name": f"{owner}/{name}",
        "owner": owner,
        "name": name,
        "clone_url": f"https://github.com/{owner}/{name}.git",
        "language": LANGUAGES[number % len(LANGUAGES)],
        "topics": ["kubesearch", f"topic{number % 40}"],
        "discovery_tags": ["kubesearch"],
        "created_at": NOW - datetime.timedelta(days=100 + number % 2000),
        "discovered_at": NOW - datetime.timedelta(days=METRIC_DAYS),
        "last_seen_at": NOW,
        "status": "active",
    }


def _write_metrics(lake: Lake, repositories: Sequence[dict[str, Any]]) -> None:
    for age in range(METRIC_DAYS):
        at = NOW - datetime.timedelta(days=age)
        lake.write(REPOSITORY_METRICS, at.date(), list(_metrics(repositories, at)))


def _metrics(repositories: Sequence[dict[str, Any]], at: datetime.datetime) -> Iterator[dict[str, Any]]:
    for number, repository in enumerate(repositories):
        known = {"repository_id": repository["repository_id"], "date": at.date(), "recorded_at": at}
        yield _row(REPOSITORY_METRICS) | known | {"stars_count": number % 300, "forks_count": number % 20}


def _snapshot(repository: dict[str, Any]) -> dict[str, Any]:
    outcome = {"sync_status": "unchanged", "last_sync_at": NOW, "consecutive_failures": 0, "head_commit": "a" * 40}
    return _row(SNAPSHOTS) | _name(repository) | outcome


def _scan(repository: dict[str, Any], resources: int, events: int) -> dict[str, Any]:
    counts = {"resources_count": resources, "events_count": events, "problems_count": PROBLEMS_EACH}
    outcome = {"scan_status": "scanned", "last_scan_at": NOW, "scanned_commit": "a" * 40, "gitops_engine": "flux"}
    return _row(SCANS) | _name(repository) | outcome | counts


def _problem(repository: dict[str, Any], number: int) -> dict[str, Any]:
    found = {"problem": "template", "message": "a template, no YAML", "commit_sha": "a" * 40, "first_seen_at": NOW}
    return _row(SCAN_PROBLEMS) | _name(repository) | found | {"file_path": f"templates/{number}.yaml"}


def _name(repository: dict[str, Any]) -> dict[str, Any]:
    return {name: repository[name] for name in ("repository_id", "full_name")}


def _row(table: Table) -> dict[str, Any]:
    return dict.fromkeys(table.column_names)
