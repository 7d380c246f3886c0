"""One file to its YAML documents and its problems.

The other documents of a file are read even if one is broken. A document that cannot be read becomes a problem with a
class and a line, never with content. `manifests.py` decides which documents are Kubernetes resources.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kubestats_pipeline.lake.vocabulary import ProblemClass
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.encoding import to_text
from kubestats_pipeline.scan.documents.plain_lines import decode_plain
from kubestats_pipeline.scan.documents.stream import decode_stream

FILE_NODES = 4
"""Bound of the nodes of all documents of a file, as a multiple of the bound of one document."""

NODES_A_BYTE, SPARE_NODES = 2, 10_000
"""Nodes that a file may have in proportion to its size, so that time and memory are linear in its size even with
aliases. A file without aliases has at most one node a byte, and real manifests with them have up to 0.2.
"""

MAX_DOCUMENTS = 10_000
"""Documents that are read of one file. The largest bundle of the corpora has a few hundred."""

ENCODING_REPLACED: Final = "encoding_replaced"
"""The class of a problem that hides nothing: the file was read, with U+FFFD in place of bytes that are not text."""

NOT_BUILT: Final = "not_built"
"""The class of a problem of a kustomization that was read, but that kustomize refuses to build."""

MAX_DIRECTIVES = 1_000
"""Lines that begin with a percent sign. They are bounded because libyaml compares every `%TAG` with all before it."""

_SEPARATOR = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_TEMPLATE_MARK = re.compile(rb"\{\{|\{%|\{#|#%|#\{|<%")
_IN_MARKS_AND_BLOCKS = tuple(b"{%|>")
"""One of these stands in every line with a mark of a template, or with the beginning of a block text."""
_NO_MARK_COUNTS = re.compile(rb"\"(?:[^\"\\]|\\.)*(?:\"|\\?$)|'[^']*(?:'|$)|(?:^|(?<=[ \t]))#[ \t].*")
"""Quoted texts and comments of one line."""
_MARK_AFTER_SEPARATOR = re.compile(rb"(---[ \t]*\r?\n)\xef\xbb\xbf")


PROBLEMS: tuple[ProblemClass, ...] = (
    "syntax",
    "template",
    "too_large",
    "too_complex",
    "encoding",
    ENCODING_REPLACED,
    "encrypted_kind",
    NOT_BUILT,
)
"""All classes of problems."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason why a file, or one document of it, could not be read.

    Attributes:
        problem: one of `PROBLEMS`.
        message: the line and the error, without quotations of the file.
        document_index: from 0, or None for the whole file.
    """

    problem: ProblemClass
    message: str
    document_index: int | None = None

    @property
    def hides_resources(self) -> bool:
        """True if a document could not be read because of it, so that its resources are unknown."""
        return self.problem not in (ENCODING_REPLACED, NOT_BUILT)


@dataclass(frozen=True, slots=True)
class Documents:
    """The readable documents of a file with their indices, and the problems of the others."""

    documents: tuple[tuple[int, Decoded], ...]
    problems: tuple[Problem, ...] = ()


def read_documents(blob: bytes, bounds: Bounds, *, with_blocks: bool = False) -> Documents:
    """Decode a file. If it has a broken document, decode its documents one by one. Time and memory are linear in size.

    Only documents of a file without problems have blocks.
    """
    if len(blob) > bounds.max_bytes:
        message = f"{len(blob)} bytes, more than the {bounds.max_bytes} that are read"
        return Documents((), (Problem("too_large", message),))
    text, replaced_line = to_text(blob)
    found = _read_text(text, bounds, with_blocks=with_blocks)
    if replaced_line is None or any(problem.problem == "encoding" for problem in found.problems):
        return found
    return replace(found, problems=(*found.problems, _replaced(replaced_line)))


def _read_text(text: bytes, bounds: Bounds, *, with_blocks: bool) -> Documents:
    if not text.endswith(b"\n"):
        text += b"\n"  # as kubectl does, because it makes a block text at the end of the file end in a line break
    budget = _budget(len(text), bounds)
    if text.count(b"\n%") > MAX_DIRECTIVES:
        message = f"more than {MAX_DIRECTIVES} lines that begin with %, as directives do"
        return Documents((), (Problem("too_complex", message),))
    if b"\0" not in text:
        allowed = _within(bounds, budget)
        try:
            plain = None if with_blocks else decode_plain(text, allowed)
            decoded = decode_stream(text, allowed, with_blocks=with_blocks) if plain is None else plain
            return Documents(tuple(enumerate(_bounded(decoded, budget))))
        except DecodeError:
            pass  # its other documents can be read one by one
    return _read_one_by_one(text, bounds, budget)


def _budget(size: int, bounds: Bounds) -> int:
    """Nodes that a file of so many bytes may have."""
    return min(FILE_NODES * bounds.max_nodes, SPARE_NODES + NODES_A_BYTE * size)


def is_bounded(nodes: Sequence[int], size: int, bounds: Bounds) -> bool:
    """True if a file of `size` bytes, with its last line end, may have documents with these numbers of nodes."""
    return max(nodes) <= bounds.max_nodes and sum(nodes) <= _budget(size, bounds)


def _within(bounds: Bounds, budget: int) -> Bounds:
    return Bounds(bounds.max_bytes, min(bounds.max_nodes, budget), bounds.max_depth)


def _bounded(documents: Iterable[Decoded], budget: int) -> Iterator[Decoded]:
    """Pass documents on until the whole file is too complex."""
    nodes = 0
    for count, document in enumerate(documents, 1):
        nodes += document.nodes
        if nodes > budget or count > MAX_DOCUMENTS:
            raise DecodeError("too_complex", "the documents of the file are too complex together", document.line)
        yield document


def encoding_problem(blob: bytes) -> Problem | None:
    """The problem of a file that is not parsed if its bytes are not text, else None."""
    text, replaced_line = to_text(blob)
    return _nul_problem(text) or (_replaced(replaced_line) if replaced_line is not None else None)


def _nul_problem(text: bytes, index: int | None = None, first_line: int = 1) -> Problem | None:
    """The problem of a text with NUL bytes. A file that git-crypt has locked begins with one."""
    nul = text.find(b"\0")
    if nul < 0:
        return None
    line = first_line + text.count(b"\n", 0, nul)
    return Problem("encoding", f"line {line}: holds NUL bytes, so it is not text", index)


def _replaced(line: int) -> Problem:
    message = f"line {line}: holds bytes that are not text and were read as U+FFFD, save the file as UTF-8"
    return Problem(ENCODING_REPLACED, message)


class _OneByOne:
    """Reads a file in pieces between its document markers, so that a broken document hides no other one."""

    def __init__(self, bounds: Bounds, budget: int) -> None:
        self._bounds = bounds
        self._budget = budget
        self.documents: list[tuple[int, Decoded]] = []
        self.problems: list[Problem] = []

    @property
    def index(self) -> int:
        """The index of the next document."""
        return len(self.documents) + len(self.problems)

    def read(self, chunk: bytes, first_line: int) -> None:
        """Read a piece from one marker to the next: one document, or in rare cases several that end with `...`."""
        if (unreadable := _nul_problem(chunk, self.index, first_line)) is not None:
            self.problems.append(unreadable)
            return
        allowed = _within(self._bounds, self._budget)
        try:
            text = _MARK_AFTER_SEPARATOR.sub(rb"\1", chunk, count=1)
            for document in decode_plain(text, allowed, first_line) or decode_stream(text, allowed, first_line):
                self.documents.append((self.index, document))
                self._budget -= document.nodes
        except DecodeError as error:
            self.problems.append(_problem(error, chunk, self.index))
            self._budget -= allowed.max_nodes if error.problem == "too_complex" else 0


def _read_one_by_one(text: bytes, bounds: Bounds, budget: int) -> Documents:
    reader = _OneByOne(bounds, budget)
    starts = [0, *(match.start() for match in _SEPARATOR.finditer(text) if match.start() > 0)]
    first_line = 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        if reader.index >= MAX_DOCUMENTS:
            message = f"line {first_line}: more than {MAX_DOCUMENTS} documents in one file"
            reader.problems.append(Problem("too_complex", message, reader.index))
            break
        reader.read(text[start:end], first_line)
        first_line += text.count(b"\n", start, end)
    return Documents(tuple(reader.documents), tuple(reader.problems))


def _problem(error: DecodeError, chunk: bytes, index: int) -> Problem:
    where = f"line {error.line}: " if error.line else ""
    if error.problem == "syntax" and _is_template(chunk):
        return Problem("template", f"{where}a template, not YAML", index)
    return Problem(error.problem, where + error.message, index)


def _is_template(chunk: bytes) -> bool:
    """True if marks of a template language are outside quotes, comments and block texts, where they are usual."""
    passing: int | None = None
    for line in chunk.split(b"\n"):
        if passing is not None and (len(line) - len(line.lstrip(b" ")) > passing or not line.strip()):
            continue
        if not any(map(line.__contains__, _IN_MARKS_AND_BLOCKS)):
            passing = None
            continue
        bare = _NO_MARK_COUNTS.sub(b"", line)
        if _TEMPLATE_MARK.search(bare):
            return True
        passing = _block_text_column(bare)
    return False


def _block_text_column(line: bytes) -> int | None:
    """The column of the parent of a block text that begins at the end of a line, or None if none begins there.

    The text is indented further than this column. The line is read from its end, so that the time is linear in its
    length.
    """
    head = line.rstrip(b" \t\r").rstrip(b"-+0123456789")
    if not head.endswith((b"|", b">")):
        return None
    body = head[:-1].rstrip(b" ")
    for _ in range(2):  # an anchor and a tag may come before it
        start = body.rfind(b" ") + 1
        if body[start : start + 1] in (b"&", b"!"):
            body = body[:start].rstrip(b" ")
    content = body.lstrip(b" -")
    if content:
        return len(body) - len(content) if content.endswith((b":", b"-")) else None
    if body == b"---":
        return -1
    return body.rfind(b"-") if body else len(line) - len(line.lstrip(b" "))
