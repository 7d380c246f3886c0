"""Files that are written to hurt: everything has a bound, and work grows no faster than the file."""

from collections.abc import Callable

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.adversaries import FAMILIES, RESOURCE
from kubestats_pipeline.scan.documents import stream as decode
from kubestats_pipeline.scan.documents.document import CHARACTERS_PER_NODE, Bounds
from kubestats_pipeline.scan.documents.file import (
    MAX_DIRECTIVES,
    MAX_DOCUMENTS,
    NODES_A_BYTE,
    PROBLEMS,
    SPARE_NODES,
    read_documents,
)
from kubestats_pipeline.scan.manifests.manifests import read_file
from kubestats_pipeline_tests.scan.world import read

SMALL, LARGE = 5_000, 20_000


def problem_of(text: str | bytes, bounds: Bounds | None = None) -> tuple[str, str]:
    """The first problem of a file."""
    content = read(text, bounds=bounds)
    assert not content.is_complete
    return content.problems[0].problem, content.problems[0].message


class CountingParser:
    """libyaml's parser, which counts the events that it is asked for."""

    events = 0

    def __init__(self, stream: bytes) -> None:
        self._parser = PARSER(stream)
        self.dispose = self._parser.dispose

    def get_event(self) -> object:
        CountingParser.events += 1
        return self._parser.get_event()


PARSER = decode.CParser


@pytest.fixture
def count_work(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], int]:
    """Counts what is done to read a file: parser events, and nodes of the documents that come out."""
    monkeypatch.setattr(decode, "CParser", CountingParser)

    def count(blob: bytes) -> int:
        CountingParser.events = 0
        found = read_documents(blob, Bounds())
        return CountingParser.events + sum(document.nodes for _, document in found.documents)

    return count


@pytest.mark.parametrize("family", FAMILIES)
def test_work_is_linear_in_the_file(family: str, count_work: Callable[[bytes], int]) -> None:
    for size in (SMALL, LARGE):
        blob = FAMILIES[family](size)
        assert len(blob) < 2 * size + 20_000
        assert count_work(blob) <= SPARE_NODES + (NODES_A_BYTE + 3) * len(blob) + 10


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_of_hostile_files_makes_the_reader_fail(family: str) -> None:
    content = read(FAMILIES[family](SMALL))
    assert {each.problem for each in content.problems} <= {*PROBLEMS}
    assert content.is_complete == (not any(each.hides_resources for each in content.problems))
    size = sum(len(each.data) for each in content.manifests)
    assert size <= CHARACTERS_PER_NODE * (SPARE_NODES + NODES_A_BYTE * len(FAMILIES[family](SMALL)) + 100)


def test_an_alias_bomb_is_too_complex() -> None:
    levels = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert problem_of(f"{RESOURCE}b0: &b0 [x, y]\n{levels}")[0] == "too_complex"


@pytest.mark.parametrize("form", ["a: &a {text}\n", "? &a {text}\n: x\n", "k: &a {{{text}: x}}\n"])
def test_a_long_text_with_many_aliases_is_too_complex(form: str) -> None:
    text = "x" * (500_000 if form.startswith("a") else 900)
    assert problem_of(f"{RESOURCE}{form.format(text=text)}b: [{', '.join(['*a'] * 50_000)}]")[0] == "too_complex"


def test_merging_a_large_mapping_again_and_again_is_too_complex() -> None:
    large = ", ".join(f"k{n}: {n}" for n in range(5_000))
    merges = "".join(f"m{n}: {{<<: *a}}\n" for n in range(5_000))
    assert problem_of(f"{RESOURCE}a: &a {{{large}}}\n{merges}")[0] == "too_complex"


def test_many_small_bombs_in_one_file_are_too_complex_together() -> None:
    bomb = "b0: &b0 [x, y, z, x, y, z]\n" + "".join(
        f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 6)}]\n" for n in range(1, 6)
    )
    assert problem_of("---\n".join([RESOURCE + bomb] * 2_000))[0] == "too_complex"


def test_deep_nesting_is_too_complex() -> None:
    assert problem_of(RESOURCE + "a: " + "[" * 400_000)[0] == "too_complex"
    assert problem_of(RESOURCE + "a: " + "{a: " * 150 + "x" + "}" * 150)[0] == "too_complex"


