"""YAML streams to documents, compared with kubectl where it is installed, and within their bounds whatever comes."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.scan.decode import Bounds, DecodeError, decode_stream
from kubestats_pipeline.scan.documents import read_documents
from kubestats_pipeline.scan.manifests import read_file

PROBLEMS = {"syntax", "template", "too_large", "too_complex", "encoding", "encrypted_kind"}
KUBECTL = shutil.which("kubectl")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl, the oracle, is not installed")

HEAD = "apiVersion: example.org/v1\nkind: Anything\nmetadata: {name: oracle}\nspec:\n"


def indent(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.split("\n"))


def ours(text: str) -> list[Any]:
    return [orjson.loads(orjson.dumps(each.content)) for each in decode_stream(text.encode(), Bounds())]


def as_kubernetes(digits: str) -> int | float:
    """Beyond 64 bits Kubernetes holds a float, although its JSON shows all digits."""
    return int(digits) if -(2**63) <= int(digits) < 2**63 else float(digits)


def kubectl(text: str, folder: Path) -> list[Any] | None:
    """What kubectl reads in the documents of a file; None where it rejects any of them."""
    assert KUBECTL is not None
    file = folder / "oracle.yaml"
    file.write_bytes(text.encode())
    command = [KUBECTL, "annotate", "--local", "-f", str(file), "oracle=asked", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        return None
    found, position, decoder = [], 0, json.JSONDecoder(parse_int=as_kubernetes)
    while position < len(done.stdout.rstrip()):
        value, position = decoder.raw_decode(done.stdout, position)
        position += len(done.stdout[position:]) - len(done.stdout[position:].lstrip())
        found.append(value)
    return found


def agrees(specs: list[str], folder: Path) -> bool:
    text = "---\n".join(HEAD + indent(spec) for spec in specs)
    theirs = kubectl(text, folder)
    if theirs is None:
        return False
    mine = [document.get("spec") for document in ours(text)]
    return json.dumps(mine, sort_keys=True) == json.dumps([each.get("spec") for each in theirs], sort_keys=True)


CASES = [
    "{a: 1, <<: {a: 2}}",
    "<<: {a: 1}\na: 2",
    "x: &x {a: 1, b: 1}\ny: &y {a: 2, c: 2}\nz: {<<: [*x, *y], b: 3}",
    "x: &x 1\ny: &x 2\nz: *x",
    "a: 1\na: 2",
    "? &k 2.0\n: a\nb: *k",
    "1.5: a\n0.00001: b\n1e21: c",
    "y: yes\nn: no\non: off",
    "a: !!binary aGVsbG8=\nb: !!binary /w==",
    "a: !env_var NAME\nb: !secret {c: 1}\nd: !!set {e, f}",
    "a: =\nb: <<\nc: '<<'\n'<<': {d: 1}",
    "a: 0777\nb: 08\nc: 0o17\nd: 0b11\ne: 0x1f\nf: -0x1F\ng: 1_000\nh: 0_7\ni: _1",
    "a: 1e3\nb: 1.5e3\nc: 1e+3\nd: 1e400\ne: 1.\nf: .5\ng: -0\nh: 1e18\ni: 123456789012345678901",
    "a: 10:30\nb: 1:30:45\nc: 2024-01-01\nd: 2001-12-14t21:59:43.10-05:00",
    "a: |\n  text\n\nb: >-\n  folded\n  text\nc: \"a\\0\\u263a\"\nd: 'it''s'",
    'a: ! 12\nb: !!str 1\nc: !!float 1\nd: !!int "3"\ne: !!bool "yes"',
    "a:\nb: ~\nc: ''\nd: {? e}",
    "{a,\tb: c}",
]


@needs_kubectl
def test_every_odd_case_reads_as_kubectl_reads_it(tmp_path: Path) -> None:
    assert [spec for spec in CASES if not agrees([spec], tmp_path)] == []


REJECTED = [
    "~: 1",
    "a: .inf",
    ".nan: &x 1\nb: .nan",
    "? [a]\n: 1",
    "a: *b",
    "<<: 1",
    "a: !!int x",
    "a: &a [*a]",
    "a: - b",
]


@needs_kubectl
def test_what_kubectl_rejects_is_a_problem_and_no_document(tmp_path: Path) -> None:
    for spec in REJECTED:
        assert kubectl(HEAD + indent(spec), tmp_path) is None, spec
        with pytest.raises(DecodeError):
            ours(HEAD + indent(spec))


# fmt: off
SCALARS = st.sampled_from([
    "10:30", "1:30:45", "y", "N", "yes", "oN", "Off", "true", "FALSE", "~", "null", "0o777", "0777", "08",
    "0b101", "0x1F", "-0x2", "1e3", "1.5e3", "1e+3", "1E-2", ".5", "1.", "1.10", "2.0", "2024-01-01", "=", "<<",
    "1_000", "+12", "-7", "0", "-0", "-0.0", "1.2.3", "v1", "41", "012", "9223372036854775807",
    "-9223372036854775809", "1e22", "'yes'", '"1"', "''", "3", "010", "2", "aGk=", "0x_1", "1__2", "_", "0o8",
    "+.5", "-.5e3", ".", "+", "12e", "0b2", "~a", "nulls", ".5.5", "00", "1:60", "0.1e1",
])
# fmt: on
NUMBERS = st.from_regex(r"\A[-+]?(0[xob]?)?[0-9_]{1,6}(\.[0-9]{0,3})?([eE][-+]?[0-9]{1,2})?\Z")
LEAVES = st.one_of(SCALARS, NUMBERS, SCALARS)


@st.composite
def specs(draw: st.DrawFn) -> str:
    """A mapping of anchored mappings and scalars, with aliases and merge keys that refer to earlier ones."""
    lines, anchors = [], []
    for number in range(draw(st.integers(1, 5))):
        name = f"a{draw(st.integers(0, 3))}"
        others = [each for each in anchors if each != name]
        members = [f"k{draw(st.integers(0, 3))}: {draw(LEAVES)}" for _ in range(draw(st.integers(1, 3)))]
        if others and draw(st.booleans()):
            chosen = draw(st.lists(st.sampled_from(others), min_size=1, max_size=3))
            merge = f"<<: *{chosen[0]} " if len(chosen) == 1 else f"<<: [{', '.join(f'*{each}' for each in chosen)}]"
            members.insert(draw(st.integers(0, len(members))), merge)
        if others and draw(st.booleans()):
            members.append(f"alias: *{draw(st.sampled_from(others))} ")
        lines.append(f"m{number}: &{name} {{{', '.join(members)}}}")
        anchors.append(name)
    lines.append(f"list: [{', '.join(draw(st.lists(LEAVES, max_size=4)))}]")
    return "\n".join(lines)


@needs_kubectl
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(st.lists(specs(), min_size=20, max_size=20))
def test_scalars_mappings_anchors_and_merges_read_as_kubectl_reads_them(
    tmp_path_factory: pytest.TempPathFactory, batch: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert agrees(batch, folder), [spec for spec in batch if not agrees([spec], folder)]


def problem_of(text: str | bytes, bounds: Bounds | None = None) -> tuple[str, str]:
    """The one problem of a file, which must be told within a few seconds."""
    started = time.process_time()
    read = read_file(text.encode() if isinstance(text, str) else text, "file.yaml", bounds or Bounds())
    assert time.process_time() - started < 5
    assert not read.is_complete
    return read.problems[0].problem, read.problems[0].message


RESOURCE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n"


def test_an_alias_bomb_is_too_complex() -> None:
    levels = "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert problem_of(f"{RESOURCE}b0: &b0 [x, y]\n{levels}")[0] == "too_complex"


@pytest.mark.parametrize("form", ["a: &a {text}\n", "? &a {text}\n: x\n", "k: &a {{{text}: x}}\n"])
def test_a_long_text_with_many_aliases_is_too_complex(form: str) -> None:
    aliases = ", ".join(["*a"] * 50_000)
    assert (
        problem_of(
            RESOURCE + form.format(text="x" * 900 if "{{" in form or "?" in form else "x" * 500_000) + f"b: [{aliases}]"
        )[0]
        == "too_complex"
    )


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
    assert read_file(text.encode(), "file.yaml", Bounds()).is_complete
    assert problem_of(text.replace("*a", "[*a]"))[0] == "too_complex"


def test_a_file_beyond_its_bytes_is_not_read() -> None:
    assert problem_of(RESOURCE + "# " + "x" * 1024 * 1024)[0] == "too_large"


def test_too_many_nodes_are_too_complex() -> None:
    text = RESOURCE + "a: [" + "x, " * 200 + "]"
    assert problem_of(text, Bounds(max_nodes=100))[0] == "too_complex"
    assert read_file(text.encode(), "file.yaml", Bounds(max_nodes=300)).is_complete


# fmt: off
PIECES = st.sampled_from([
    "apiVersion: v1", "kind: Secret", "kind: List", "items: [{}]", "metadata: {name: a}", "metadata:",
    "  name: 1", "---", "...", "{{ if }}", "%YAML 9", "a: &a", "*a", "<<: *a", "<<: [*a, *a]", "? x", "- x",
    "  - y", "!!binary x", "!!int 1", '"', "'", ":", "#", "[", "]", "{", "}", "\t", "\x00", "\x85", "\ufeff",
    "\xa0", "\u2028", "&a", "!", "@", "`", "~: 1", "sops: {mac: x}", "kind: ENC[x]", "stringData: {a: b}",
    "spec: [{name: a, value: b}]", "url: http://[x", "chart: 1.10", "\x7f",
])
# fmt: on
TEXTS = st.lists(st.one_of(PIECES, st.just("\n"), st.text(max_size=3)), max_size=40).map("".join)
BYTES = st.one_of(st.binary(max_size=200), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(BYTES, st.sampled_from(["file.yaml", "kustomization.yaml"]))
@example(b"\xff\xfea\x00", "file.yaml")
@example(b"kind: a\napiVersion: b\nmetadata: {name: !!binary /w==}", "file.yaml")
def test_no_bytes_at_all_make_the_reader_fail(blob: bytes, name: str) -> None:
    for text in (blob, b"kind: apiVersion: metadata:\n---\n" + blob, RESOURCE.encode() + b"spec:\n  " + blob):
        read = read_file(text, name, Bounds())
        assert {problem.problem for problem in read.problems} <= PROBLEMS
        assert all(isinstance(orjson.loads(each.data), dict) for each in read.manifests)


MANIFEST = b"""\
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: &m
  name: &n podinfo
  labels: {<<: {app: *n}, tier: "a"}
