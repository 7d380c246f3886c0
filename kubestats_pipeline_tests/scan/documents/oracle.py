"""kubectl as the oracle for YAML: what it reads in files, many files a call, without a cluster.

`kubectl patch --local` with an empty patch prints any manifest as JSON, kinds that it has never heard of included.
`annotate` would do as well, but drops annotations that are no text.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.file import read_documents

KUBECTL = shutil.which("kubectl")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl, the oracle, is not installed")

FILES_A_CALL = 100
_COMMAND = ("patch", "--local", "--type", "json", "--patch", "[]", "--output", "json")
_NEXT = "kind: Next\napiVersion: v1\nmetadata: {name: next}\n"
_NOT_BLANK = re.compile(r"\S")
_REJECTED = re.compile(r"^(?:error: )?(?:error parsing|unable to decode) \"?[^\s:\"]*/(\d+)\.yaml\"?:", re.MULTILINE)


def ask(files: Sequence[bytes], folder: Path) -> Iterator[list[Any] | None]:
    """What kubectl reads in each file: its resources, those of Lists one by one; None where it rejects the file."""
    folder.mkdir(exist_ok=True)
    for start in range(0, len(files), FILES_A_CALL):
        yield from _ask_together(files[start : start + FILES_A_CALL], folder)


def read_by_us(file: bytes) -> list[Any] | None:
    """The same, as `read_documents` reads it; None where the file has a problem."""
    read = read_documents(file, Bounds())
    if read.problems:
        return None
    return [resource for _, each in read.documents if each.content is not None for resource in _expand(each.content)]


def as_json(value: Any) -> str:
    """JSON to compare by: keys sorted, an integer told from a float."""
    return json.dumps(value, sort_keys=True)


def _ask_together(files: Sequence[bytes], folder: Path) -> list[list[Any] | None]:
    """Ask about each file with a marker after it, so that what is printed can be told apart."""
    assert KUBECTL is not None
    marker = folder / "next.yaml"
    marker.write_text(_NEXT)
    command = [KUBECTL, *_COMMAND]
    for number, content in enumerate(files):
        file = folder / f"{number}.yaml"
        file.write_bytes(content)
        command += ["--filename", str(file), "--filename", str(marker)]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    rejected = {int(name) for name in _REJECTED.findall(done.stderr.decode())}
    found: list[list[Any]] = [[]]
    for resource in _values(done.stdout.decode()):
        if resource.get("kind") == "Next":
            found.append([])
        else:
            found[-1].append(resource)
    assert len(found) == len(files) + 1, done.stderr.decode()[:500]
    return [None if number in rejected else each for number, each in enumerate(found[:-1])]


def _values(text: str) -> Iterator[Any]:
    """The JSON values of a stream."""
    decoder, position = json.JSONDecoder(parse_int=_integer), 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        following = _NOT_BLANK.search(text, position)
        position = following.start() if following else len(text)


def _integer(digits: str) -> int | float:
    """Beyond 64 bits Kubernetes holds a float, although its JSON shows all digits."""
    return int(digits) if -(2**63) <= int(digits) < 2**63 else float(digits)


def _expand(content: Any) -> Iterator[Any]:
    """A document, or the items of a List, as kubectl visits them."""
    items = content.get("items") if isinstance(content, dict) else None
    if isinstance(items, list) and items:
        for item in items:
            yield from _expand(item)
    else:
        yield content
