"""The line of a resource: where its document begins in the file of the scanned commit, as a host's page counts."""

from itertools import pairwise, takewhile
from pathlib import Path

import pytest
import yaml
from hypothesis import Phase, given, settings

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.manifests.incremental import IncrementalReader
from kubestats_pipeline.scan.manifests.manifests import read_with_documents
from kubestats_pipeline_tests.corpus import SMALL, read_tip, unpack
from kubestats_pipeline_tests.scan.documents.yaml_texts import manifests
from kubestats_pipeline_tests.scan.world import BROKEN, World, adopt, config, documents, kustomization, manifest, read

HEAD = "# first\n\n"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def lines(world: World) -> dict[str, int | None]:
    return {row["name"]: row["line"] for row in world.resources}


def marked(text: bytes) -> list[int]:
    """The lines on which the documents begin, as PyYAML's own parser marks them."""
    events = pairwise(yaml.parse(text.decode(), Loader=yaml.SafeLoader))
    return [first.start_mark.line + 1 for start, first in events if isinstance(start, yaml.DocumentStartEvent)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (config("a"), (1,)),
        ("---\n" + config("a"), (2,)),
        ("# what\n\n---\n# why\n" + config("a") + "---\n---\n\n" + config("b"), (5, 9)),
        ("--- " + config("a") + "...\n--- # c\n" + config("b"), (1, 4)),
        ("%YAML 1.1\n---\n" + config("a"), (3,)),
        (config("a").replace("\n", "\r\n") + "---\r\n" + config("b"), (1, 3)),
        ("\ufeff---\n" + config("a"), (2,)),
        ("# one\n" + manifest("List", "x", items=[yaml.safe_load(config(name)) for name in "ab"]), (2, 2)),
        (documents(config("a"), BROKEN, config("c")), (2, 8)),
        ("# a\x85b\n" + config("a"), ()),
        ("# a\rb: 1\n" + config("a"), ()),
        ("", ()),
    ],
)
def test_a_document_begins_on_the_line_of_its_first_word(text: str, expected: tuple[int, ...]) -> None:
    assert read(text).lines == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kustomization.yaml", "\n" + kustomization(helmCharts=[{"name": "x", "releaseName": n} for n in "ab"])),
        ("helmfile.yaml", "\nreleases: [{name: a, chart: r/x}, {name: b, chart: r/y}]\n"),
    ],
)
def test_a_part_of_a_document_has_the_line_of_the_document(name: str, text: str) -> None:
    assert read(text, name).lines == (2, 2)


def test_a_document_that_moves_down_has_its_new_line_and_no_event(world: World) -> None:
    world.git.commit({"a.yaml": documents(config("a"), config("b")), "x.yaml": config("x")})
    world.scan()
    assert lines(world) == {"a": 2, "b": 4, "x": 1}
    world.git.commit({"a.yaml": HEAD + documents(config("a", "two"), config("new"), config("b"))})
    world.scan()
    assert lines(world) == {"a": 4, "new": 6, "b": 8, "x": 1}
    assert [event["resource_name"] for event in world.events].count("b") == 1


def test_only_lines_move_where_a_commit_changes_nothing_else(world: World) -> None:
    world.git.commit({"a.yaml": config("a")})
    world.scan()
    world.git.commit({"a.yaml": HEAD + config("a")})
    world.scan()
    assert (lines(world), len(world.events)) == ({"a": 3}, 1)


def test_what_is_deleted_or_cannot_be_read_has_no_line(world: World) -> None:
    world.git.commit({"a.yaml": documents(config("a"), config("broken"), config("c")), "b.yaml": config("b")})
    world.scan()
    world.git.commit({"a.yaml": documents(config("a"), BROKEN, config("c")), "b.yaml": None})
    world.scan()
    after = {"a": 2, "broken": None, "c": 8, "b": None}
    assert lines(world) == after
    world.git.commit({"d.yaml": config("d")})
    world.scan()  # what was retained comes from the rows this time
    assert lines(world) == {**after, "d": 1}


def test_what_a_moved_file_declares_has_its_line_there(world: World) -> None:
    world.git.commit({"a.yaml": documents(config("a"), config("b"))})
    world.scan()
    world.git.commit({"a.yaml": None, "b/a.yaml": HEAD + documents(config("a"), config("b"))})
    world.scan()
    assert lines(world) == {"a": 4, "b": 6}


def test_a_scan_that_goes_on_gives_the_lines_of_one_from_the_start(tmp_path: Path) -> None:
    steps, whole = World(tmp_path / "steps"), World(tmp_path / "whole")
    for number in range(6):
        text = HEAD * number + documents(*(config(name, str(number)) for name in "abcd"[: 2 + number % 3]))
        for each in (steps, whole):
            each.git.commit({"a.yaml": text, "b.yaml": config("b") if number % 2 else BROKEN})
        steps.scan()
    whole.scan()
    assert lines(steps) == lines(whole)
    assert steps.tables() == whole.tables()


def told_and_marked(blob: bytes) -> tuple[set[int], list[int]]:
    """The lines of a file's resources, by the reader of plain lines and by libyaml, and those of PyYAML."""
    (content, found), (again, _) = (
        read_with_documents(blob, "", Bounds(), with_blocks=with_blocks) for with_blocks in (False, True)
    )
    assert content.lines == again.lines
    assert len(content.lines) == len(content.manifests)
    assert set(content.lines) <= {document.decoded.first_line for document in found}
    return set(content.lines), [document.decoded.first_line for document in found]


@settings(max_examples=200, deadline=None, derandomize=True, phases=[Phase.generate])
@given(manifests())
def test_any_document_begins_where_pyyaml_marks_it(text: str) -> None:
    blob = text.encode()
    content, found = read_with_documents(blob, "", Bounds())
    if not content.problems and content.lines:
        assert [document.decoded.first_line for document in found] == marked(blob)


def test_real_documents_begin_where_pyyaml_marks_them(tmp_path: Path) -> None:
    blobs = [blob for name in SMALL for blob in read_tip(unpack(name, tmp_path)).values()]
    declaring = [blob for blob in blobs if read(blob).manifests and not read(blob).problems]
    for blob in declaring:
        told, all_of_file = told_and_marked(blob)
        assert told
        assert all_of_file == marked(blob)
    assert len(declaring) > 20


def test_at_the_scanned_commit_each_real_document_begins_on_its_line(world: World, tmp_path: Path) -> None:
    """The text from there to the next marker names the resource, after two scans with half of the history each."""
    commits = adopt(world, SMALL[0], tmp_path / "corpus")
    world.scan(commits[len(commits) // 2])
    world.scan(commits[-1])
    active = [row for row in world.resources if row["status"] == "ACTIVE"]
    for row in active:
        lines = world.git.git("show", f"head:{row['file_path']}").split("\n")
        text = "\n".join(takewhile(lambda line: not line.startswith("---"), lines[row["line"] - 1 :]))
        found = yaml.safe_load(text)
        assert not lines[row["line"] - 1].startswith(("#", "---", " "))
        assert (found["kind"], found["metadata"]["name"]) == (row["kind"], row["name"])
    assert len(active) > 20
    assert any(row["line"] > 5 for row in active)


def test_an_edited_file_has_the_lines_of_the_new_one() -> None:
    reader = IncrementalReader(Bounds(), 0)
    for text in (
        documents(config("a"), config("b"), config("c")),
        documents(config("a"), "# more\n\n" + config("b"), config("c")),
        HEAD + documents(config("a", "two"), config("b"), "\n" + config("c", "two")),
    ):
        assert reader.read("a.yaml", text.encode(), "").lines == read(text).lines
