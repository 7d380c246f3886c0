"""What is a secret in plain text: by the word before it, by its shape, or by its place in a URL.

`redact.py` walks documents and asks here about keys and texts. The rules rather hide too much than too little; a
reference to a secret (`secretName`, `${DB_PASSWORD}`) is none.
"""

import functools
import re

from kubestats_pipeline.redaction.names import LONG_WORDS, SHORT_WORDS, is_sensitive
from kubestats_pipeline.redaction.patterns import compile_pattern, compile_set, readable, replace_secret
from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED, SHAPES

_REFERENCE = re.compile(r"\$\{\w+\}|\$\(\w+\)|\$[A-Z_][A-Z0-9_]*|\{\{[^{}]*\}\}")
_CIPHERTEXT = "ENC["

_HINT = re.compile(rf"{LONG_WORDS}|{SHORT_WORDS}|basic|stringdata")
"""For texts in small letters, as `_SENSITIVE_KEY`: five times as fast as letters of either case."""

_WORD = rf"(?:[\w.\-/]*(?:{LONG_WORDS})s?\d*|(?:[\w.\-/]*[-_./])?(?:{SHORT_WORDS}))"
_ASSIGNED = re.compile(rf"(?i)(?<![\w.\-/])({_WORD}[\"']?[ \t]*[:=][ \t]*)([^\s,;&|>][^\n]*)")
_FLAGGED = re.compile(rf"(?i)(?<!\S)(--?{_WORD}[ \t]+)(?!-)(\S+)")
_TAGGED = re.compile(rf"(?i)(<({_WORD})>)[^<]+(?=</)")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)([ \t]+)(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}")
_BLOCK_KEY = re.compile(r"([ \t]*(?:- +)?)[\"']?([\w.\-/]+)[\"']?[ \t]*:[ \t]*(?:[|>][-+\d]*)?[ \t]*(?:#.*)?")

_SHAPES = tuple((compile_pattern(shape.pattern), shape) for shape in SHAPES)
_find = compile_set(tuple(shape.pattern for shape in SHAPES))

SHORTEST_SHAPE = 12
"""Characters of the shortest secret that has a shape."""

SHORT, LONG = 200, 20_000
"""Characters of a text up to which its result is kept: the same short ones stand in most files and commits, and a few
long ones, such as scripts and dashboards, in all commits of a file.
"""


def hide(value: str) -> str:
    """Replace a secret; a reference to a value that lives elsewhere (`${DB_PASSWORD}`) stays."""
    if value.startswith(_CIPHERTEXT):
        return ENCRYPTED
    return value if not value or _REFERENCE.fullmatch(value) else REDACTED


def find_shapes(text: str) -> tuple[str, ...]:
    """The names of the shapes that are found in a text, in the order of the table."""
    return tuple(SHAPES[number].name for number in _find(readable(text)))


@functools.lru_cache(maxsize=65536)
def withhold_shapes(text: str) -> str:
    """A name, version, image, path or message without what has a known shape in it."""
    found = _find(readable(text)) if len(text) >= SHORTEST_SHAPE else ()
    for number in found:
        pattern, _ = _SHAPES[number]
        text = replace_secret(pattern, REDACTED, readable(text))
    return text


def redact_text(text: str) -> str:
    """A text without the secrets in it: assignments, flags, headers, URLs, keys and tokens."""
    if len(text) < 8 and not text.startswith(_CIPHERTEXT):
        return text
    if len(text) <= SHORT:
        return _redact_short(text)
    return _redact_long(text) if len(text) <= LONG else _redact(text)


def _redact(text: str) -> str:
    if text.startswith(_CIPHERTEXT):
        return ENCRYPTED
    text = withhold_shapes(text)
    if not _HINT.search(text.casefold()):
        return text
    text = _TAGGED.sub(rf"\1{REDACTED}", text)
    if "\n" not in text:
        return _redact_line(text)
    lines = _without_blocks(text).split("\n")
    return "\n".join(_redact_short_line(line) if len(line) <= SHORT else _redact_line(line) for line in lines)


def _redact_line(line: str) -> str:
    if not _HINT.search(line.casefold()):
        return line
    line = _SCHEME.sub(rf"\1\2{REDACTED}", line)
    line = _FLAGGED.sub(lambda match: match[1] + _hide_assigned(match[2]), line)
    return _ASSIGNED.sub(lambda match: match[1] + _hide_assigned(match[2]), line)


_redact_short_line = functools.lru_cache(maxsize=65536)(_redact_line)
_redact_short = functools.lru_cache(maxsize=65536)(_redact)
_redact_long = functools.lru_cache(maxsize=512)(_redact)


def _hide_assigned(value: str) -> str:
    return hide(value.strip().strip("\"'")) if value.strip() else value


def _without_blocks(text: str) -> str:
    """Leave out what is indented below a sensitive key of embedded YAML: block texts, lists and maps."""
    secret = "kind: Secret" in text
    lines: list[str] = []
    depth: int | None = None
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip(" \t"))
        if depth is not None and (not line.strip() or indent > depth):
            continue
        depth = None
        lines.append(line)
        match = _BLOCK_KEY.fullmatch(line.rstrip("\r"))
        if match and (is_sensitive(match[2]) or match[2] == "stringData" or (secret and match[2] == "data")):
            depth = len(match[1])
            lines.append(f"{' ' * depth}  {REDACTED}")
    return "\n".join(lines)
