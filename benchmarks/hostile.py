"""Growth of the time to read hostile input if the input is doubled. A factor of two is linear.

The floor of a line is the same family at half the size. The families are in `adversaries.py`, and a test counts steps.
"""

import time
from collections.abc import Callable, Iterator, Mapping

from benchmarks.adversaries import FAMILIES, TREES
from benchmarks.measure import Cost, Runs, measure
from benchmarks.report import Line, at_most
from benchmarks.scan import NOW
from kubestats_pipeline.git.history import Change, Commit
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.manifests.manifests import digest, read_file
from kubestats_pipeline.scan.replay.replay import Replay

GROUP = "hostile"
BYTES, COUNT = 100_000, 150
"""The smaller size of a file, and number of things in a repository."""

SHOWN = 3
"""Number of families that are shown by name. They are those that grow fastest."""

MIN_CPU_SECONDS = 0.02
"""CPU seconds that a family must take for its ratio to be shown, because less is noise."""

GOAL, GOAL_OF_ONE = 2.2, 3.0


def hostile_lines(repeats: int) -> Iterator[Line]:
    """All families of files, then of repositories, each with those that grow fastest."""
    yield from _lines("files", measure(read_files, BYTES, repeats).value, measure(read_files, 2 * BYTES, repeats).value)
    yield from _lines("trees", measure(read_trees, COUNT, repeats).value, measure(read_trees, 2 * COUNT, repeats).value)


def read_files(size: int, repeats: int) -> dict[str, float]:
    """CPU seconds to read one file of each family, the least of several times."""
    return {
        name: _least(repeats, read_file, family(size), "kustomization.yaml", Bounds())
        for name, family in FAMILIES.items()
    }


def read_trees(count: int, repeats: int) -> dict[str, float]:
    """CPU seconds to replay the first commit of a repository of each family."""
    return {name: _least(repeats, replay, family(count)) for name, family in TREES.items()}


def replay(files: Mapping[str, str]) -> None:
    """Replay one commit that writes these files."""
    blobs = {digest(text.encode()): text.encode() for text in files.values()}
    changes = [Change(path, digest(text.encode())) for path, text in files.items()]
    Replay("repository", ContentCache(blobs.get, Bounds())).apply(Commit("0" * 40, NOW, "ann", "all"), changes)


def _least(repeats: int, work: Callable[..., object], *arguments: object) -> float:
    def once() -> float:
        began = time.process_time()
        work(*arguments)
        return time.process_time() - began

    return min(once() for _ in range(repeats))


def _lines(what: str, half: Mapping[str, float], whole: Mapping[str, float]) -> Iterator[Line]:
    yield _line(f"{what} of {len(whole)} families, doubled", sum(whole.values()), sum(half.values()), GOAL)
    ratios = {name: whole[name] / max(half[name], 1e-6) for name in whole if whole[name] >= MIN_CPU_SECONDS}
    for name in sorted(ratios, key=ratios.__getitem__, reverse=True)[:SHOWN]:
        yield _line(f"{what}: {name}", whole[name], half[name], GOAL_OF_ONE)


def _line(what: str, cpu: float, floor: float, goal: float) -> Line:
    runs, smaller = (Runs((Cost(seconds, seconds, 0.0),)) for seconds in (cpu, floor))
    return Line(GROUP, what, runs, smaller, (at_most(cpu / max(floor, 1e-6), goal, "× half the size"),))
