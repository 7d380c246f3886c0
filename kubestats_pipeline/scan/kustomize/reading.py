"""YAML as kustomize reads it, where that is not as kubectl does.

kustomize takes `yes` for a text and `2024-01-01` for a time, lets an explicit key win over a merge, refuses repeated
keys, and doubles the line break before an indented line of a folded text. Measured with kustomize 5.7.1.
"""

import re
from typing import Any

from yaml.events import ScalarEvent

from kubestats_pipeline.redaction.patterns import compile_pattern
from kubestats_pipeline.scan.documents.builder import Builder
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.documents.encoding import to_text
from kubestats_pipeline.scan.documents.scalars import ScalarError
from kubestats_pipeline.scan.documents.stream import decode_stream

_WORDS = frozenset(
    form for word in ("y", "n", "yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())
)
_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)")
_MERGE = object()
_FOLDED_BREAK = re.compile(r"(?:(?<=\n)|^)([^\s][^\n]*)(\n+)(?=[ \t])")
_DIFFERS = compile_pattern(
    r"(?m)(?:^|[\r\f\v:,\[{?-]|[&!]\S*[ \t])[ \t]*"
    r"(?:[yYnN]|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|\d{4}-\d\d?-\d\d?)[ \t]*"
    r"(?:[,\]}]|\r?$|[ \t]#|:[ \t\r\n])"
)
"""A text that may be a whole scalar of the sorts that differ: it stands first on a line, or behind an indicator, an
anchor or a tag. Prose may end a line in `on`.
"""
_COMMENT = re.compile(rb"(?m)(?:^|[ \t])#[^\"'\n]*$")
"""A comment without quotes. What looks like one in a quoted text is a part of it, because it does not end that text."""
_FOLDED = re.compile(
    rb">[-+0-9]*[ \t]*(?:#[^\n]*)?\r?\n(?:[ \t]*\r?\n)*( +)[^\s][^\n]*\n(?:(?:\1[^\n]*)?\n){0,500}?\1[ \t]"
)
"""A folded text with an indented line. Longer ones than 500 lines are not looked through, so that time is linear."""


def reads_alike(text: bytes) -> bool:
    """True if kustomize certainly reads the same values of a file as kubectl, but for repeated and merged keys."""
    if not text.endswith(b"\n") and (b"|" in text or b">" in text):
        return False  # kubectl ends a block text at the end of the file with a line break
    if b">" in text and _FOLDED.search(text) is not None:
        return False
    return _DIFFERS.search(text) is None or _DIFFERS.search(_COMMENT.sub(b"", text)) is None


def read_documents_of_kustomize(blob: bytes, bounds: Bounds) -> list[Any]:
    """The contents of all documents of a file, without the empty ones.

    Raises:
        DecodeError: kustomize cannot read the file.
    """
    if len(blob) > bounds.max_bytes:
        raise DecodeError("too_large", f"more than {bounds.max_bytes} bytes", None)
    text, _ = to_text(blob)
    documents = decode_stream(text, bounds, builder=KustomizeBuilder)
    return [document.content for document in documents if document.content is not None]


class KustomizeBuilder(Builder):
    """Builds the values of one document as kustomize does."""

    def _reset(self) -> None:
        super()._reset()
        self._explicit: list[set[object]] = []

    def _scalar(self, event: Any) -> Any:
        value = self._as_kustomize(event, super()._scalar(event))
        self._redefine(event, value)
        return value

    def _redefine(self, event: Any, value: Any) -> None:
        """Let the aliases of a scalar repeat the value that kustomize reads."""
        if event.anchor is not None:
            self._anchors[event.anchor] = self._anchors[event.anchor]._replace(value=value)

    def _as_kustomize(self, event: Any, value: Any) -> Any:
        """The value of a scalar, where kubectl reads `value`."""
        if event.style == ">" and isinstance(value, str):
            return doubled_breaks(value)
        if event.tag is not None or not event.implicit[0]:
            return value
        if isinstance(value, bool) and event.value in _WORDS:
            return event.value
        if isinstance(value, str) and (date := _DATE.fullmatch(value)):
            year, month, day = date.groups()
            return f"{year}-{month:0>2}-{day:0>2}T00:00:00Z"
        return value

    def _mapping(self, depth: int) -> dict[str, Any]:
        self._explicit.append(set())
        mapping = super()._mapping(depth)
        self._explicit.pop()
        return mapping

    def _key(self, event: Any, depth: int) -> str:
        key = super()._key(event, depth)
        if type(event) is ScalarEvent and event.value in _WORDS and event.implicit[0]:
            key = event.value
            self._redefine(event, key)
        self._note(key)
        return key

    def _note(self, key: object) -> None:
        known = self._explicit[-1]
        if key in known:
            raise ScalarError("a key is repeated")
        known.add(key)

    def _merge(self, mapping: dict[str, Any], source: Any) -> None:
        explicit = dict(mapping)
        self._note(_MERGE)
        super()._merge(mapping, source)
        mapping.update(explicit)


def doubled_breaks(text: str) -> str:
    """A folded text as kustomize puts it out: one line break more between a line and an indented one after it."""
    return _FOLDED_BREAK.sub(lambda match: f"{match[1]}{match[2]}\n", text)
