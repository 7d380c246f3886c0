"""Secrets in the lines of a text that is not YAML: assignments, blocks, and the other ways of `forms.py`.

A name decides as it does in documents (`names.py`). The rules rather hide too much: what follows an assignment is
hidden to the end of its line. Regular expressions are RE2's, and linear.
"""

import functools
from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.redaction.forms import DEFAULT, DIRECTIVE, FORMS, PAIRS
from kubestats_pipeline.redaction.hide import begins_with_none, end_of_reference, hide
from kubestats_pipeline.redaction.names import is_sensitive, mentions_secret
from kubestats_pipeline.redaction.patterns import compile_pattern, compile_set, readable, replace_spans
from kubestats_pipeline.redaction.secrets import REDACTED
from kubestats_pipeline.redaction.words import GLUED, PROSE, SECRET_WORDS

SHORT = 200
"""Characters of a line up to which its result is kept: the same short ones stand in most files."""

_SHORT_WORD = 4
_WORDS = {word for group in (*SECRET_WORDS, *GLUED) for word in group.words}
_ANYWHERE = sorted(
    {word.replace(" ", "[^a-z0-9]{0,3}") for word in _WORDS if len(word) > _SHORT_WORD} | {"pass", "auth", "cred"}
)
_BOUNDED = sorted(word for word in _WORDS if len(word) <= _SHORT_WORD and word.isalpha())
_TITLE, _UPPER = "|".join(map(str.title, _BOUNDED)), "|".join(map(str.upper, _BOUNDED))
HINT = (
    rf"(?i:{'|'.join(_ANYWHERE)}|stringdata|binarydata|identified|--?u(?:ser)?\s|redis-cli|mysql|mariadb|[a-z0-9_./-]key"
    r"|(?:^|[^a-z])path[\x22\x27]?\s*:\s*[\x22\x27]?/(?:data|stringdata))"
    rf"|(?:(?:^|[^A-Za-z])(?i:{'|'.join(_BOUNDED)})|[A-Z](?:{_TITLE})|[a-z](?:{_TITLE}|{_UPPER})|(?i:pwd?))s?(?:[^a-z]|$)"
)
"""A pattern of RE2 that every text matches in which a rule can find something.

Short words must begin and end where `names.py` cuts a name, but for those that glue to others (`bindpw`).
"""

_by_hint = compile_set((HINT,))
_by_form = compile_set(tuple(form.pattern for form in FORMS))
_FORMS = tuple((form.name, compile_pattern(form.pattern)) for form in FORMS)
_ASSIGNS = compile_pattern(r"([\w.\-/]+)[\x22\x27]?[ \t]*(?:[:=]=?>?)[ \t]*")
_BLOCK_KEY = compile_pattern(
    r"([ \t]*(?:- +)?)[\x22\x27]?([\w.\-/]+)[\x22\x27]?[ \t]*:[ \t]*(?:[|>][-+\d]*)?[ \t]*(?:#.*)?\r?"
)
_KIND = compile_pattern(r"kind[\x22\x27]?[ \t]*:[ \t]*[\x22\x27]?Secret\b")
_DATA = compile_pattern(r"(?:^|[\s{,\x22\x27])(data|stringData|binaryData)[\x22\x27]?[ \t]*:[ \t]*([{\[\x22\x27\w*].*)")
_PROSE = PROSE.words
_OPENING = frozenset({"{", "[", "(", "|-", ">-", f"{REDACTED}}}"})
"""The rest of a line after a sensitive name where the value begins on another line, or is withheld already."""
_DIRECTIVES = (
    "pass",
    "pwd",
    "pw",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "psk",
    "masterauth",
)
_BLOCKS = frozenset({"stringData", "binaryData"})
_DATA_PATHS = ("/data/", "/stringData/")


def may_hold(text: str) -> bool:
    """Whether a rule of this module or a name can concern a text."""
    return bool(_by_hint(text))


def redact_lines(text: str) -> str:
    """A text without the secrets in its lines."""
    text = readable(text)
    for number in _by_form(text):
        text = _without_form(*_FORMS[number], text)
    if "\n" not in text:
        return _redact_line(_without_data(text, of_secret=_is_of_secret(text)))
    lines = _without_blocks(text.split("\n"))
    return "\n".join(_redact_short(line) if len(line) <= SHORT else _redact_line(line) for line in lines)


def _without_form(name: str, pattern: Any, text: str) -> str:
    naming = pattern.groupindex.get("name")
    groups = [group for group in range(1, pattern.groups + 1) if group != naming]
    spans = []
    for match in pattern.finditer(text):
        secret = next((group for group in groups if match[group] is not None), None)
        if secret and _announces(name, match["name"] if naming else None, match[secret]):
            spans.append((*match.span(secret), REDACTED))
    return replace_spans(text, iter(spans))


def _announces(form: str, name: str | None, value: str) -> bool:
    """Whether the name in a form, if it has one, is that of a secret, and its value can be one."""
    if name is None:
        return not begins_with_none(value)
    if form in PAIRS:
        return (is_sensitive(name) or name.startswith(_DATA_PATHS)) and not begins_with_none(value)
    if form == DIRECTIVE and (value.lower() in _PROSE or not name.lower().endswith(_DIRECTIVES)):
        return False
    return (mentions_secret(name) if form == DEFAULT else is_sensitive(name)) and hide(value) != value


def _redact_line(line: str) -> str:
    """A line whose rest, after the first assignment to a sensitive name, is hidden."""
    if (":" not in line and "=" not in line) or not may_hold(line):
        return line
    for match in _ASSIGNS.finditer(line):
        if is_sensitive(match[1]):
            value = line[match.end() :].strip()
            end = end_of_reference(value) if match[0][-1].isspace() else 0
            if end:
                return f"{line[: match.end()]}{value[:end]} {REDACTED}"
            if value and value not in _OPENING and value[0] not in ",;&|>" and not begins_with_none(value):
                return line[: match.end()] + hide(value.rstrip(",").strip("\"'"))
    return line


_redact_short = functools.lru_cache(maxsize=65536)(_redact_line)


def _without_blocks(lines: list[str]) -> Iterator[str]:
    """Without what is indented below a sensitive key: block texts, lists and maps of YAML that cannot be read."""
    secret = any(map(_is_of_secret, lines))
    depth: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip(" \t"))
        if depth is not None and (not line.strip() or indent > depth):
            continue
        depth = None
        yield _without_data(line, of_secret=secret)
        match = _BLOCK_KEY.fullmatch(line) if ":" in line else None
        if match and (is_sensitive(match[2]) or match[2] in _BLOCKS or (secret and match[2] == "data")):
            depth = len(match[1])
            yield f"{' ' * depth}  {REDACTED}"


def _is_of_secret(line: str) -> bool:
    return "Secret" in line and _KIND.search(line) is not None


def _without_data(line: str, *, of_secret: bool) -> str:
    """A line without the data of a Secret that stand behind their key."""
    data = _DATA.search(line) if "ata" in line else None
    return line[: data.start(2)] + REDACTED if data and (of_secret or data[1] in _BLOCKS) else line
