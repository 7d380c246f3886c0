"""Growth over bounded histories: between days on which all repositories are in, it is that of whole histories."""

import datetime
from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl
import pytest

from benchmarks.inputs import mirror
from benchmarks.scan import scan
from kubestats_pipeline.git.mirror_folder import History
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS, REPOSITORIES, REPOSITORY_METRICS, RESOURCES
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.statistics.ecosystem import record_due_days
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.corpus import unpack
from kubestats_pipeline_tests.scan.world import config
from kubestats_pipeline_tests.warehouse.small_lake import metrics, repository

TODAY = datetime.date(2026, 9, 1)


def day(number: int, hour: int = 12) -> datetime.datetime:
    return datetime.datetime(2026, 8, number, hour, tzinfo=datetime.UTC)


def record(folder: Path, remotes: Sequence[Path], history: History, today: datetime.date = TODAY) -> Lake:
    """Mirror and scan repositories into one lake, and record its days up to `today`."""
    lake, rows = Lake(Layout(folder / "data")), []
    for remote in remotes:
        mirrored = mirror(remote, lake.layout.data_dir, history)
        scan(mirrored, mirrored.span.head)
        found = mirrored.repository
        discovered = datetime.datetime.combine(today, datetime.time(), datetime.UTC)
        named = repository(1, remote.parent.name + "/" + remote.name, discovered_at=discovered)
        rows.append({**named, "repository_id": found.repository_id, "full_name": found.full_name})
    lake.write(REPOSITORIES, None, rows)
    record_due_days(lake, today)
    return lake


def publish(folder: Path, remotes: Sequence[Path], history: History, today: datetime.date = TODAY) -> Lake:
    """Do what `record` does, and publish the lake."""
    lake = record(folder, remotes, history, today)
    build_warehouse(lake)
    return lake


def ask(lake: Lake, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def remotes(tmp_path: Path) -> list[Path]:
    """One repository with a commit a day in August, which adds a resource, and one that ends on the 8th."""
    busy, quiet = (GitRepository(tmp_path / "remotes" / "o" / f"{name}.git") for name in ("busy", "quiet"))
    for number in range(1, 21):
        busy.commit({f"{number}.yaml": config(f"c{number}")}, at=day(number))
    quiet.commit({f"{number}.yaml": config(f"c{number}") for number in range(50)}, at=day(1))
    quiet.commit({"1.yaml": None, "2.yaml": None}, at=day(7))
    quiet.commit({"a.yaml": config("a")}, at=day(8))
    return [busy.path, quiet.path]


def test_growth_over_bounded_histories_is_that_of_whole_ones_where_all_are_in(tmp_path: Path, remotes: list[Path]):
    """Windows of ten days begin on the 10th and before the 1st: on the 11th both repositories are in, and one rests."""
    query = """
        SELECT date::VARCHAR, resources_1_day, resources_7_days FROM ecosystem_growth
        WHERE date BETWEEN DATE '2026-08-18' AND DATE '2026-08-20' ORDER BY date
    """
    bounded, whole = (publish(tmp_path / str(history), remotes, history) for history in (10, "all"))
    assert ask(bounded, query) == ask(whole, query) == [(f"2026-08-{number}", 1, 7) for number in (18, 19, 20)]


def test_what_a_window_begins_with_joins_the_data_and_is_not_growth(tmp_path: Path, remotes: list[Path]):
    lake = publish(tmp_path, remotes, 10)
    columns = "active_resources, resource_growth, joined_resources, daily_created_resources, total_joined_repositories"
    days = "date BETWEEN DATE '2026-08-09' AND DATE '2026-08-11'"
    query = f"SELECT {columns} FROM ecosystem_stats WHERE {days} ORDER BY date"
    assert ask(lake, query) == [(49, 0, 0, 0, 1), (59, 0, 10, 0, 2), (60, 1, 0, 1, 2)]
    columns = "resources_7_days, resources_30_days, resources_30_days_percent, joined_resources_30_days"
    query = f"SELECT {columns}, joined_repositories_30_days FROM ecosystem_growth WHERE date = DATE '2026-08-14'"
    assert ask(lake, query) == [(1, None, None, 63, None)]


def test_the_growth_of_stars_is_that_of_repositories_recorded_on_both_days(tmp_path: Path, remotes: list[Path]):
    lake = publish(tmp_path, remotes, 10)
    for number in (2, 9):
        known = metrics(1, day(number).date(), stars_count=10 + number)
        late = [metrics(2, day(number).date(), stars_count=500)] if number == 9 else []
        lake.write(REPOSITORY_METRICS, day(number).date(), [known, *late])
    record_due_days(lake, TODAY)
    build_warehouse(lake)
    query = "SELECT total_stars, stars_1_day, stars_7_days FROM ecosystem_growth WHERE date = DATE '2026-08-09'"
    assert ask(lake, query) == [(519, None, 7)]


def test_a_commit_with_an_impossible_date_makes_no_days(tmp_path: Path):
    """The clock of the first commit stood at 1970, that of the last is ahead: neither gives a day or growth."""
    remote = GitRepository(tmp_path / "remotes" / "o" / "clock.git")
    remote.commit(
        {f"{number}.yaml": config(f"c{number}") for number in range(5)},
        at=datetime.datetime.fromtimestamp(0, datetime.UTC),
    )
    remote.commit({"a.yaml": config("a")}, at=day(5))
    remote.commit({"b.yaml": config("b")}, at=day(5).replace(year=2099))
    older = GitRepository(tmp_path / "remotes" / "o" / "older.git")
    older.commit({"a.yaml": config("a")}, at=day(3))
    lake = publish(tmp_path, [remote.path, older.path], "all", day(7).date())
    columns = "date::VARCHAR, active_resources, resource_growth, joined_resources"
    assert ask(lake, f"SELECT {columns} FROM ecosystem_stats ORDER BY date") == [
        ("2026-08-03", 1, 0, 1),
        ("2026-08-04", 1, 0, 0),
        ("2026-08-05", 7, 0, 6),
        ("2026-08-06", 7, 0, 0),
        ("2026-08-07", 7, 0, 0),
    ]


def growth_in_a_month(lake: Lake, since: datetime.date) -> list[int]:
    """The growth of 30 days to each recorded day from the thirtieth after a first one on."""
    days = {row["date"]: row for row in lake.read_all(ECOSYSTEM_STATS).to_dicts() if row["date"] >= since}
    pairs = ((row, days.get(date - datetime.timedelta(30))) for date, row in days.items())
    return [
        row["active_resources"] - earlier["active_resources"] - row["joined_resources_in_month"]
        for row, earlier in pairs
        if earlier
    ]


REAL = ("fluxcd/flux2-kustomize-helm-example", "vehagn/homelab", "xunholy/k8s-gitops")


@pytest.mark.slow
def test_growth_of_real_repositories_over_thirty_days_is_that_of_their_whole_histories(tmp_path: Path, corpus: Path):
    remotes = [unpack(name, corpus) for name in REAL]
    bounded, whole = (record(tmp_path / str(history), remotes, history) for history in (30, "all"))
    begins = bounded.read_all(RESOURCES).group_by("repository_id").agg(pl.col("created_at").min())
    all_in = max(begins["created_at"]).date()
    found = growth_in_a_month(bounded, all_in)
    assert found == growth_in_a_month(whole, all_in)
    assert any(found)
