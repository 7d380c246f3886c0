"""What is a secret in plain text: by the word before it, by its shape, or by its place in a URL.

`redact.py` walks documents and asks here about keys and texts. The rules rather hide too much than too little; a
reference to a secret (`secretName`, `${DB_PASSWORD}`) is none.
"""

import functools
import re

REDACTED = "<redacted>"
ENCRYPTED = "<encrypted>"

_LONG_WORDS = (
    r"pass[-_.]?word(?:[-_.]?hash)?|passwd|passphrase|passcode|secret|token|credential|htpasswd|authorization|cookie"
    r"|dockerconfigjson|jwt|bearer|basic[-_.]?auth|webhook[-_.]?url|connection[-_.]?string"
    r"|(?:api|access|account|private|secret|encryption|signing|auth|license|hmac|ssh|tls|master|app|admin|client|shared)"
    r"[-_.]?key(?:[-_.]?(?:base|data))?"
)
_SHORT_WORDS = "pass|pwd|psk|pin|dsn|salt|auth|pat"
_SENSITIVE_KEY = re.compile(rf"(?:{_LONG_WORDS})s?\d*$|(?:^|[-_./ ])(?:{_SHORT_WORDS})s?\d*$|\.key$")
_REFERENCE_KEY = re.compile(r"existing[-_]?secret|(?:image[-_]?)?pull[-_]?secrets?$", re.IGNORECASE)
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_REFERENCE = re.compile(r"\$\{\w+\}|\$\(\w+\)|\$[A-Z_][A-Z0-9_]*|\{\{[^{}]*\}\}")
_CIPHERTEXT = "ENC["

_HINT = re.compile(rf"{_LONG_WORDS}|{_SHORT_WORDS}|basic|stringdata")
"""For texts in small letters, as `_SENSITIVE_KEY`: five times as fast as letters of either case."""

_WORD = rf"(?:[\w.\-/]*(?:{_LONG_WORDS})s?\d*|(?:[\w.\-/]*[-_./])?(?:{_SHORT_WORDS}))"
_ASSIGNED = re.compile(rf"(?i)(?<![\w.\-/])({_WORD}[\"']?[ \t]*[:=][ \t]*)([^\s,;&|>][^\n]*)")
_FLAGGED = re.compile(rf"(?i)(?<!\S)(--?{_WORD}[ \t]+)(?!-)(\S+)")
_TAGGED = re.compile(rf"(?i)(<({_WORD})>)[^<]+(?=</)")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)([ \t]+)(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}")
_BLOCK_KEY = re.compile(r"([ \t]*(?:- +)?)[\"']?([\w.\-/]+)[\"']?[ \t]*:[ \t]*(?:[|>][-+\d]*)?[ \t]*(?:#.*)?")

_URL_CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s:@]*:[^/\s]*|[^/\s:@]{20,})@")  # a long user name is a token
_SHAPES = {
    "-----BEGIN": re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY[A-Z ]*-----|\Z)", re.DOTALL
    ),
    **{f"gh{letter}_": re.compile(rf"\bgh{letter}_\w{{16,}}\b") for letter in "pousr"},
    "github_pat_": re.compile(r"\bgithub_pat_\w{16,}\b"),
    "glpat-": re.compile(r"\bglpat-[\w-]{16,}\b"),
    "xox": re.compile(r"\bxox[abeprs]-[\w-]{10,}\b"),
    "AKIA": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "AGE-SECRET-KEY-1": re.compile(r"\bAGE-SECRET-KEY-1[0-9A-Z]+"),
    "hooks.slack.com": re.compile(r"(?<=hooks\.slack\.com/services/)\S+"),
    "discord.com": re.compile(r"(?<=discord\.com/api/webhooks/)\S+"),
    "$2": re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{20,}"),
    ".eyJ": re.compile(r"(?<![\w-])[\w-]+\.eyJ[\w-]{8,}\.[\w-]+"),  # a JWT, from where a word begins: in linear time
    "@": re.compile(r"(?<![\w/@:.-])[\w.-]+:[^\s/@:]+@(?=[\w.-]+(?::\d+)?/)"),  # user:password@registry/image
}
"""Secrets that are known by how they look, wherever they stand; only texts that hold what stands before each do."""


SHORT, LONG = 200, 20_000
"""Characters of a text up to which its result is kept: the same short ones stand in most files and commits, and a few
long ones, such as scripts and dashboards, in all commits of a file.
"""


@functools.lru_cache(maxsize=65536)
def is_sensitive(key: str) -> bool:
    """Whether a value under this key is taken for a secret; `secretName` or `tokenRef` name one and are none."""
    if _REFERENCE_KEY.search(key):
        return False
    return bool(_SENSITIVE_KEY.search(_CAMEL_HUMP.sub("_", key).casefold()))


def hide(value: str) -> str:
    """Replace a secret; a reference to a value that lives elsewhere (`${DB_PASSWORD}`) stays."""
    if value.startswith(_CIPHERTEXT):
        return ENCRYPTED
    return value if not value or _REFERENCE.fullmatch(value) else REDACTED


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
    if "://" in text and "@" in text:
        text = _URL_CREDENTIALS.sub(f"{REDACTED}@", text)
    for mark, shape in _SHAPES.items():
        if mark in text:
            text = shape.sub(REDACTED, text)
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
