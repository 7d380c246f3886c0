"""The looks of values of settings, which decide whether they may be published.

Pure functions of a setting's path and value. A look is `SHOWN`, `HIDDEN` or `FREE`. A free value has words that nobody
but its writers may know. It is published where the release says these words itself or where repositories share it.
`docs/counting.md` gives the reason for each class. Nothing here decides what is a secret: `redaction` did so before.
"""

import functools
import ipaddress
import re
from enum import Enum
from typing import NamedTuple

from kubestats_pipeline.warehouse.values.words import (
    API_KEYS,
    DOMAINS,
    ENUM_KEYS,
    FILES,
    IMAGE_KEYS,
    PERSONAL_KEYS,
    PRIVATE_STORES,
    PUBLIC_HOSTS,
    PUBLIC_NETWORKS,
    SAFE_KEYS,
    TAG_KEYS,
    WORDS,
)

LONGEST = 200
"""Characters of the longest value that is looked at. A longer one is a text."""
MOST_ROUND_DIGITS = 12
"""Digits of the longest number of whole thousands that is an amount. Others of eight digits may be accounts."""
MOST_DIGITS_IN_A_NAME = 5
"""Digits of a port or version inside a name."""
LETTERS_OF_A_COUNTRY = 2
"""Letters of a country at the end of a host."""


class Verdict(Enum):
    """The consequence of a look: published, withheld, or decided by who else knows its words."""

    SHOWN = "shown"
    HIDDEN = "hidden"
    FREE = "free"


class Look(NamedTuple):
    """A value's class, what follows from it, and the words of a free value that are not known."""

    name: str
    verdict: Verdict
    words: tuple[str, ...] = ()


_KEY = re.compile(r"\['((?:[^'\\]|\\.)*)'\]|\[name=([^\]]*)\]|\[\d*\]|([^.\[\]]+)")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_a-zA-Z]+")
_REFERENCE = re.compile(
    r"\$?\$\{\w+(?::?[-=+?])?([^}]*)\}|\{\{([^}]*)\}\}|\$\(\w+\)|\$(?:[A-Z][A-Z0-9_]*|\d)\b|<(?:redacted|encrypted)>(?:-\d+)?"
)
"""A variable, a template or a placeholder. Its groups are a default, and what a template computes."""

_PRINTED = re.compile(r"[\s\W_]*")
_DIGEST = re.compile(r"(?:[\w.-]+@)?sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")
_FLAG = re.compile(r"(--?[a-zA-Z][\w.-]*)(?:=(.*))?", re.DOTALL)

_SHOWN_SHAPES = {
    "boolean": re.compile(r"(?i)true|false|yes|no|on|off|null|none"),
    "number": re.compile(r"[-+]?\d+(?:\.\d{1,3})?"),
    "amount": re.compile(r"\d+(?:\.\d+)?(?:[kKMGTPE]i?[Bb]?|[mun]|%)|(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d|w|y))+"),
    "version": re.compile(
        r"(?!(?:10|172|192)\.)[v~^>=<]{0,2}\d+(?:\.\d+){1,2}(?:[-+](?:alpha|beta|rc|pre|dev|alpine|[\d.])+)?"
    ),
    "schedule": re.compile(r"@(?:hourly|daily|weekly|monthly|yearly|annually)|[\d*/,-]+(?:\s+[\d*/,A-Z?#-]+){4,5}"),
}
"""Shapes of values that say nothing about a person: the whole value has the shape."""
_IN_ALL_BUT_BOOLEANS = re.compile(r"[\d@\s]")
"""All of these but the first have one of them. Most values are words, and are not asked for each shape."""

_HIDDEN_SHAPES = {
    "e-mail or handle": re.compile(r"[^\s@<>]+@(?!sha\d)[\w-]+|(?<!\w)@\w[\w.-]*"),
    "hardware address": re.compile(
        r"\b[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5,7}\b|\b(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}\b"
    ),
    "address in a name": re.compile(r"(?<!\d)(?:\d{1,3}[-_]){3}\d{1,3}(?!\d)"),
    "date": re.compile(r"\b(?:\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{4})\b"),
    "coordinates": re.compile(r"\d°|(?<![\w.])-?\d{1,3}\.\d{4,}"),
    "identifier": re.compile(
        r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b|by-id/|\b0x[0-9a-fA-F]{7,}\b|"
        r"\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{12,}\b"
    ),
    "home folder": re.compile(r"(?i)(?:[a-z]:\\|/)(?:users|home)[/\\]\w|^//\w|^\\\\\w"),
}
"""Shapes of values that are a person's own: a part of the value has the shape."""
_IN_ALL_HIDDEN = re.compile(r"[\d@:/\\.°]|[a-fA-F]{2}-[a-fA-F]{2}")
"""All of these have one of them, and so have addresses, long numbers and hosts."""

