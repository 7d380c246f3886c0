"""Cost of loading the definitions, which every run, the daemon and the UI pay once."""

from collections.abc import Iterator

from benchmarks.floors import run_python
from benchmarks.measure import repeat
from benchmarks.report import Line, at_most

GOAL_SECONDS = 2.5


def startup_lines(repeats: int) -> Iterator[Line]:
    """Importing the definitions beside importing Dagster, both in a fresh interpreter."""
    floor = repeat(repeats, run_python, "import dagster")
    runs = repeat(repeats, run_python, "import kubestats_pipeline.definitions")
    yield Line(
        "startup", "import the definitions, floor: import dagster", runs, floor, (at_most(runs.cpu, GOAL_SECONDS, "s"),)
    )
