"""Bytes that are no text: what kubectl makes of them, where they stand, and that nothing is lost by them."""

from pathlib import Path

import pytest

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.file import read_documents
from kubestats_pipeline.scan.values.merge import read_values
from kubestats_pipeline_tests.scan.documents.oracle import ask, needs_kubectl
from kubestats_pipeline_tests.scan.world import World, read

HEAD = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

REPLACED: dict[str, tuple[bytes, str]] = {
    "a plain text": (b"data:\n  k: a\xe9b\n", "a\ufffdb"),
    "double quotes": (b'data:\n  k: "a\xe9b"\n', "a\ufffdb"),
    "single quotes": (b"data:\n  k: 'a\xe9b'\n", "a\ufffdb"),
    "a block text": (b"data:\n  k: |\n    a\xe9b\n    c\n", "a\ufffdb\nc\n"),
    "a folded text": (b"data:\n  k: >\n    a\xe9b\n    c\n", "a\ufffdb c\n"),
    "flow": (b"data: {k: a\xe9b}\n", "a\ufffdb"),
    "a comment": (b"# caf\xe9\ndata:\n  k: ab\n", "ab"),
    "a comment behind a value": (b"data:\n  k: ab # caf\xe9\n", "ab"),
    "another key": (b"data:\n  k: ab\n  \xe9: x\n", "ab"),
    "the end of a line": (b"data:\n  k: ab\xe9\n  l: x\n", "ab\ufffd"),
    "two bytes": (b"data:\n  k: a\xe9\xe8b\n", "a\ufffd\ufffdb"),
    "a character that is cut": (b"data:\n  k: a\xe2\x82b\n", "a\ufffdb"),
    "a longer one that is cut": (b"data:\n  k: a\xf0\x9f\x98b\n", "a\ufffdb"),
    "an overlong form": (b"data:\n  k: a\xc0\xafb\n", "a\ufffd\ufffdb"),
    "a surrogate": (b"data:\n  k: a\xed\xa0\x80b\n", "a\ufffd\ufffd\ufffdb"),
    "beyond Unicode": (b"data:\n  k: a\xf4\x90\x80\x80b\n", "a\ufffd\ufffd\ufffd\ufffdb"),
    "a lone continuation": (b"data:\n  k: a\x85b\n", "a\ufffdb"),
    "half a pair in UTF-16": (b"data: {k: a\0\xd8b}\n", "a\ufffdb"),
    "the end of a file in UTF-16": (b"data: {k: a}\n#\0", "a"),
}  # fmt: skip
"""What stands after a manifest's head, and the text under its key `k`."""

REJECTED: dict[str, bytes] = {
    "a control character": b"data:\n  k: a\x01b\n",
    "a control character in quotes": b'data:\n  k: "a\x1bb"\n',
    "a control character in a comment": b"# \x7f\ndata:\n  k: ab\n",
    "NUL": b"data:\n  k: a\0b\n",
    "NUL in a comment": b"# \0\ndata:\n  k: ab\n",
    "a control character beyond ASCII": b"data:\n  k: a\xc2\x80b\n",
    "a character that is none": b"data:\n  k: a\xef\xbf\xbeb\n",
    "an anchor": b"data:\n  k: &a\xe9 x\n",
    "a tag": b"data:\n  k: !a\xe9 x\n",
}


def manifest(name: str) -> bytes:
    rest = REPLACED[name][0] if name in REPLACED else REJECTED[name]
    if "UTF-16" not in name:
        return HEAD + rest
    text, odd, end = rest.partition(b"\0\xd8")
    lone = b"\0\xd8" if odd else b""
    halves = (b"\xff\xfe", (HEAD + text.rstrip(b"\0")).decode().encode("utf-16-le"), lone)
    return b"".join(halves) + (end.decode().encode("utf-16-le") or b"x")


@pytest.mark.parametrize("name", REPLACED)
def test_bytes_that_are_no_text_are_replaced_and_told(name: str):
    found = read_documents(manifest(name), Bounds())
    assert [each.problem for each in found.problems] == ["encoding_replaced"]
    ((_, document),) = found.documents
    assert document.content["data"]["k"] == REPLACED[name][1]
    content = read(manifest(name))
    assert (len(content.manifests), content.is_complete) == (1, True)


@pytest.mark.parametrize("name", REJECTED)
def test_what_kubectl_rejects_stays_a_problem(name: str):
    content = read(manifest(name))
    assert not content.is_complete
    assert {each.problem for each in content.problems} <= {"encoding", "encoding_replaced", "syntax"}


@needs_kubectl
def test_kubectl_reads_the_same(tmp_path: Path):
    names = [*REPLACED, *REJECTED]
    for name, theirs in zip(names, ask([manifest(name) for name in names], tmp_path), strict=True):
        assert (theirs is None) == (name in REJECTED), name
        if theirs is not None:
            assert theirs[0]["data"]["k"] == REPLACED[name][1]


def test_the_line_and_nothing_else_is_told():
    (problem,) = read(HEAD + b"data:\n  k: hunter\xe9\n---\n\xe8\n").problems
    assert problem.message.startswith("line 5: ")
    assert "hunter" not in problem.message


def test_an_odd_byte_in_one_document_of_a_broken_file_keeps_the_others():
    content = read(HEAD + b"---\na: [\n---\n" + HEAD.replace(b"name: a", b"name: b") + b"# \xe9\n")
    assert [each.key.name for each in content.manifests] == ["a", "b"]
    assert {each.problem for each in content.problems} == {"syntax", "encoding_replaced"}
    assert not content.is_complete


def test_a_resource_stays_active_when_an_odd_byte_comes_and_goes(tmp_path: Path):
    world = World(tmp_path)
    world.git.commit({"a.yaml": HEAD + b"data: {k: a}\n"})
    world.git.commit({"a.yaml": HEAD + b"data: {k: a} # caf\xe9\n"})
    world.scan()
    assert [row["status"] for row in world.resources] == ["ACTIVE"]
    assert [row["event_type"] for row in world.events] == ["CREATED"]
    assert [row["problem"] for row in world.problems] == ["encoding_replaced"]
    world.git.commit({"a.yaml": HEAD + b"data: {k: b}\n"})
    world.scan()
    assert [row["event_type"] for row in world.events] == ["CREATED", "MODIFIED"]
    assert world.problems == []


def test_helm_does_not_read_such_values():
    assert read_values(b"k: caf\xe9\n", Bounds()).problem.problem == "encoding"