_ADDRESS = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d+)?(?!\d|\.\d)|"
    r"(?<![\w:.])[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F]*(?:/\d+)?(?![\w:])"
)
_LONG_NUMBER = re.compile(r"(?:\d[\s()-]{0,2}){8,}")
_HOST = re.compile(r"(?<![\w.-])(?:[\w*-]+\.)+[a-zA-Z][a-zA-Z0-9-]+(?![\w-]|\.\w)", re.ASCII)
_URL = re.compile(r"(?:oci|https?|git|ssh)://([^/:@\s?#]+)(?=[/:?#]|$)")
_URL_TEXT = re.compile(r"[\w.:/?=&%#+~-]+", re.ASCII)
_IMAGE = re.compile(
    r"(?:oci://|https?://)?[a-zA-Z0-9][\w.-]*(?::\d+)?(?:/[\w.-]+)*/?(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)
_NAME = re.compile(r"[\w.+/*-]{1,64}", re.ASCII)
_CHOICE = re.compile(r"(?:[A-Z]+[a-z0-9]+)+[A-Z]+[a-z0-9]*", re.ASCII)
"""A choice as Kubernetes writes it, such as `ReadWriteOnce`. One word alone is looked up instead."""

_FILE_NAME = re.compile(rf"(\w)\.(?:{'|'.join(sorted(FILES))})\b")
_CLUSTER_HOSTS = (".svc", ".svc.cluster.local", ".cluster.local", ".pod")

EMPTY = Look("empty", Verdict.SHOWN)
FREE_TEXT = Look("text", Verdict.FREE, ("\n",))
"""A value whose words are not looked at. Only repositories that share it can show it."""


@functools.lru_cache(maxsize=65536)
def look_at(path: str, value: str) -> Look:
    """The look of a value at a path of Helm values, both as `helm_values` has them."""
    return _look(*_read_place(path), value)


def look_strictly(path: str, value: str) -> Look:
    """The look in strict mode: shown below a safe key, hidden as otherwise, else free with an unknown word."""
    keys, seen = keys_of(path), look_at(path, value)
    if seen.verdict is Verdict.HIDDEN:
        return seen
    return Look("safe key", Verdict.SHOWN) if keys and keys[-1] in SAFE_KEYS else FREE_TEXT


@functools.lru_cache(maxsize=4096)
def _read_place(path: str) -> tuple[str, frozenset[str]]:
    """The last key of a path that says something, and the words of the path."""
    keys = reversed(keys_of(path))
    key = next((each for each in keys if each not in ("value", "values") and not each.isdecimal()), "")
    return key, frozenset(words_of(path))


def keys_of(path: str) -> list[str]:
    """The keys of a path from its root. Positions in lists are left out, names in lists are keys."""
    return ["".join(found) for found in _KEY.findall(path) if any(found)]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, cut at punctuation, digits and capitals."""
    return [word.lower() for word in _WORD.findall(text)]


def _look(key: str, around: frozenset[str], value: str) -> Look:
    text = _REFERENCE.sub(_read_reference, value).strip()
    if not text or _PRINTED.fullmatch(text):
        return EMPTY if not value.strip() else Look("reference", Verdict.SHOWN)
    if len(value) > LONGEST or "\n" in text:
        return FREE_TEXT
    if (flag := _FLAG.fullmatch(value)) and flag[2] is not None:
        return _look(flag[1], around, flag[2])
    return _plain_look(key, around, text) or _words_look(text, around)


def _read_reference(found: re.Match[str]) -> str:
    """The text that a reference holds itself: a default, or the texts in a template."""
    return found[1] or (found[2] if found[2] and ('"' in found[2] or "`" in found[2]) else "")


def _plain_look(key: str, around: frozenset[str], text: str) -> Look | None:
    """The look by key or shape. None where only the words of the text can tell."""
    words = _words_of_key(key)
    if _is_image_part(key, words, around, text):
        return Look("image", Verdict.SHOWN)
    if key.lower() in API_KEYS and _NAME.fullmatch(text):
        return Look("enum", Verdict.SHOWN)
    if text in PUBLIC_NETWORKS or _DIGEST.fullmatch(text):
        return Look("constant", Verdict.SHOWN)
    if not PERSONAL_KEYS.isdisjoint(words) and any(letter.isdigit() for letter in text):
        return Look("number of a person or place", Verdict.HIDDEN)
    if name := _hidden_shape(text):
        return Look(name, Verdict.HIDDEN)
    if name := _shown_shape(text):
        return Look(name, Verdict.SHOWN)
    if key.lower() in ENUM_KEYS and "env" not in around and _CHOICE.fullmatch(text):
        return Look("enum", Verdict.SHOWN)
    if (url := _URL.match(text)) and _belongs_to_all(url[1].lower()) and _URL_TEXT.fullmatch(text):
        return Look("public address", Verdict.SHOWN)
    return None


@functools.lru_cache(maxsize=4096)
def _words_of_key(key: str) -> tuple[str, ...]:
    return tuple(words_of(key))


def _is_image_part(key: str, words: tuple[str, ...], around: frozenset[str], text: str) -> bool:
    """True for parts of images and places of charts. `MY_IMAGE` needs a path, because pictures are images too."""
    if not _IMAGE.fullmatch(text) or ("image" not in around and not PRIVATE_STORES.isdisjoint(around)):
        return False
    if key.lower() in TAG_KEYS:
        return any(letter.isdigit() for letter in text)
    if text.startswith("http") and around.isdisjoint(("chart", "charts", "helm")):
        return False
    is_key = key.lower() in IMAGE_KEYS or (bool(words) and words[-1] in IMAGE_KEYS and "/" in text)
    return is_key and not _ADDRESS.search(text)


def _shown_shape(text: str) -> str | None:
    """The class of what may be published of anybody."""
    if not _IN_ALL_BUT_BOOLEANS.search(text):
        return "boolean" if _SHOWN_SHAPES["boolean"].fullmatch(text) else None
    return next((name for name, shape in _SHOWN_SHAPES.items() if shape.fullmatch(text)), None)


def _hidden_shape(text: str) -> str | None:
    """The class of what may not be published whoever shares it."""
    if not _IN_ALL_HIDDEN.search(text):
        return None
    if name := next((name for name, shape in _HIDDEN_SHAPES.items() if shape.search(text)), None):
        return name
    if any(not _is_network(found) for found in _ADDRESS.findall(text)):
        return "address"
    if _LONG_NUMBER.search(text) and not _is_round(text):
        return "long number"
    return "host" if any(map(_is_private_host, _HOST.findall(text))) else None


def _is_network(text: str) -> bool:
    """True for an address that is the same for everybody, and for what only looks like an address."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return True
    return text in PUBLIC_NETWORKS


def _is_round(text: str) -> bool:
    return text.isdecimal() and len(text) <= MOST_ROUND_DIGITS and text.endswith("000")


def _is_public(host: str) -> bool:
    return host.endswith(_CLUSTER_HOSTS) or _belongs_to_all(host)


def _belongs_to_all(host: str) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in PUBLIC_HOSTS)


def _is_private_host(host: str) -> bool:
    """True unless a dotted name is a file, a public host, or a path of known words that ends in no domain."""
    last = host.lower().rpartition(".")[2]
    is_path = last not in DOMAINS and len(last) > LETTERS_OF_A_COUNTRY
    is_known = is_path and all(word in WORDS for word in words_of(host))
    return not (last in FILES or _is_public(host.lower()) or is_known)


def _words_look(text: str, around: frozenset[str]) -> Look:
    """The look of words: known ones, or free with those that are not known."""
    rest = _HOST.sub(lambda found: " " if _is_public(found[0].lower()) else found[0], text)
    words = words_of(_FILE_NAME.sub(r"\1", rest))
    if words and all(word.isdecimal() for word in words):
        return Look("digits", Verdict.FREE, (text,))
    unknown = tuple(dict.fromkeys(word for word in words if not _is_known(word, around)))
    return Look("words", Verdict.FREE, unknown) if unknown else Look("known words", Verdict.SHOWN)


def _is_known(word: str, around: frozenset[str]) -> bool:
    if word.isdecimal():
        return len(word) <= MOST_DIGITS_IN_A_NAME
    return word in WORDS or word in around
