"""What a plain scalar means to Kubernetes, row by row of the table that the scanner was built from."""

import math

import pytest

from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.scalars import ScalarError, resolve_plain, resolve_tagged, to_json, to_key
from kubestats_pipeline.scan.documents.stream import decode_stream

KUBERNETES = {
    "10:30": "10:30",
    "1:30:45": "1:30:45",
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"), False),
    **dict.fromkeys(("yEs", "oN", "tRUE", "yess"), ...),
    "0o777": 511,
    "0777": 511,
    "08": 8,
    "0b11": 3,
    "0x1F": 31,
    "-0x1f": -31,
    "+12": 12,
    "1_000": 1000,
    "1e3": 1000,
    "1.5e3": 1500,
    "1e+3": 1000,
    ".5": 0.5,
    "1.10": 1.1,
    "2.0": 2,
    "9223372036854775807": 2**63 - 1,
    "9223372036854775808": 2.0**63,
    "1e400": "1e400",
    "0x": "0x",
    "-": "-",
    "+": "+",
    ".": ".",
    "2024-01-01": "2024-01-01",
    "2024-01-01T10:00:00Z": "2024-01-01T10:00:00Z",
    "=": "=",
    "<<": "<<",
    "": None,
    "~": None,
    "null": None,
    "nULL": "nULL",
    "v1.2.3": "v1.2.3",
    "1.2.3": "1.2.3",
}


@pytest.mark.parametrize(("text", "value"), KUBERNETES.items())
def test_a_plain_scalar_means_what_it_means_to_kubernetes(text: str, value: object) -> None:
    expected = text if value is ... else value
    found = to_json(resolve_plain(text))
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN"])
def test_infinity_and_nan_are_rejected_as_values(text: str) -> None:
    with pytest.raises(ScalarError):
        to_json(resolve_plain(text))


def test_a_quoted_scalar_is_always_text() -> None:
    assert [resolve_tagged(text, None, plain=False) for text in ("1", "yes", "~", "1e3")] == ["1", "yes", "~", "1e3"]


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("!env_var", "X", "X"),
        ("!vault", "12", "12"),
        ("tag:yaml.org,2002:binary", "aGVsbG8=", "hello"),
        ("tag:yaml.org,2002:binary", "/2E=", "�a"),
        ("tag:yaml.org,2002:str", "1", "1"),
        ("tag:yaml.org,2002:int", "0x10", 16),
        ("tag:yaml.org,2002:float", "1", 1),
        ("tag:yaml.org,2002:timestamp", "2020-01-01", "2020-01-01"),
    ],
)
def test_a_tag_decides_only_where_it_is_known(tag: str, text: str, value: object) -> None:
    found = to_json(resolve_tagged(text, tag, plain=True))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("tag", "text"), [("int", "x"), ("bool", "1"), ("null", "x"), ("binary", "a"), ("float", "x")])
def test_a_scalar_that_does_not_fit_its_tag_is_rejected_without_being_quoted(tag: str, text: str) -> None:
    with pytest.raises(ScalarError) as error:
        resolve_tagged(f"{text}SECRET!", f"tag:yaml.org,2002:{tag}", plain=True)
    assert "SECRET" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "key"),
    [(1, "1"), (True, "true"), (False, "false"), (1.5, "1.5"), (1e10, "1e+10"), (1e-7, "1e-07"), (math.inf, ".inf")],
)
def test_a_mapping_key_becomes_text(value: bool | int | float, key: str) -> None:
    assert to_key(value) == key


def test_a_null_key_is_rejected() -> None:
    with pytest.raises(ScalarError):
        to_key(None)


def decode(text: str, bounds: Bounds | None = None) -> Decoded:
    (document,) = decode_stream(text.encode(), bounds or Bounds())
    return document


@pytest.mark.parametrize("written", ["1.10", "41", "012", "1e3", "0x10", "18.60", "1_0", "+2", "0o17"])
@pytest.mark.parametrize(
    "form",
    [
        "tag: {}",
        "x: &x {}\ntag: *x",
        "base: &base {{tag: {}}}\n<<: *base",
        "a: &a {{tag: {}}}\nb: &b {{<<: *a}}\n<<: [*b]",
        "<<: {{tag: 3.0}}\ntag: {}",
        "tag: 3.0\n<<: {{tag: {}}}",
    ],
)
def test_a_version_survives_as_it_was_written(written: str, form: str) -> None:
    document = decode(form.format(written))
    assert document.text(document.content, "tag") == written


def test_the_last_of_two_versions_is_the_one_that_counts() -> None:
    for text, expected in (
        ("tag: 1.10\ntag: '2'", "2"),
        ("tag: '2'\ntag: 1.10", "1.10"),
        ("tag: 1.10\ntag: yes", "true"),
    ):
        document = decode(text)
        assert document.text(document.content, "tag") == expected


def test_a_mapping_that_is_overwritten_lends_its_version_to_none() -> None:
    text = "".join(f"a: {{version: 1.{n}0}}\na: x\nb{n}: {{<<: {{version: 2.{n}}}, other: 1}}\n" for n in range(9))
    content = (document := decode(text)).content
    assert [document.text(content[f"b{n}"], "version") for n in range(9)] == [f"2.{n}" for n in range(9)]


@pytest.mark.parametrize("text", ["~: 1", "? [a]\n: 1", "a: .nan", "a: *b", "a: &a [*a]", "<<: 1", "a: [", "\tb: 1"])
def test_a_document_that_kubernetes_rejects_is_a_syntax_problem(text: str) -> None:
    with pytest.raises(DecodeError) as error:
        decode(text)
    assert error.value.problem == "syntax"
