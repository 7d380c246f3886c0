"""The place holder of one value that is taken for a secret, and the values that are not secrets under any name."""

import re

from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED
from kubestats_pipeline.redaction.shapes import withhold_shapes

_CIPHERTEXT = "ENC["
_REFERENCE = re.compile(
    r"(?:(?:Bearer|Basic|token) )?(?:"
    r"\${1,2}\{\{?[\w. -]+\}?\}|\$\(\w+\)|\${1,2}[A-Z_][A-Z0-9_]*|\$__\w+\{[\w/.-]+\}|\{[A-Z][A-Z0-9_]+\}"
    r"|\{\{ \"\{\{\w+\}\}\" \}\}|\{\{(?:[^{}]|\$\{\w+\})*\}\}|(?:get)?env\(['\"]\w+['\"]\)|process\.env\.\w+"
    r"|(?:op://|os\.environ/|ref\+|env:|file:/)[\w{}. /#+:-]+)"
)
"""A variable, a template, or a place in a store of secrets: each alternative begins with its own mark."""
_VARIABLES = re.compile(r"(?:\$\{[^{}]+\}\s*)+")
_GOES_ON = re.compile(r"[ \t]+(?:[^\s#,;)\]}|&>-]|\|\|[ \t]*['\"])")
"""A word after a reference, or its default in a program. A comment, a flag and the next command are neither."""
_OPENS = "\"'`("
_ENDS = "\"'`\\ \t,;)]}&"
_SWITCH = re.compile(r"true|false|yes|no|on|off|null|none|~|\[\]|\{\}|\d{1,5}(?:ms|s|m|h|d|w|y)", re.IGNORECASE)
_PATH = re.compile(r"(?:/[a-z0-9][a-z0-9._-]{0,39}){1,12}/?")
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+]{1,20}://(?:localhost|127\.\d+\.\d+\.\d+|10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|[a-z0-9-]{1,63}"
    r"|[a-z0-9.-]{1,200}\.(?:svc|local|internal))(?::\d+)?(?:/[A-Za-z0-9_.-]{0,19}){0,8}"
)
"""An address inside a cluster or a house, without user, query or long steps."""
_FILE = re.compile(r"sqlite3?:/{1,4}[A-Za-z0-9_./$()-]{1,200}")
_INNOCENT = (_SWITCH, _PATH, _ADDRESS, _FILE)
LONGEST_INNOCENT = 300
"""Characters of a value that can be none."""


def hide(value: str) -> str:
    """A secret's place holder. A reference, a switch, a duration, a path and an address in the cluster stay."""
    if value.startswith(_CIPHERTEXT):
        return ENCRYPTED
    if is_reference(value) or is_innocent(value):
        return withhold_shapes(value)
    return REDACTED if value else value


def hide_of_secret(value: str) -> str:
    """The same for a Secret's own values: of variables only that they are some stays, of templates nothing."""
    if value.startswith(_CIPHERTEXT):
        return ENCRYPTED
    if len(value) <= LONGEST_INNOCENT and _VARIABLES.fullmatch(value):
        return f"${{{REDACTED}}}"
    return REDACTED if value else value


def is_reference(value: str) -> bool:
    """Whether a value only names where a secret is kept (`${DB_PASSWORD}`)."""
    return len(value) <= LONGEST_INNOCENT and bool(_REFERENCE.fullmatch(value))


def is_innocent(value: str) -> bool:
    """True if a value cannot be a secret."""
    return len(value) <= LONGEST_INNOCENT and any(pattern.fullmatch(value) for pattern in _INNOCENT)


def end_of_reference(text: str) -> int:
    """Where the reference ends with which a value begins and after which it goes on (`${A} and more`), else zero."""
    start = len(text) - len(text.lstrip(_OPENS))
    match = _REFERENCE.match(text, start, LONGEST_INNOCENT)
    return match.end() if match and _GOES_ON.match(text, match.end()) else 0


def begins_with_none(text: str) -> bool:
    """True if the first word after an assignment is not a secret, so that its line may say more."""
    text = text[:LONGEST_INNOCENT].lstrip(_OPENS)
    match = _REFERENCE.match(text)
    if match is not None:
        return match.end() == len(text) or text[match.end()] in _ENDS
    word = text.rstrip().rstrip(",;").rstrip("\"'")
    return not word or is_innocent(word)
