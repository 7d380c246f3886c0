"""YAML streams to documents: lines, anchors and what is kept beside the decoded values."""

import pytest

from kubestats_pipeline.scan.documents.builder import MAX_KEY
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.stream import decode_stream


def decode(text: str, bounds: Bounds | None = None) -> list[Decoded]:
    return list(decode_stream(text.encode(), bounds or Bounds()))


def error_of(text: str, bounds: Bounds | None = None) -> tuple[str, int | None]:
    with pytest.raises(DecodeError) as error:
        decode(text, bounds)
    return error.value.problem, error.value.line


def test_documents_come_with_their_lines_and_nodes() -> None:
    read = decode("# x\na: 1\n---\n\n---\nb: [2, 3]\n")
    assert [(each.content, each.line, each.nodes) for each in read] == [
        ({"a": 1}, 2, 3),
        (None, 3, 1),
        ({"b": [2, 3]}, 5, 5),
    ]


def test_an_anchor_is_the_node_that_began_last_with_its_name() -> None:
    """Seen in a release whose `&app` stood on a container and again on a key inside it."""
    (document,) = decode("a: &x\n  b: &x {c: 1}\n  d: *x\ne: *x\nf: &x 2\ng: *x\n")
    assert document.content == {"a": {"b": {"c": 1}, "d": {"c": 1}}, "e": {"c": 1}, "f": 2, "g": 2}


def test_an_alias_counts_as_often_as_it_stands_there() -> None:
    (document,) = decode("a: &x [1, 2, 3]\nb: [*x, *x]\n")
    assert document.nodes == 3 + 4 + 1 + 2 * 4


def test_a_mapping_key_may_be_an_alias_of_a_scalar() -> None:
    (document,) = decode("? &k 1.0\n: a\nb: {*k : c}\n")
    assert document.content == {"1": "a", "b": {"1": "c"}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: .inf\n", 2),
        ("a:\n- 1\n- x\n- .nan\n", 4),
        ("a:\n  b:\n    ~: 1\n", 3),
        ("a: {b: 1}\nc:\n  <<: x\n", 3),
        ("a: 1\nb: *c\n", 2),
        ("a: &a\n  b: *a\n", 2),
        ("a: 1\n? [b]\n: c\n", 2),
        ("- 1\n- !!int x\n", 2),
        ("a: 1\nb: c: d\n", 2),
    ],
)
def test_an_error_names_the_line_that_it_stands_on(text: str, line: int) -> None:
    assert error_of(text) == ("syntax", line)


def test_a_control_character_is_an_error_of_encoding_on_its_line() -> None:
    assert error_of("a: 1\nb: 2\nc: \x01\n") == ("encoding", 3)


def test_a_key_is_as_long_as_yaml_allows_without_a_question_mark() -> None:
    assert decode(f"? {'k' * MAX_KEY}\n: a\n")[0].content == {"k" * MAX_KEY: "a"}
    assert error_of(f"a: 1\n? {'k' * MAX_KEY}k\n: a\n") == ("too_complex", 2)
    assert error_of(f"a: &k {'k' * MAX_KEY}k\n*k : a\n") == ("too_complex", 2)


@pytest.mark.parametrize(
    "key", ["1e308", "-1e308", "3.4028236e38", "4.9e-324", "9" * 5000, "0x" + "f" * 5000, ".5e-60"]
)
def test_no_number_is_too_large_or_too_small_to_be_a_key_or_a_value(key: str) -> None:
    (document,) = decode(f"? {key}\n: {key}\n" if len(key) < MAX_KEY else f"a: {key}\n")
    assert canonical_json(document.content)


def test_documents_before_an_error_are_given() -> None:
    documents = decode_stream(b"a: 1\n---\nb: [\n", Bounds())
    assert next(documents).content == {"a": 1}
    with pytest.raises(DecodeError):
        next(documents)
