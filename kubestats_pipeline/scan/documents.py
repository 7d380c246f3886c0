"""One file to its YAML documents and its problems.

A broken document does not take its file's other documents along, and what cannot be read is told as a problem with
its class and line, never with its content. Which documents are Kubernetes resources is decided in `manifests.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kubestats_pipeline.scan.decode import Bounds, Decoded, DecodeError, decode_stream

FILE_NODES = 4
"""So many times the nodes of one document are read of all documents of a file together."""

_SEPARATOR = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_TEMPLATE_MARK = re.compile(rb"\{\{|\{%|#%|#\{|<%")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file, or one document of it, could not be read.

    Attributes:
        problem: syntax, template, too_large, too_complex, encoding or encrypted_kind.
        message: what is wrong and on which line; never a quotation.
        document_index: from 0; None where the whole file is meant.
    """

    problem: str
    message: str
    document_index: int | None = None


@dataclass(frozen=True, slots=True)
class Documents:
    """What a file holds: its readable documents by their index, and the problems of the others."""

    documents: tuple[tuple[int, Decoded], ...]
    problems: tuple[Problem, ...] = ()


def read_documents(blob: bytes, bounds: Bounds) -> Documents:
    """Decode a file, document by document where it must be.

    Time and memory are bounded by the size of the file, and by `FILE_NODES` where aliases expand it.
    """
    if len(blob) > bounds.max_bytes:
        message = f"{len(blob)} bytes, more than the {bounds.max_bytes} that are read"
        return Documents((), (Problem("too_large", message),))
    if (encoding := encoding_problem(blob)) is not None:
        return Documents((), (encoding,))
    try:
        documents = tuple(enumerate(_bounded(decode_stream(blob, bounds), bounds)))
    except DecodeError:
        return _read_one_by_one(blob, bounds)
    return Documents(documents)


def _bounded(documents: Iterator[Decoded], bounds: Bounds) -> Iterator[Decoded]:
    """Pass documents on until the whole file is too complex."""
    nodes = 0
    for document in documents:
        nodes += document.nodes
        if nodes > FILE_NODES * bounds.max_nodes:
            raise DecodeError("too_complex", "the documents of the file are too complex together", document.line)
        yield document


def encoding_problem(blob: bytes) -> Problem | None:
    """Why bytes are no text; None where they are. Files that git-crypt locks are of this sort."""
    if blob.startswith(_UTF16):
        return None
    if b"\0" in blob:
        return Problem("encoding", "holds NUL bytes, so it is no text")
    try:
        blob.decode("utf-8")
    except UnicodeDecodeError as error:
        line = blob.count(b"\n", 0, error.start) + 1
        return Problem("encoding", f"line {line} is not UTF-8")
    return None


def _read_one_by_one(blob: bytes, bounds: Bounds) -> Documents:
    """Cut the file at its document markers, so that each document stands and falls alone."""
    documents: list[tuple[int, Decoded]] = []
    problems: list[Problem] = []
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(blob) if match.start() > 0)]
    first_line, left = 1, FILE_NODES * bounds.max_nodes
    for start, end in zip(starts, [*starts[1:], len(blob)], strict=True):
        chunk = blob[start:end]
        index = len(documents) + len(problems)
        allowed = replace(bounds, max_nodes=min(bounds.max_nodes, left))
        try:
            read = list(decode_stream(chunk, allowed, first_line))
            documents += enumerate(read, index)
            left -= sum(document.nodes for document in read)
        except DecodeError as error:
            problems.append(_problem(error, chunk, index))
            left -= allowed.max_nodes if error.problem == "too_complex" else 0
        first_line += chunk.count(b"\n")
    return Documents(tuple(documents), tuple(problems))


def _problem(error: DecodeError, chunk: bytes, index: int) -> Problem:
    where = f"line {error.line}: " if error.line else ""
    if error.problem == "syntax" and _TEMPLATE_MARK.search(chunk):
        return Problem("template", f"{where}a template, not YAML", index)
    return Problem(error.problem, where + error.message, index)
