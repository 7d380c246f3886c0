"""The profile of a build of the warehouse: CPU seconds by what it does to which table.

`warehouse.py` shows it. The connection of the build is replaced by one that looks at the clock before each statement.
Work in Python counts for the statement before it, which has fetched its rows. Settings in documents are withheld while
these are loaded, and count for that.
"""

import re
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any
from unittest.mock import patch

import duckdb

from benchmarks.measure import Cost, cpu_seconds, peak_mb
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.warehouse import build
from kubestats_pipeline.warehouse.connect import open_to_build
from kubestats_pipeline.warehouse.marts import MARTS

_PARTS = (
    ("load", re.compile(r"INSERT INTO (\w+) SELECT (?:CAST|map_from|\* REPLACE)")),
    ("store", re.compile(r"CREATE TABLE (\w+) AS")),
    (
        "withhold settings",
        re.compile(r"(chart_settings|shared_values|own_words|value_looks|SELECT path, CASE|UPDATE )"),
    ),
    (
        "look for secrets in",
        re.compile(r"FROM (\w+) (?:GROUP BY \"\w+\"\) )?WHERE (?:length\(|regexp_matches\(replace)"),
    ),
    ("check", re.compile(r"^(?:WITH|SELECT) ")),
)
"""What a statement does, and the table to which it does that, where that is known. The first pattern counts."""
_NAMED = ("load", "store", "look for secrets in")


def profile_build(lake: Lake) -> dict[str, Cost]:
    """Build the warehouse of a lake, and return the costs of all parts of it, the dearest first."""
    clock, opened = _Clock(), open_to_build
    with patch.object(build, "open_to_build", lambda path: _Timed(opened(path), clock)):
        build.build_warehouse(lake, whole=True)
    clock.begin("")
    return dict(sorted(clock.costs.items(), key=lambda part: -part[1].cpu))


def cost_of(parts: Mapping[str, Cost], tables: Collection[str]) -> tuple[float, float, float]:
    """CPU and wall seconds of a build for some tables, and its peak memory in MB: without what only others need."""
    needed, marts = set(tables), {mart.name: mart for mart in MARTS}
    while more := {each for name in needed & set(marts) for each in marts[name].depends_on} - needed:
        needed |= more
    kept = [
        cost for part, cost in parts.items() if part.split()[0] not in ("store", "load") or part.split()[1] in needed
    ]
    return sum(cost.cpu for cost in kept), sum(cost.wall for cost in kept), peak_mb()


def part_of(statement: str) -> str:
    """The part of a build to which a statement belongs."""
    text = " ".join(statement.split())
    for what, pattern in _PARTS:
        if found := pattern.search(text):
            return f"{what} {found[1]}" if what in _NAMED else what
    return "all else"


class _Clock:
    """The costs by part. A part ends where another one begins."""

    def __init__(self) -> None:
        self.costs: dict[str, Cost] = defaultdict(lambda: Cost(0, 0, 0))
        self._part, self._cpu, self._wall = "all else", cpu_seconds(), time.perf_counter()

    def begin(self, statement: str) -> None:
        """The statement before has ended."""
        cpu, wall, sum_so_far = cpu_seconds(), time.perf_counter(), self.costs[self._part]
        self.costs[self._part] = Cost(sum_so_far.cpu + cpu - self._cpu, sum_so_far.wall + wall - self._wall, 0)
        self._part, self._cpu, self._wall = part_of(statement), cpu, wall


class _Timed:
    """A connection that tells the clock of each statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: _Clock) -> None:
        self._connection, self._clock = connection, clock

    def execute(self, query: str, *parameters: Any) -> duckdb.DuckDBPyConnection:
        self._clock.begin(query)
        return self._connection.execute(query, *parameters)

    def create_function(self, *arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        return self._connection.create_function(*arguments, **options)

    def remove_function(self, name: str) -> duckdb.DuckDBPyConnection:
        return self._connection.remove_function(name)

    def cursor(self) -> "_Timed":
        return _Timed(self._connection.cursor(), self._clock)

    def __enter__(self) -> "_Timed":
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.begin("")
        self._connection.close()
