"""Strategies that damage real files as disks, editors, merges and attackers do: the input of the fuzz tests."""

import re
from collections.abc import Sequence

from hypothesis import strategies as st

# fmt: off
TOKENS = st.sampled_from([
    b"---\n", b"\n---\n", b"...\n", b": ", b"- ", b"? ", b"&a ", b"*a ", b"*b ", b"<<: *a\n", b"<<: [*a, *a]\n",
    b"!!binary ",
    b"!!int ", b"! ", b"!x ", b"|\n", b">-\n", b"#", b"[", b"]", b"{", b"}", b", ", b"\t", b"\0", b"\x85",
    b"\xef\xbb\xbf", b"\xff",
    b"\xed\xa0\x80", b"\r", b'"', b"'", b"\\", b"%TAG ! x\n", b"{{ x }}", b"{% if %}", b"${A:=b}", b"${", b"@", b"`",
    b"~: 1\n",
    b"kind: List\nitems:\n", b"kind: Secret\n", b"sops: {mac: x}\n", b"kind: ENC[x]\n", b"apiVersion: v1\n",
    b"metadata: 1\n",
    b"name: {a: b}\n", b"spec: []\n", b"spec: x\n", b"namespace: [a]\n", b"1e308: x\n", b"9" * 30, b"9" * 5000,
    b".nan", b"\xe2\x80\xa8",
    b"path: ../../..\n", b"resources: [., .., /, '']\n", b"url: http://[\n", b"chart: 1.10\n", b"image: ':@'\n",
    b"tag: [1]\n",
    b"\xf0\x9f\x98\x80", b"\x7f", b"\\ud800", b"dependsOn: x\n", b"substitute: {a: 1}\n", b"values: 3\n", b"- \n",
    b"null",
])
# fmt: on
POSITIONS = st.floats(0, 1, exclude_max=True)


def _insert(blob: bytes, at: int, token: bytes) -> bytes:
    return blob[:at] + token + blob[at:]


def _flip(blob: bytes, at: int, number: int) -> bytes:
    return blob[:at] + bytes([number]) + blob[at + 1 :]


def _line_at(blob: bytes, at: int) -> tuple[int, int]:
    start = blob.rfind(b"\n", 0, at) + 1
    return start, (blob.find(b"\n", at) + 1) or len(blob)


def _indent(blob: bytes, at: int, spaces: int) -> bytes:
    """Move the lines from one position on by so many columns, as a wrong merge does."""
    start, _ = _line_at(blob, at)
    if spaces > 0:
        return blob[:start] + re.sub(rb"(?m)^(?=.)", b" " * spaces, blob[start:])
    return blob[:start] + re.sub(rb"(?m)^ {0,%d}" % -spaces, b"", blob[start:])


def _repeat_line(blob: bytes, at: int, times: int) -> bytes:
    start, end = _line_at(blob, at)
    return blob[:start] + blob[start:end] * times + blob[end:]


@st.composite
def damaged(draw: st.DrawFn, files: Sequence[bytes], most: int = 4) -> bytes:
    """One of the files, with up to `most` things done to it."""
    blob = draw(st.sampled_from(files))
    for _ in range(draw(st.integers(1, most))):
        at, way = int(draw(POSITIONS) * len(blob)), draw(st.integers(0, 7))
        if way == 0:
            blob = _flip(blob, at, draw(st.integers(0, 255)))
        elif way == 1:
            blob = blob[:at]
        elif way == 2:
            other = draw(st.sampled_from(files))
            blob = blob[:at] + other[int(draw(POSITIONS) * len(other)) :]
        elif way == 3:
            blob = _indent(blob, at, draw(st.sampled_from([-4, -2, -1, 1, 2, 3])))
        elif way == 4:
            blob = _repeat_line(blob, at, draw(st.sampled_from([0, 2, 3])))
        else:
            blob = _insert(blob, at, draw(TOKENS))
    return blob
