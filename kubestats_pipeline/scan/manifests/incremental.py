"""Reads a file as an edit of its version before, so that a change costs what it changes and not the whole file.

The lines that differ are looked for in the blocks of the version before (`decoded.Block`, `line_diff.py`). Another
scalar under a key is put in the old one's place; otherwise the smallest blocks that the lines stand in are decoded
alone, and their values put in the place of the old ones. Whatever else the file says stays. Everything else, and every
file with a problem, is read anew: the result is always that of `read_file`.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from kubestats_pipeline.redaction.redact import DependsError, redact_part
from kubestats_pipeline.scan.documents.document import Anchor, Block, Bounds, Decoded, Place, decode_entry
from kubestats_pipeline.scan.documents.encoding import to_text
from kubestats_pipeline.scan.documents.file import is_bounded
from kubestats_pipeline.scan.documents.line_diff import Edit, differences, enclosing, is_by_lines, moved, with_other
from kubestats_pipeline.scan.documents.number_spelling import value_at
from kubestats_pipeline.scan.documents.stream import decode_block
from kubestats_pipeline.scan.kustomize.kustomization import read_kustomization
from kubestats_pipeline.scan.manifests.manifests import (
    NAMED_FILES,
    FileContent,
    ReadDocument,
    declared_by,
    may_declare,
    read_document,
    read_file,
    read_with_documents,
)

KEPT_FILES, KEPT_BYTES = 2_000, 3_000_000
"""Files whose last version is kept, and their bytes together, which as documents take many times as much."""

LARGEST_KEPT = 300_000
"""Bytes of a file that is worth so much memory."""

WORTHWHILE = 1_000
"""Files that are read before versions are remembered: a tip, or the start of a scan that goes on, has none to edit."""

_AT_MARGIN = re.compile(rb"^[^ #\n]", re.MULTILINE)
"""Where a document marker or directive could stand."""
_ALIAS = re.compile(rb"\*([\w-]+)")
_COMMENT = re.compile(rb" *(?:#[ -~]*)?")


class _Edited(NamedTuple):
    """An edit, a block that it stays in, and the index of its document."""

    edit: Edit
    document: int
    block: Block


@dataclass(frozen=True, slots=True)
class _Version:
    """A version of a file.

    Attributes:
        lines: its text, of so many bytes.
        documents: what it holds; their values change when the next version is read.
    """

    lines: list[bytes]
    bytes: int
    documents: list[ReadDocument]
    content: FileContent


@dataclass
class Revisions:
    """Reads the versions of files, and remembers the last one of each that can be edited.

    Attributes:
        unremembered: how many files are read before that.
    """

    bounds: Bounds
    unremembered: int = WORTHWHILE
    _last: OrderedDict[str, _Version] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def read(self, path: str, blob: bytes, file_name: str) -> FileContent:
        """What a blob says that stands in a file; `file_name` is empty where that says nothing."""
        if self.unremembered:
            self.unremembered -= 1
            return read_file(blob, file_name, self.bounds)
        before = self._forget(path)
        largest = min(LARGEST_KEPT, self.bounds.max_bytes)
        if file_name in NAMED_FILES or len(blob) > largest or not is_by_lines(blob):
            return read_file(blob, file_name, self.bounds)
        lines = blob.removesuffix(b"\n").split(b"\n")
        version = None
        if before is not None and may_declare(blob, file_name):
            version = _read_edits(before, lines, self.bounds)
        if version is None:
            content, documents = read_with_documents(blob, file_name, self.bounds, with_blocks=True)
            version = _Version(lines, len(blob), documents, content)
        if version.documents and not version.content.problems and version.content.kustomize is None:
            self._keep(path, version)
        return version.content

    def _forget(self, path: str) -> _Version | None:
        version = self._last.pop(path, None)
        if version is not None:
            self._bytes -= version.bytes
        return version

    def _keep(self, path: str, version: _Version) -> None:
        self._last[path] = version
        self._bytes += version.bytes
        while len(self._last) > KEPT_FILES or self._bytes > KEPT_BYTES:
            self._forget(next(iter(self._last)))


def _read_edits(before: _Version, lines: list[bytes], bounds: Bounds) -> _Version | None:
    """The next version of a file; None where it must be read anew, after which the one before is of no use."""
    edits = differences(before.lines, lines)
    documents = list(before.documents)
    touched, larger = set[int](), list[_Edited]()
    for edit in edits:
        if _is_header(before, edit):
            continue
        around = _enclosing(before, edit, lines)
        smallest = next(around, None)
        if smallest is None:
            return None
        touched.add(smallest.document)
        with_entry = _put_entry(documents[smallest.document], smallest, before.lines)
        if with_entry is not None:
            documents[smallest.document] = with_entry
        elif (found := next((each for each in (smallest, *around) if each.block.is_separable), None)) is not None:
            larger.append(found)
        else:
            return None
    for each in reversed(_outermost(larger)):  # so that the anchors of those before stay where they are
        part = _decode(each, lines, documents[each.document].decoded, bounds)
        if part is None:
            return None
        documents[each.document] = _put(documents[each.document], each, part)
    size = sum(map(len, lines)) + len(lines)
    if not is_bounded([each.decoded.nodes for each in documents], size, bounds):
        return None
    for index in touched:
        documents[index] = read_document(documents[index].decoded, "", documents[index].stored)
        if read_kustomization(documents[index].decoded, named=False) is not None:
            return None
    for edit in edits:
        if edit.shift:  # then it is the only one
            documents = [each if index in touched else _moved(each, edit) for index, each in enumerate(documents)]
    return _Version(lines, size, documents, FileContent(declared_by(documents)))


def _is_header(before: _Version, edit: Edit) -> bool:
    """Whether an edit concerns comments before the content of a document only."""
    if not all(_COMMENT.fullmatch(line) for line in (*before.lines[edit.start : edit.end], *edit.lines)):
        return False
    first, *others = (each.decoded for each in before.documents)
    return edit.end < first.first_line or any(each.line <= edit.start and edit.end < each.first_line for each in others)


def _enclosing(before: _Version, edit: Edit, lines: list[bytes]) -> Iterator[_Edited]:
    for index, document in enumerate(before.documents):
        for block in enclosing(document.decoded.blocks, edit, before.lines, lines):
            yield _Edited(edit, index, block)


def _outermost(edited: list[_Edited]) -> list[_Edited]:
    """Without the blocks inside of others, which are decoded with those."""
    kept: list[_Edited] = []
    for each in sorted(edited, key=lambda each: (each.document, each.block.start, -each.block.end)):
        if not kept or kept[-1].document != each.document or kept[-1].block.end <= each.block.start:
            kept.append(each)
    return kept


def _put_entry(document: ReadDocument, edited: _Edited, before: list[bytes]) -> ReadDocument | None:
    """Put another scalar under a key of a mapping, if an edit does no more than that.

    Returns:
        None where it does more; then all is left as it is.
    """
    edit, block = edited.edit, edited.block
    if edit.shift or len(edit.lines) > 1:
        return None
    old, new = decode_entry(before[edit.start]), decode_entry(edit.lines[0])
    if old is None or new is None or new.key != block.entries.get(edit.start + 1 - block.start):
        return None
    if (old.key, old.column, old.nodes) != (new.key, new.column, new.nodes) or new.column != block.column:
        return None
    decoded = document.decoded
    mapping = value_at(decoded.content, block.place)
    mapping[new.key] = new.value
    decoded.keep_written(mapping, new)
    stored = None
    if block.is_separable:
        stored = _with_copy(document, (*block.place, new.key)) or _with_copy(document, block.place)
    return ReadDocument(decoded, document.manifests, stored)


def _with_copy(document: ReadDocument, place: Place) -> dict[str, Any] | None:
    """What is stored of a document, when what stands at a place has changed; None where all must be copied anew."""
    stored, content = document.stored, document.decoded.content
    if stored is None:
        return None
    *parent, step = place
    try:
        value_at(stored, tuple(parent))[step] = redact_part(content, place, value_at(content, place))
    except DependsError:
        return None
    return stored


def _decode(edited: _Edited, lines: list[bytes], document: Decoded, bounds: Bounds) -> Decoded | None:
    """What stands in a block now; None where that concerns the rest of the document too."""
    block = edited.block
    end = block.end - 1 + edited.edit.shift
    first, *others = lines[block.start - 1 : end]
    text = b"\n".join([b" " * block.column + first[block.column :], *others, b""])
    if _AT_MARGIN.search(text) or to_text(text).replaced_line is not None:
        return None
    part = decode_block(text, block, document, bounds)
    if part is None or _is_referred_to(document.anchors[slice(*block.anchors)], part.anchors, lines[end:]):
        return None
    return part


def _is_referred_to(before: list[Anchor], after: list[Anchor], lines: list[bytes]) -> bool:
    """Whether some lines may refer to anchors that stand for something else than before."""
    if repr(before) == repr(after) and not any(isinstance(each.value, dict | list) for each in after):
        return False
    names = {each.name.encode() for each in (*before, *after)}
    return any(not names.isdisjoint(_ALIAS.findall(line)) for line in lines if b"*" in line)


def _put(document: ReadDocument, edited: _Edited, part: Decoded) -> ReadDocument:
    """Put another value in a block's place; what the document declares is still to be read."""
    decoded, block = document.decoded, edited.block
    *parent, step = block.place
    value_at(decoded.content, tuple(parent))[step] = part.content
    written = decoded.written | part.written
    if written:
        live = {id(each) for each in _mappings(decoded.content)}  # another mapping may have a former one's id next
        written = {key: texts for key, texts in written.items() if key in live}
    first, last = block.anchors
    anchors = [*decoded.anchors[:first], *part.anchors, *decoded.anchors[last:]]
    nodes = decoded.nodes + part.nodes - block.nodes
    blocks = list(with_other(decoded.blocks, block, part, edited.edit))
    changed = replace(decoded, nodes=nodes, written=written, blocks=blocks, anchors=anchors)
    return ReadDocument(changed, document.manifests, _with_copy(document, block.place))


def _moved(document: ReadDocument, edit: Edit) -> ReadDocument:
    """A document of which only the lines change, because of an edit elsewhere or in its header."""
    decoded = document.decoded
    if decoded.first_line <= edit.end:
        return document
    line, first_line = edit.moved(decoded.line), edit.moved(decoded.first_line)
    blocks = [moved(block, edit) for block in decoded.blocks]
    changed = replace(decoded, line=line, first_line=first_line, blocks=blocks)
    return ReadDocument(changed, document.manifests, document.stored)


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        yield from (inner for item in value.values() for inner in _mappings(item))
    elif isinstance(value, list):
        yield from (inner for item in value for inner in _mappings(item))