spec:
  chart: {spec: {chart: podinfo, version: 1.10, sourceRef: {kind: HelmRepository, name: podinfo}}}
  values: {image: {repository: ghcr.io/x/y, tag: 1e3}, list: [1, 2, {a: b}]}
---
apiVersion: v1
kind: List
items: [{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: YQ==}}]
"""


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, len(MANIFEST) - 1), st.integers(0, 6), BYTES), min_size=1, max_size=4))
def test_a_damaged_manifest_is_resources_or_problems_but_never_an_error(edits: list[tuple[int, int, bytes]]) -> None:
    blob = MANIFEST
    for position, length, replacement in edits:
        blob = blob[:position] + replacement[:8] + blob[position + length :]
    read = read_file(blob, "file.yaml", Bounds())
    assert {problem.problem for problem in read.problems} <= PROBLEMS
    assert read.is_complete == (not read.problems)


def test_documents_keep_their_index_beside_a_broken_one() -> None:
    read = read_documents(b"# comment\n---\na: 1\n---\na: [\n---\na: 3\n", Bounds())
    assert [(index, each.content, each.line) for index, each in read.documents] == [(0, {"a": 1}, 2), (2, {"a": 3}, 6)]
    assert [(each.document_index, each.problem) for each in read.problems] == [(1, "syntax")]
