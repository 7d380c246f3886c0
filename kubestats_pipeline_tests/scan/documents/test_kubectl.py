"""What kubectl reads is what we read: odd cases, real manifests, generated ones; and where we differ on purpose."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kubestats_pipeline_tests.corpus import LARGER, LARGEST, SMALL, read_tip, unpack
from kubestats_pipeline_tests.scan.documents.oracle import as_json, ask, needs_kubectl, read_by_us
from kubestats_pipeline_tests.scan.documents.yaml_texts import manifests

pytestmark = needs_kubectl

HEAD = "apiVersion: example.org/v1\nkind: Anything\nmetadata: {name: oracle}\n"
SAMPLE = 150
"""Real files of the everyday run."""


def with_spec(spec: str) -> bytes:
    return f"{HEAD}spec:\n{''.join(f'  {line}' for line in spec.splitlines(keepends=True))}\n".encode()


def disagreements(files: Sequence[bytes], folder: Path) -> list[tuple[str, str, str]]:
    """Files that kubectl accepts and reads in another way than we do: the file, its reading, ours."""
    pairs = zip(files, ask(files, folder), strict=True)
    return [
        (file.decode("utf-8", "replace")[-300:], as_json(theirs), as_json(ours))
        for file, theirs in pairs
        if theirs is not None and as_json(theirs) != as_json(ours := read_by_us(file))
    ]


READ: dict[str, Any] = {
    # Rows of the table that the reader was built from.
    "[10:30, 1:30:45]": ["10:30", "1:30:45"],
    "[y, n, yes, no, on, off, Y, N, YES, No, On, OFF]": [True, False] * 6,
    "[0o777, 08, 1e3, 1.5e3, 1e+3, 0777]": [511, 8, 1000, 1500, 1000, 511],
    "[2024-01-01, 2001-12-14t21:59:43.10-05:00]": ["2024-01-01", "2001-12-14t21:59:43.10-05:00"],
    "[=, <<]": ["=", "<<"],
    "[!env_var X, !secret 12, !<y> yes]": ["X", "12", "yes"],
    "[!!binary aGVsbG8=, !!binary /w==]": ["hello", "\ufffd"],
    "{a: &x 1, b: &x 2, c: *x}": {"a": 1, "b": 2, "c": 2},
    "{a: 1, a: 2}": {"a": 2},
    "{1: a, true: b, 1.5: c, yEs: d}": {"1": "a", "true": "b", "1.5": "c", "yEs": "d"},
    "{x: &x {a: 1, b: 1}, w: &y {a: 2, c: 2}, z: {<<: [*x, *y], b: 3}}": {
        "x": {"a": 1, "b": 1},
        "w": {"a": 2, "c": 2},
        "z": {"a": 1, "b": 3, "c": 2},
    },
    "{a:\t1,\tb: [\t2 ]}": {"a": 1, "b": [2]},
    # Merges and anchors.
    "{a: 1, <<: {a: 2}}": {"a": 2},
    "{<<: {a: 1}, a: 2}": {"a": 2},
    "{'<<': {d: 1}, !!str <<: x}": {"<<": "x"},
    "x: &x {v: &x {b: 1}, z: *x}\nw: *x": {"x": {"v": {"b": 1}, "z": {"b": 1}}, "w": {"b": 1}},
    "x: &x\n  - &x {b: 1}\nw: {<<: *x}": {"x": [{"b": 1}], "w": {"b": 1}},
    "? &k 2.0\n: a\nb: *k": {"2": "a", "b": 2},
    # Numbers.
    "[18.6, 1.10, 0x10, 012, 1_000, 0_7, _1, 0b11, -0x1F]": [18.6, 1.1, 16, 10, 1000, 7, "_1", 3, -31],
    "[1e400, 1., .5, -0, 1e18, 123456789012345678901]": ["1e400", 1, 0.5, 0, 10**18, 1.2345678901234568e20],
    "[9223372036854775807, 9223372036854775808, 9223372036854774784.0]": [2**63 - 1, 2.0**63, 9223372036854775000],
    f"[{'9' * 5000}, 0x{'f' * 5000}]": ["9" * 5000, f"0x{'f' * 5000}"],
    "{1e308: a, -1e308: b, 4.9e-324: c, 12345678.9: d, 123456.5: e, 1e5: f}": {
        ".inf": "a",
        "-.inf": "b",
        "0": "c",
        "1.2345679e+07": "d",
        "123456.5": "e",
        "100000": "f",
    },
    '[!!str 1, !!float 1, !!int "3", !!bool "yes", ! 12, !!float -9223372036854775808]': [
        "1", 1, 3, True, "12", -9.223372036854776e18,
    ],
    # Texts.
    "a: |\n  text\n\nb: >-\n  folded\n  text\nc: \"a\\0\\u263a\"\nd: 'it''s'": {
        "a": "text\n", "b": "folded text", "c": "a\0☺", "d": "it's",
    },
    "a:\nb: ~\nc: ''\nd: {? e}": {"a": None, "b": None, "c": "", "d": {"e": None}},
}  # fmt: skip


def test_every_odd_case_reads_as_kubectl_reads_it(tmp_path: Path) -> None:
    files = [with_spec(spec) for spec in READ]
    assert disagreements(files, tmp_path) == []
    for spec, expected in READ.items():
        (found,) = read_by_us(with_spec(spec)) or [{}]
        assert as_json(found.get("spec")) == as_json(expected), spec


WHOLE_FILES = {
    "byte-order mark": b"\xef\xbb\xbf" + HEAD.encode(),
    "byte-order mark in a later document": HEAD.encode() + b"---\n\xef\xbb\xbf" + HEAD.encode(),
    "line ends of Windows": HEAD.replace("\n", "\r\n").encode(),
    "UTF-16": HEAD.encode("utf-16"),
    "block text without a last line break": HEAD.encode() + b"spec: |\n  text",
    "kept block text without a last line break": HEAD.encode() + b"spec: |+\n  text",
    "several documents, some of them empty": f"---\n---\n# x\n---\n{HEAD}---\n{HEAD}--- # y\n".encode(),
    "JSON": b'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "a": [1.0, 1e3, 0.10]}',
    "a List": b"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: x}}\n",
}


def test_every_form_of_file_reads_as_kubectl_reads_it(tmp_path: Path) -> None:
    theirs = dict(zip(WHOLE_FILES, ask(list(WHOLE_FILES.values()), tmp_path), strict=True))
    assert all(theirs.values())
    assert {name: read_by_us(file) for name, file in WHOLE_FILES.items()} == theirs


REJECTED = [
    "~: 1",
    "a: .inf",
    ".nan: &x 1\nb: .nan",
    "? [a]\n: 1",
    "? {a: 1}\n: 1",
    "a: *b",
    "<<: 1",
    "<<: [{a: 1}, [b]]",
    "a: !!int x",
    "a: !!float 9223372036854775808",
    "9223372036854775808: a",
    "a: &a [*a]",
    "a: - b",
    "a: b: c",
    "a: @b",
    "a:\n\tb: c",
    'a: "\\ud83d\\ude00"',
    "a: !!binary a",
    "a: \x01",
    "b0: &b0 [x, x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 4)}]\n" for n in range(1, 8)),
]


def test_what_kubectl_rejects_is_a_problem_and_no_document(tmp_path: Path) -> None:
    files = [with_spec(spec) for spec in REJECTED]
    assert list(ask(files, tmp_path)) == [None] * len(files)
    assert [spec for spec, file in zip(REJECTED, files, strict=True) if read_by_us(file) is not None] == []


READ_ALL_THE_SAME = {
    "a slash escaped in quotes, as JSON has it": with_spec('a: "\\/"'),
    "a timestamp that is none": with_spec("a: !!timestamp x"),
    "annotations that are no text: the API's concern, not YAML's": with_spec("b").replace(
        b"name: oracle", b"name: oracle, annotations: {a: true}"
    ),
    "directives": b"%YAML 1.2\n---\n" + HEAD.encode(),
    "content on the line of the marker": b"--- {apiVersion: v1, kind: Pod, metadata: {name: x}}\n",
    "no kind": b"a: 1\n",
}
"""What kubectl rejects and we read: it is YAML, and other tools of the ecosystem take it."""

REFUSED_ALL_THE_SAME = {
    "bytes that are no UTF-8, for which kubectl puts in marks": with_spec("a: x").replace(b"x", b"\xe4"),
    "a key longer than YAML's simple ones": with_spec(f"? {'k' * 2000}\n: a"),
    "deep nesting": with_spec("[" * 120 + "]" * 120),
    "pairs of surrogates in JSON": b'{"apiVersion": "v1", "kind": "A", "spec": "\\ud83d\\ude00"}',
}
"""What kubectl accepts and we refuse, and say so in a problem."""

READ_IN_ANOTHER_WAY = {
    "keys that are the same text: kubectl takes either, by chance": with_spec('{1: a, "1": b}'),
    "a document after the end of one without a marker": f"{HEAD}...\n{HEAD}".encode(),
}
"""What both accept, but not as the same; of the second kubectl silently leaves out all but the first document."""


@pytest.mark.parametrize("name", READ_ALL_THE_SAME)
def test_a_file_is_read_although_kubectl_rejects_it(name: str, tmp_path: Path) -> None:
    assert list(ask([READ_ALL_THE_SAME[name]], tmp_path)) == [None]
    assert read_by_us(READ_ALL_THE_SAME[name])


@pytest.mark.parametrize("name", REFUSED_ALL_THE_SAME)
def test_a_file_is_refused_although_kubectl_accepts_it(name: str, tmp_path: Path) -> None:
    assert list(ask([REFUSED_ALL_THE_SAME[name]], tmp_path)) != [None]
    assert read_by_us(REFUSED_ALL_THE_SAME[name]) is None


def test_what_is_read_in_another_way_is_accepted_by_kubectl(tmp_path: Path) -> None:
    assert all(ask(list(READ_IN_ANOTHER_WAY.values()), tmp_path))


def real_manifests(repositories: Iterable[str], folder: Path) -> list[bytes]:
    """All files that mention a kind and an apiVersion, in an order that mixes repositories and kinds."""
    blobs = {blob for name in repositories for blob in read_tip(unpack(name, folder)).values()}
    return sorted((blob for blob in blobs if b"kind:" in blob and b"apiVersion:" in blob), key=lambda blob: blob[::-1])


def test_real_manifests_read_as_kubectl_reads_them(tmp_path: Path) -> None:
    files = real_manifests((*SMALL, *LARGER), tmp_path / "corpus")
    sample = files[:: max(1, len(files) // SAMPLE)]
    assert len(sample) >= SAMPLE
    assert disagreements(sample, tmp_path / "asked") == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SMALL, *LARGER, *LARGEST])
def test_all_manifests_of_a_tip_read_as_kubectl_reads_them(name: str, tmp_path: Path) -> None:
    files = real_manifests([name], tmp_path / "corpus")
    assert disagreements(files, tmp_path / "asked") == []


def check_generated(batch: Sequence[str], folder: Path) -> None:
    """Whatever YAML the generator writes, both read it alike or both reject it."""
    files = [text.encode() for text in batch]
    assert disagreements(files, folder) == []
    accepted = [theirs is not None for theirs in ask(files, folder)]
    assert [read_by_us(file) is not None for file in files] == accepted


@settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(st.lists(manifests(), min_size=40, max_size=40))
def test_generated_yaml_reads_as_kubectl_reads_it(tmp_path_factory: pytest.TempPathFactory, batch: list[str]) -> None:
    check_generated(batch, tmp_path_factory.getbasetemp() / "generated")


@pytest.mark.slow
@settings(max_examples=100, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(manifests(), min_size=40, max_size=40))
def test_much_generated_yaml_reads_as_kubectl_reads_it(
    tmp_path_factory: pytest.TempPathFactory, batch: list[str]
) -> None:
    check_generated(batch, tmp_path_factory.getbasetemp() / "generated")
