"""Incremental reading: read a file as an edit of its last version, so that the cost is that of the change.

The lines that differ are found (`line_diff.py`), and with them the smallest blocks of the last version that hold them
(`document.Block`). If only the scalar of a key has changed, its value is replaced. Otherwise these blocks are decoded
alone, and their values replace the old ones. The rest of the file is kept. If this is not possible, or if the file has
a problem, all of it is read again. So the result is always that of `read_file`.
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
from kubestats_pipeline.scan.manifests.embedded import special_name
from kubestats_pipeline.scan.manifests.manifests import (
    FileContent,
    ReadDocument,
    are_resources,
    declared_by,
    lines_of,
    may_declare,
    read_document,
    read_file,
    read_with_documents,
)

KEPT_FILES, KEPT_BYTES = 2_000, 3_000_000
"""Files whose last version is kept, and their bytes together. As documents they take many times as much memory."""

LARGEST_KEPT = 300_000
"""Bytes of the largest file whose last version is kept."""

READ_BEFORE_KEEPING = 1_000
"""Files that are read before the first version of any is kept. A scan of a tip, or the start of a scan that continues,
reads each file once, so that a kept version would have no use. One that is read again is kept from then on.
"""

_AT_MARGIN = re.compile(rb"^[^ #\n]", re.MULTILINE)
"""A line that could be a document marker or a directive."""
_ALIAS = re.compile(rb"\*([\w-]+)")
_COMMENT = re.compile(rb" *(?:#[ -~]*)?")


class _BlockEdit(NamedTuple):
    """An edit, a block that holds it completely, and the index of its document."""

    edit: Edit
    document: int
    block: Block


@dataclass(frozen=True, slots=True)
class _KeptVersion:
    """The last version of a file.

    Attributes:
        lines: its text.
        bytes: the size of the text.
        documents: its documents. Their values are changed in place when the next version is read.
        content: the result of reading it.
    """

    lines: list[bytes]
    bytes: int
    documents: list[ReadDocument]
    content: FileContent


@dataclass
class IncrementalReader:
    """Reads versions of files, and keeps the last version of every file that can be edited.

    Attributes:
        bounds: size limits.
        read_before_keeping: the number of files that are still to be read before versions are kept.
    """

    bounds: Bounds
    read_before_keeping: int = READ_BEFORE_KEEPING
    _read_once: set[str] = field(default_factory=set)
    _last: OrderedDict[str, _KeptVersion] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def read(self, path: str, blob: bytes, file_name: str) -> FileContent:
        """The content of a blob in a file.

        Args:
            path: of the file.
            blob: its bytes.
            file_name: the special name of the file, or an empty text.
        """
        if self.read_before_keeping and path not in self._read_once:
            self.read_before_keeping -= 1
            self._read_once.add(path)
            return read_file(blob, file_name, self.bounds)
        before = self._forget(path)  # also if it is of no use, because reading the next version changes it in place
        largest = min(LARGEST_KEPT, self.bounds.max_bytes)
        if special_name(file_name) or len(blob) > largest or not is_by_lines(blob):
            return read_file(blob, file_name, self.bounds)
        lines = blob.removesuffix(b"\n").split(b"\n")
        version = None
        if before is not None and may_declare(blob, file_name):
            version = _read_edits(before, lines, self.bounds)
        if version is None:
            content, documents = read_with_documents(blob, file_name, self.bounds, with_blocks=True)
            version = _KeptVersion(lines, len(blob), documents, content)
        if version.documents and not version.content.problems and version.content.kustomize is None:
            self._keep(path, version)
        return version.content

    def _forget(self, path: str) -> _KeptVersion | None:
        version = self._last.pop(path, None)
        if version is not None:
            self._bytes -= version.bytes
        return version

    def _keep(self, path: str, version: _KeptVersion) -> None:
        self._last[path] = version
        self._bytes += version.bytes
        while len(self._last) > KEPT_FILES or self._bytes > KEPT_BYTES:
            self._forget(next(iter(self._last)))


def _read_edits(before: _KeptVersion, lines: list[bytes], bounds: Bounds) -> _KeptVersion | None:
    """The next version of a file, made of the last one in place. None if the file must be read again."""
    edits = differences(before.lines, lines)
    documents = list(before.documents)
    touched, larger = set[int](), list[_BlockEdit]()
    for edit in edits:
        if _is_header(before, edit):
            continue
        around = _enclosing(before, edit, lines)
        smallest = next(around, None)
        if smallest is None:
            return None
        touched.add(smallest.document)
        # Replacing one scalar is the cheapest. If that is not possible, decode a block that does not depend on others.
        with_entry = _put_entry(documents[smallest.document], smallest, before.lines)
        if with_entry is not None:
            documents[smallest.document] = with_entry
        elif (found := next((edited for edited in (smallest, *around) if edited.block.is_separable), None)) is not None:
            larger.append(found)
        else:
            return None
    # From the last to the first, so that the anchors before a block keep their indices.
    for edited in reversed(_outermost(larger)):
        part = _decode(edited, lines, documents[edited.document].decoded, bounds)
        if part is None:
            return None
        documents[edited.document] = _put(documents[edited.document], edited, part)
    size = sum(map(len, lines)) + len(lines)
    if not is_bounded([document.decoded.nodes for document in documents], size, bounds):
        return None
    for index in touched:
        documents[index] = read_document(documents[index].decoded, "", documents[index].stored)
        if read_kustomization(documents[index].decoded, named=False) is not None:
            return None
    for edit in edits:
        if edit.shift:  # then it is the only edit
            documents = [
                document if index in touched else _moved(document, edit) for index, document in enumerate(documents)
            ]
    others_are_resources = before.content.reads_alike
    reads_alike = are_resources([documents[index] for index in touched] if others_are_resources else documents)
    content = FileContent(declared_by(documents), reads_alike=reads_alike, lines=lines_of(documents))
    return _KeptVersion(lines, size, documents, content)


def _is_header(before: _KeptVersion, edit: Edit) -> bool:
    """True if an edit only changes comments before the content of a document."""
    if not all(_COMMENT.fullmatch(line) for line in (*before.lines[edit.start : edit.end], *edit.lines)):
        return False
    first, *others = (document.decoded for document in before.documents)
    return edit.end < first.first_line or any(
        document.line <= edit.start and edit.end < document.first_line for document in others
    )


def _enclosing(before: _KeptVersion, edit: Edit, lines: list[bytes]) -> Iterator[_BlockEdit]:
    for index, document in enumerate(before.documents):
        for block in enclosing(document.decoded.blocks, edit, before.lines, lines):
            yield _BlockEdit(edit, index, block)


def _outermost(edited: list[_BlockEdit]) -> list[_BlockEdit]:
    """The edited blocks without those inside of others, because these are decoded with the outer ones."""
    kept: list[_BlockEdit] = []
    for following in sorted(edited, key=lambda edit: (edit.document, edit.block.start, -edit.block.end)):
        if not kept or kept[-1].document != following.document or kept[-1].block.end <= following.block.start:
            kept.append(following)
    return kept


def _put_entry(document: ReadDocument, edited: _BlockEdit, before: list[bytes]) -> ReadDocument | None:
    """Replace the scalar of a key, if an edit changes nothing but that.

    Returns:
        The document, or None if the edit changes more. The document is then unchanged.
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
    """The redacted copy of a document, with a new value at one place. None if the whole document must be copied again.

    The latter is so if the redaction of that value depends on other parts of the document.
    """
    stored, content = document.stored, document.decoded.content
    if stored is None:
        return None
    *parent, step = place
    try:
        value_at(stored, tuple(parent))[step] = redact_part(content, place, value_at(content, place))
    except DependsError:
        return None
    return stored


