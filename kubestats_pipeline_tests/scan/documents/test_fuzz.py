"""Damaged files through the reader and the whole replay: resources or problems come out, and never anything else."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.git.history import Change, Commit
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.file import PROBLEMS
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.manifests.manifests import FileContent, digest, read_file
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline_tests.corpus import LARGER, SMALL, read_tip, unpack
from kubestats_pipeline_tests.scan.documents.mutations import damaged

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
QUOTED = 12
"""Characters of a file that a message may at most share with it, by accident."""


class Tree(dict[str, bytes]):
    """The files of a commit that declare resources and have no problem; with a short name in failures."""

    def __repr__(self) -> str:
        return f"<{len(self)} files>"


everyday = settings(max_examples=300, deadline=None, derandomize=True, phases=[Phase.generate])
long = settings(
    max_examples=5_000, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="session")
def sample_files(sample_repositories: Path) -> Tree:
    """Manifests of every sort that the sample tells of."""
    return whole_files(sorted(sample_repositories.glob("*/*.git")))


@pytest.fixture(scope="session")
def real_files(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Real ones, where the corpus is at hand."""
    folder = tmp_path_factory.mktemp("corpus")
    return whole_files(unpack(name, folder) for name in (*SMALL, *LARGER))


def whole_files(repositories: Iterable[Path]) -> Tree:
    files = ((f"{each.name}/{path}", blob) for each in repositories for path, blob in read_tip(each).items())
    return Tree((path, blob) for path, blob in files if not read(blob).problems)


def read(blob: bytes, name: str = "file.yaml") -> FileContent:
    return read_file(blob, name, Bounds())


def check_reading(data: st.DataObject, files: Tree) -> None:
    """What a damaged file says is well-formed, the same each time, and tells nothing of what could not be read."""
    blob = data.draw(damaged(list(files.values())))
    name = data.draw(st.sampled_from(["file.yaml", "kustomization.yaml", "Chart.yaml", "values.yaml"]))
    content = read(blob, name)
    assert {each.problem for each in content.problems} <= {*PROBLEMS}
    assert content.is_complete == (not any(each.hides_resources for each in content.problems))
    assert all(isinstance(orjson.loads(each.data), dict) for each in content.manifests)
    assert content == read(blob, name)
    for problem in content.problems:
        assert re.search(r"\bline \d+\b|\d+ bytes", problem.message), "a problem says where it is"
        assert not shared(problem.message, blob)


def shared(message: str, blob: bytes) -> list[str]:
    """The longer pieces of a message that stand in the file too."""
    text = blob.decode("utf-8", "replace")
    pieces = [message[start : start + QUOTED] for start in range(len(message) - QUOTED + 1)]
    return [piece for piece in pieces if piece in text]


def check_neighbours(data: st.DataObject, files: Tree) -> None:
    """A damaged document in the middle leaves the ones around it as they are alone."""
    blobs = list(files.values())
    first, last = (data.draw(st.sampled_from(blobs)).rstrip(b"\n") + b"\n" for _ in range(2))
    middle = re.sub(rb"(?m)^(---|\.\.\.|%)", b"x", data.draw(damaged(blobs)))
    together = read(b"---\n" + first + b"---\n" + middle + b"\n---\n" + last)
    seen = Counter(each.content_hash for each in together.manifests)
    alone = Counter(each.content_hash for each in (*read(first).manifests, *read(last).manifests))
    assert seen >= alone


def check_replay(data: st.DataObject, files: Tree) -> None:
    """Commits of damaged files are events; once repaired, everything is again as it was."""
    tree = {path: files[path] for path in data.draw(st.lists(st.sampled_from(sorted(files)), min_size=2, max_size=8))}
    paths = data.draw(st.lists(st.sampled_from(sorted(tree)), min_size=1, max_size=3, unique=True))
    broken = {path: data.draw(damaged(list(files.values()))) for path in paths}
    blobs: dict[str, bytes] = {}
    replay = Replay("repository", ContentCache(blobs.get, Bounds()))
    states = []
    for number, step in enumerate((tree, broken, {path: tree[path] for path in broken})):
        oids = {path: digest(blob) for path, blob in step.items()}
        blobs |= {oids[path]: blob for path, blob in step.items()}
        replay.apply(Commit(f"{number:040x}", NOW, "ann", "step"), [Change(path, oid) for path, oid in oids.items()])
        states.append({each: (found.manifest, found.resolved) for each, found in replay.active.items()})
    assert states[0] == states[2]
    assert len({each.event_id for each in replay.log.events}) == len(replay.log.events)
    for path, blob in broken.items():
        kept = {each for each in states[0] if each.path == path}
        assert read(blob, path.rpartition("/")[2]).is_complete or kept <= states[1].keys()


@everyday
@given(st.data())
def test_a_damaged_file_is_read_or_told_and_never_quoted(sample_files: Tree, data: st.DataObject) -> None:
    check_reading(data, sample_files)


@everyday
@given(st.data())
def test_a_damaged_document_leaves_its_neighbours(sample_files: Tree, data: st.DataObject) -> None:
    check_neighbours(data, sample_files)


@everyday
@given(st.data())
def test_a_damaged_commit_is_repaired_by_the_next(sample_files: Tree, data: st.DataObject) -> None:
    check_replay(data, sample_files)


@pytest.mark.slow
@long
@given(st.data())
def test_real_files_with_damages_are_read_or_told_and_never_quoted(real_files: Tree, data: st.DataObject) -> None:
    check_reading(data, real_files)


@pytest.mark.slow
@long
@given(st.data())
def test_real_documents_with_damages_leave_their_neighbours(real_files: Tree, data: st.DataObject) -> None:
    check_neighbours(data, real_files)


@pytest.mark.slow
@long
@given(st.data())
def test_real_commits_with_damages_are_repaired_by_the_next(real_files: Tree, data: st.DataObject) -> None:
    check_replay(data, real_files)
