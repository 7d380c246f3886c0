"""Work grows no faster than the input: lines of our code that are executed are counted while inputs are doubled."""

import functools
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import kubestats_pipeline
from benchmarks.adversaries import FAMILIES, RESOURCE, TREES
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.line_diff import MAX_EDITS
from kubestats_pipeline.scan.manifests.incremental import IncrementalReader
from kubestats_pipeline.scan.manifests.manifests import read_file
from kubestats_pipeline_tests.scan.world import Tree

OURS = str(Path(kubestats_pipeline.__file__).parent)
SIZE = 3_000
"""Bytes of the smallest file; what costs the same for every file is no more than a part of its lines."""

LINEAR = 2.2


class Lines:
    """Counts executed lines of the package."""

    count = 0

    def enter(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        return self.step(frame, event, argument)

    def step(self, frame: FrameType, event: str, argument: object) -> Any:
        self.count += 1
        return self.step


@contextmanager
def counted() -> Iterator[Lines]:
    lines, former = Lines(), sys.gettrace()
    sys.settrace(lines.enter)
    try:
        yield lines
    finally:
        sys.settrace(former)


@functools.cache
def caches() -> list[Any]:
    """All caches of the package, which must not let one input profit from another."""
    wrappers = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
    return [each for each in wrappers if each.__module__.startswith("kubestats_pipeline.")]


def lines_of(work: Callable[[], object]) -> int:
    for each in caches():
        each.cache_clear()
    with counted() as lines:
        work()
    return lines.count


def growth(work: Callable[[int], Callable[[], object]], size: int) -> float:
    """How much more work the second doubling adds than the first one, which is 2 where work is linear."""
    one, two, four = (lines_of(work(times * size)) for times in (1, 2, 4))
    return (four - two) / max(two - one, one / 2, 1)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_reading_a_file_is_linear_in_it(family: str):
    def work(size: int) -> Callable[[], object]:
        return functools.partial(read_file, FAMILIES[family](size), "kustomization.yaml", Bounds())

    assert growth(work, SIZE) <= LINEAR


@pytest.mark.parametrize("family", TREES)
def test_what_files_mean_together_is_linear_in_them(family: str):
    def work(size: int) -> Callable[[], object]:
        return functools.partial(Tree().put, TREES[family](size))

    assert growth(work, 25) <= LINEAR


KEY, MAPPING = "  k#: v", "  k#:\n    a: b"

EDITS: dict[str, Callable[[int], tuple[str, str]]] = {
    "another scalar": lambda n: (_lines(n, KEY, "  z: one"), _lines(n, KEY, "  z: two")),
    "every second scalar": lambda n: (_lines(n, KEY, "  z: v"), _lines(n, KEY.replace("v", "w"), "  z: v")),
    "another line": lambda n: (_lines(n, MAPPING), _lines(n, MAPPING, "  z: z")),
    "a line that goes": lambda n: (_lines(n, MAPPING, "  z: z"), _lines(n, MAPPING)),
    "a long block": lambda n: (_lines(n, MAPPING), _lines(n, MAPPING).replace("a: b", "a: [b]", 1)),
    "anchors that nobody refers to": lambda n: (_anchors(n, "x"), _anchors(n, "y")),
    "every key": lambda n: (_lines(n, KEY), _lines(n, KEY.replace("k", "l"))),
    "one document of many": lambda n: (f"---\n{RESOURCE}" * n, f"---\n{RESOURCE}" * n + "data: {}\n"),
}


def _lines(count: int, unit: str, end: str = "") -> str:
    return "spec:\n" + "".join(f"{unit.replace('#', str(each))}\n" for each in range(count)) + f"{end}\n"


def _anchors(count: int, value: str) -> str:
    """Anchors that change, before lines that refer to another one."""
    defined = "".join(f"    a{each}: &a{each} [{value}]\n" for each in range(count))
    return f"spec:\n  z: &z x\n  one:\n{defined}  two:\n" + "".join(f"    b{each}: *z\n" for each in range(count))


@pytest.mark.parametrize("family", EDITS)
def test_reading_an_edit_is_linear_in_the_file(family: str):
    def work(size: int) -> Callable[[], object]:
        before, after = (f"{RESOURCE}{each}".encode() for each in EDITS[family](size))
        reader = IncrementalReader(Bounds(), read_before_keeping=0)
        reader.read("a.yaml", before, "")
        return functools.partial(reader.read, "a.yaml", after, "")

    assert growth(work, MAX_EDITS + 1) <= LINEAR