def test_nesting_by_aliases_is_counted_as_nesting() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [[[[[[[[[*a{n - 1}]]]]]]]]]\n" for n in range(1, 500))
    problem, message = problem_of(RESOURCE + chain)
    assert (problem, message.partition(":")[0]) == ("too_complex", "line 15")


def test_nesting_up_to_the_bound_is_read() -> None:
    text = RESOURCE + "a: &a " + "[" * 50 + "]" * 50 + "\nb: " + "[" * 49 + "*a" + "]" * 49
    assert read(text).is_complete
    assert problem_of(text.replace("*a", "[*a]"))[0] == "too_complex"


def test_the_deepest_nesting_that_can_be_set_is_read_stored_and_redacted() -> None:
    depth = 190
    for opened, closed in (("[", "]"), ("{a: ", "}"), ("[{a: ", "}]")):
        times = depth // len(opened.replace("a: ", ""))
        text = f"{RESOURCE}a: {opened * times}x{closed * times}"
        content = read(text, bounds=Bounds(max_depth=200))
        assert (len(content.manifests), content.problems) == (1, ())


def test_a_file_beyond_its_bytes_is_not_read() -> None:
    assert problem_of(RESOURCE + "# " + "x" * 1024 * 1024)[0] == "too_large"


def test_too_many_nodes_are_too_complex() -> None:
    text = RESOURCE + "a: [" + "x, " * 200 + "]"
    assert problem_of(text, Bounds(max_nodes=100))[0] == "too_complex"
    assert read(text, bounds=Bounds(max_nodes=300)).is_complete


def test_too_many_documents_are_too_complex_and_the_first_ones_are_read() -> None:
    found = read_documents(b"---\na: 1\n" * (MAX_DOCUMENTS + 5), Bounds())
    assert [each.problem for each in found.problems] == ["too_complex"]
    assert found.problems[0].message.startswith(f"line {2 * MAX_DOCUMENTS + 1}: ")
    assert len(found.documents) == MAX_DOCUMENTS


def test_too_many_directives_are_too_complex() -> None:
    directives = "".join(f"%TAG !e{n}! tag:x,\n" for n in range(MAX_DIRECTIVES + 2))
    assert problem_of(f"{directives}---\n{RESOURCE}")[0] == "too_complex"


# fmt: off
PIECES = st.sampled_from([
    "apiVersion: v1", "kind: Secret", "kind: List", "items: [{}]", "metadata: {name: a}", "metadata:",
    "  name: 1", "---", "...", "{{ if }}", "%YAML 9", "a: &a", "*a", "<<: *a", "<<: [*a, *a]", "? x", "- x",
    "  - y", "!!binary x", "!!int 1", '"', "'", ":", "#", "[", "]", "{", "}", "\t", "\x00", "\x85", "\ufeff",
    "\xa0", "\u2028", "&a", "!", "@", "`", "~: 1", "sops: {mac: x}", "kind: ENC[x]", "stringData: {a: b}",
    "spec: [{name: a, value: b}]", "url: http://[x", "chart: 1.10", "\x7f", "1e308: x", "? 1e39\n", "9" * 5000,
])
# fmt: on
TEXTS = st.lists(st.one_of(PIECES, st.just("\n"), st.text(max_size=3)), max_size=40).map("".join)
BYTES = st.one_of(st.binary(max_size=200), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(BYTES, st.sampled_from(["file.yaml", "kustomization.yaml"]))
@example(b"\xff\xfea\x00", "file.yaml")
@example(b"\xff\xfe\x00\xd8a\x00", "kustomization.yaml")
@example(b"kind: a\napiVersion: b\nmetadata: {name: !!binary /w==}", "file.yaml")
def test_no_bytes_at_all_make_the_reader_fail(blob: bytes, name: str) -> None:
    for text in (blob, b"kind: apiVersion: metadata:\n---\n" + blob, RESOURCE.encode() + b"spec:\n  " + blob):
        content = read_file(text, name, Bounds())
        assert {problem.problem for problem in content.problems} <= {*PROBLEMS}
        assert all(isinstance(orjson.loads(each.data), dict) for each in content.manifests)
