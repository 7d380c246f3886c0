"""Plain documents by their lines: the same values, lines, numbers and nodes as libyaml gives, or none at all."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.encoding import to_text
from kubestats_pipeline.scan.documents.number_spelling import written_numbers
from kubestats_pipeline.scan.documents.plain_lines import decode_plain
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline_tests.corpus import LARGER, SMALL, read_tip, unpack
from kubestats_pipeline_tests.scan.documents.mutations import damaged
from kubestats_pipeline_tests.scan.documents.yaml_texts import KEYS, ODD, manifests

BOUNDS = (Bounds(), Bounds(), Bounds(max_nodes=12), Bounds(max_depth=2))

everyday = settings(max_examples=300, deadline=None, derandomize=True, phases=[Phase.generate])
long = settings(max_examples=20_000, deadline=None, phases=[Phase.generate])

# fmt: off
VALUES = st.sampled_from([
    "", "", "", "", " a", " 1.10", " &x", " &x a", " &x 1.10", " &y 2", " *x", " *y", " |", " |-", " >", " >-",
    " &x |", " '1.10'", ' "a: b"', ' "a\\n"', ' ""', " ''", " 'it''s'", " [a, 1]", " {a: {b: [c]}}", " [*x]", " []",
    " # c", " a # c", " a#c", " a b  c", " a: b", " -1", " - a", " -", "\ta", " a ", " !!str 1", " ${A:=b}", " {{ a }}",
    " [*x, *y] # c", " [ *y ]", " [*x,]", " [*x #]", " !!str", " !!str &x 1.10", " &y !!str |", " !!str 'a'",
    " !!int 1",
    *(f" {scalar}" for scalar in ODD),
])
STARTS = st.one_of(KEYS, st.sampled_from([
    "a", "b", "c", "tag", "version", "*x ", "<<", '"a b"', "'a'", "<<", "a/b.c", "null", "- a", "- b", "- tag", "-   c",
])).map("{}:".format)
# fmt: on
ENTRIES = st.builds("{}{}".format, st.one_of(STARTS, STARTS, STARTS, st.just("-"), st.just("")), VALUES)
LINES = st.one_of(ENTRIES, ENTRIES, ENTRIES, ENTRIES, st.sampled_from(["---", "", " ", "# c", "...", "text", "--- a"]))


def told(document: Decoded) -> tuple[Any, ...]:
    """All that is known of a document. Texts tell numbers of one value apart, and the order of keys."""
    numbers = written_numbers(document, document.content)
    return repr(document.content), document.line, document.first_line, document.nodes, document.repeated_keys, numbers


def by_lines(text: bytes, bounds: Bounds) -> list[tuple[Any, ...]] | None:
    """The documents of a text as its lines tell them, or None if it is not plain."""
    plain = decode_plain(text, bounds, 5)
    return None if plain is None else [told(each) for each in plain]


def by_libyaml(text: bytes, bounds: Bounds) -> list[tuple[Any, ...]] | None:
    """The same as libyaml tells them, or None if it refuses the text."""
    try:
        return [told(each) for each in decode_stream(text, bounds, 5)]
    except DecodeError:
        return None


def with_end(blob: bytes) -> bytes:
    text, _ = to_text(blob.replace(b"\0", b""))
    return text if text.endswith(b"\n") else text + b"\n"


@pytest.fixture(scope="session")
def real_files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("corpus")
    return [blob for name in (*SMALL, *LARGER) for blob in read_tip(unpack(name, folder)).values()]


@pytest.fixture(scope="session")
def sample_files(sample_repositories: Path) -> list[bytes]:
    return [blob for each in sorted(sample_repositories.glob("*/*.git")) for blob in read_tip(each).values()]


@everyday
@given(st.lists(st.tuples(st.integers(0, 3), LINES), min_size=1, max_size=8), st.sampled_from(BOUNDS))
def test_any_lines_are_read_as_libyaml_reads_them(lines: list[tuple[int, str]], bounds: Bounds) -> None:
    text = "".join(f"{'  ' * indent}{line}\n" for indent, line in lines).encode()
    assert by_lines(text, bounds) in (None, by_libyaml(text, bounds))


@everyday
@given(manifests(), st.sampled_from(BOUNDS))
def test_documents_in_every_style_are_read_as_libyaml_reads_them(text: str, bounds: Bounds) -> None:
    text = with_end(text.encode())
    assert by_lines(text, bounds) in (None, by_libyaml(text, bounds))


@everyday
@given(st.data(), st.sampled_from(BOUNDS))
def test_damaged_files_are_read_as_libyaml_reads_them(
    sample_files: list[bytes], data: st.DataObject, bounds: Bounds
) -> None:
    text = with_end(data.draw(damaged(sample_files)))
    assert by_lines(text, bounds) in (None, by_libyaml(text, bounds))


@pytest.mark.slow
@long
@given(st.data(), st.sampled_from(BOUNDS))
def test_damaged_real_files_are_read_as_libyaml_reads_them(
    real_files: list[bytes], data: st.DataObject, bounds: Bounds
) -> None:
    text = with_end(data.draw(damaged(real_files)))
    assert by_lines(text, bounds) in (None, by_libyaml(text, bounds))


@pytest.mark.slow
@long
@given(st.lists(st.tuples(st.integers(0, 3), LINES), min_size=1, max_size=12))
def test_many_lines_are_read_as_libyaml_reads_them(lines: list[tuple[int, str]]) -> None:
    text = "".join(f"{'  ' * indent}{line}\n" for indent, line in lines).encode()
    assert by_lines(text, Bounds()) in (None, by_libyaml(text, Bounds()))


def test_nearly_all_files_are_plain(sample_files: list[bytes]) -> None:
    texts = [with_end(blob) for blob in sample_files]
    plain = [text for text in texts if by_lines(text, Bounds()) is not None]
    assert [by_lines(text, Bounds()) for text in plain] == [by_libyaml(text, Bounds()) for text in plain]
    assert len(plain) > 0.9 * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\n---\n# c\nb:\n- 1.10\n-   c: x\n    d:\n\n    - e\n",
        "a: &x 1.10\ntag: *x\nb: &y\n  c: *x\nd: *y\n",
        "a: &x\n  b: &x 1\nc: *x\n",
        "name: &app web\nlabels:\n  *app : 1\n",
        "a: |\n    one\n      two\n\n    # text\n  # comment\nb: 1\n",
        "a: >-\n  one\n  two\n\n  three\nb: |-\n\n  four\n",
        'a: {b: [1, "c"]}\n"d e": \'f\'\ng: "h\\n"\n',
        "a:\n-\n  b: 1\n-\n- c\n",
        "a: &x h\nb: [*x]\nc: [ *x, *x ] # d\n",
        "a: &x\n  tag: 1.10\n  b: {c: 1}\nd:\n  e: 1\n  <<: *x\n  b: 2\nf:\n- <<: *x\n  tag: 2.0\n",
        "a: !!str 1.10\nversion: !!str &x 1\nb: &y !!str |\n  1\nc: *x\nd: *y\n",
    ],
)
def test_what_manifests_hold_is_plain(text: str) -> None:
    found = by_lines(text.encode(), Bounds())
    assert found is not None
    assert found == by_libyaml(text.encode(), Bounds())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "---\n---\na: 1\n",
        "a: 1\na: 2\n",
        "a: &x {b: 1}\n<<: *x\n",
        "a: &x\n  b: 1\nb: 1\n<<: *x\n",
        "a: &x\n  b: 1\n<<: *x\nb: 1\nb: 2\n",
        "a: &x\n  b: 1\n<<: [*x]\n",
        "a: &x 1\n<<: *x\n",
        "a: !!str [1]\n",
        "a: !!str\n",
        "a: *x\n",
        "a: &x\n  b: *x\n",
        "a: one\n  two\n",
        "a: 'one\n  two'\n",
        "a: !!int 1\n",
        "a: b: c\n",
        " a: 1\nb: 2\n",
        "a:\n    b: 1\n  c: 2\n",
        "- a\nb: 1\n",
        "a: |\n   \n b\n",
        "a: >\n  one\n    two\n",
        "a: .inf\n",
        "null: 1\n",
        "a: 1\r\n",
        "a:\t1\n",
        "a: \u2028b\n",
        "? a\n: b\n",
        "%TAG ! x\n---\na: 1\n",
        "a: 1\n...\n",
    ],
)
def test_the_rest_is_left_to_libyaml(text: str) -> None:
    assert not decode_plain(text.encode(), Bounds())


def test_a_collection_on_a_line_is_not_shared() -> None:
    (document,) = decode_plain(b"a: [1]\nb:\n  a: [1]\n", Bounds()) or ()
    assert document.content["a"] is not document.content["b"]["a"]


def test_bounds_are_those_of_libyaml() -> None:
    text = b"a:\n  b: [1]\n"
    assert decode_plain(text, Bounds(max_depth=3, max_nodes=6))
    for bounds in (Bounds(max_depth=2), Bounds(max_nodes=5)):
        assert decode_plain(text, bounds) is None
        with pytest.raises(DecodeError):
            list(decode_stream(text, bounds))