def _decode(edited: _BlockEdit, lines: list[bytes], document: Decoded, bounds: Bounds) -> Decoded | None:
    """Decode the new lines of a block. None if they have an effect on the rest of the document too."""
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
    """True if some lines may have aliases of anchors whose values are not the old ones."""
    # An equal mapping or list is another object all the same, and aliases share the object.
    if repr(before) == repr(after) and not any(isinstance(anchor.value, dict | list) for anchor in after):
        return False
    names = {anchor.name.encode() for anchor in (*before, *after)}
    return any(not names.isdisjoint(_ALIAS.findall(line)) for line in lines if b"*" in line)


def _put(document: ReadDocument, edited: _BlockEdit, part: Decoded) -> ReadDocument:
    """Replace the value of a block. The resources that the document declares are those of before until it is read."""
    decoded, block = document.decoded, edited.block
    *parent, step = block.place
    value_at(decoded.content, tuple(parent))[step] = part.content
    written = decoded.written | part.written
    if written:
        # Only of mappings that exist, because the next mapping may get the id of one that is gone.
        live = {id(mapping) for mapping in _mappings(decoded.content)}
        written = {key: texts for key, texts in written.items() if key in live}
    first, last = block.anchors
    anchors = [*decoded.anchors[:first], *part.anchors, *decoded.anchors[last:]]
    nodes = decoded.nodes + part.nodes - block.nodes
    blocks = list(with_other(decoded.blocks, block, part, edited.edit))
    repeated = decoded.repeated_keys + part.repeated_keys - block.repeated_keys
    changed = replace(decoded, nodes=nodes, written=written, blocks=blocks, anchors=anchors, repeated_keys=repeated)
    return ReadDocument(changed, document.manifests, _with_copy(document, block.place))


def _moved(document: ReadDocument, edit: Edit) -> ReadDocument:
    """A document with other line numbers, because of an edit before its content."""
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
