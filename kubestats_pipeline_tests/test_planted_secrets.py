"""Secrets of many kinds, planted in many places by an adversary's list, do not come out of the pipeline again.

The list stands in `benchmarks/planted.py`, apart from the tables that the product works with. Everyday tests read the
files as a scan does; the slow one runs the whole pipeline and searches all that it left.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.planted import FORMS, NAMES, SHAPED, Planted, plant, subject
from benchmarks.secrets import cores_in, find_leaks, find_withheld, masked
from kubestats_pipeline.redaction.texts import redact_text
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.scan.world import World

EVERYDAY_PLACES = 3
ONE_KIND = 1

Files = list[tuple[Planted, str, str]]


def scan(folder: Path, commits: Iterable[Files]) -> World:
    """The lake of a repository with these commits, scanned after each."""
    world = World(folder)
    for number, files in enumerate(commits):
        texts: dict[str, str | bytes | None] = {path: text for _, path, text in files}
        _, subjects = subject(number)
        world.git.commit(texts, message=subjects[number])
        world.scan()
    return world


def leaks(world: World, commits: Iterable[Files]) -> list[tuple[str, str]]:
    planted = {each.core: (each.kind, each.place) for files in commits for each, _, _ in files}
    found = set(cores_in(repr(world.tables()).encode()))
    return sorted(planted[core] for core in found if core in planted)


@pytest.mark.parametrize(("kinds", "places"), [(None, EVERYDAY_PLACES), (ONE_KIND, None)], ids=["kinds", "places"])
def test_no_planted_secret_is_in_the_tables_of_a_scan(tmp_path: Path, kinds: int | None, places: int | None) -> None:
    """All kinds in a few places, and one kind in all places, in a first scan and in one that goes on from there."""
    commits = [list(plant(number, kinds=kinds, places=places)) for number in range(2)]
    assert leaks(scan(tmp_path, commits), commits) == []


def test_no_planted_secret_is_left_in_a_subject() -> None:
    planted, subjects = subject(0)
    left = {core for text in subjects for core in cores_in(redact_text(text).encode())}
    assert [each.kind for each in planted if each.core in left] == []


def test_the_list_is_long_and_each_secret_would_be_found() -> None:
    files = list(plant(0))
    places = {each.place for each, _, _ in files}
    assert (len({*SHAPED, *FORMS, *NAMES}) >= 90, len(places) >= 60) == (True, True)
    assert len({each.core for each, _, _ in files}) == len(files)
    for each, path, text in files:
        assert each.core in cores_in(f"{path} {text}".encode())
        for shift in range(3):
            written = base64.b64encode(b"x" * shift + json.loads(text).__repr__().encode())
            assert each.core in cores_in(b"a " + written) or each.place == "a path"


@pytest.mark.slow
def test_no_planted_secret_is_in_anything_that_whole_runs_leave_or_say(tmp_path: Path) -> None:
    planted, found = find_leaks(tmp_path)
    assert [(each.planted.kind, each.planted.place, each.where) for each in found] == []
    assert len(planted) > 6000


def test_what_is_withheld_of_real_files_is_shown_masked(tmp_path: Path) -> None:
    repository = GitRepository(tmp_path / "home.git")
    secret = "hv" + "s.CAESIJzQ4bN7aB3dE5gH7jK9mN1p"
    repository.commit({"a.yaml": f"apiVersion: v1\nkind: A\nspec: [plain, 'see {secret}', 3]\n", "b.txt": secret})
    scalars, withheld = find_withheld([repository.path])
    assert scalars == 5
    assert [masked(each) for each in withheld] == [f"see {secret[:4]}…"]
