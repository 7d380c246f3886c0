"""Names whose values are taken for secrets, by the words of `words.py`."""

import functools
import re

from kubestats_pipeline.redaction.patterns import compile_set
from kubestats_pipeline.redaction.words import (
    COLLECTIONS,
    COUNTED,
    DESCRIBES,
    FILES,
    GLUED,
    INNOCENT_KEY_OF,
    KEPT_IN_FILES,
    KEY_OF,
    NAMING,
    NOT_GLUED,
    PRODUCTS,
    REFERENCES,
    SECRET_WORDS,
    STRONG,
    STRUCTURE,
    SWITCHES,
    WRITTEN_AS,
    Words,
)

LONGEST_NAME = 200
"""Characters from the end of a name that are looked at: what is longer is a text, not a name."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
"""Each word is one class of characters, so the time is linear."""


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word


def _all(*groups: Words) -> frozenset[str]:
    """The words of some groups as `_words` gives those of a name."""
    return frozenset(" ".join(map(_singular, word.split())) for group in groups for word in group.words)


_SECRET = _all(*SECRET_WORDS)
_GLUED = tuple(sorted(_all(*GLUED)))
_KEY_OF = _all(*KEY_OF)
_PRODUCTS = _all(*PRODUCTS)
_COLLECTIONS, _REFERENCES = _all(COLLECTIONS), _all(REFERENCES)
_NOT_GLUED, _INNOCENT_KEY_OF = _all(NOT_GLUED), _all(INNOCENT_KEY_OF)
_WRITTEN_AS, _STRONG, _DESCRIBES = _all(WRITTEN_AS), _all(STRONG), _all(DESCRIBES)
_SWITCHES, _COUNTED = _all(SWITCHES), _all(COUNTED)
_FILES, _KEPT_IN_FILES = _all(FILES), _all(KEPT_IN_FILES)
_SAYS_WHERE_OR_WHAT = _all(NAMING, STRUCTURE)
_WORDS = {word.replace(" ", "[^a-z]{0,3}") for group in (*SECRET_WORDS, *GLUED, STRONG) for word in group.words}
_may_be = compile_set((f"(?i)key|{'|'.join(sorted(_WORDS))}",))
"""Most names have none of the words: that is seen at once."""
_ends_in_variable = re.compile(r"(?:^|[-./])[A-Z0-9_]+\Z").search


@functools.lru_cache(maxsize=65536)
def is_sensitive(name: str) -> bool:
    """Whether a value under this name is taken for a secret. `secretName` and `tokenRef` only name one."""
    name = name[-LONGEST_NAME:]
    words = _words(name) if _may_be(name) else []
    if not words or words[0] in _SWITCHES or _refers(words):
        return False
    is_file = words[-1] in _FILES
    words = _without_manner(words)
    if is_file and not any(" ".join(words).endswith(each) for each in _KEPT_IN_FILES):
        return False
    if len(words) > 1 and words[-2] in _COUNTED:
        return False
    if " ".join(words[-2:]) in _PRODUCTS or words[-1] in _PRODUCTS:
        return False
    return _ends_in_secret(words) or _is_key(name, words) or _is_strong_variable(name, words)


@functools.lru_cache(maxsize=16384)
def holds_secrets(name: str) -> bool:
    """Whether a mapping or list under this name holds secrets under names of its own: `passwords`, `apiKeys`."""
    if not is_sensitive(name):
        return False
    words = _without_manner(_words(name))
    return words[-1].endswith(tuple(_COLLECTIONS)) or " ".join(words[-2:]) in _COLLECTIONS


@functools.lru_cache(maxsize=16384)
def mentions_secret(name: str) -> bool:
    """Whether any word of a name is one for a secret, such as `DB_PASSWORD_MAIN`."""
    return any(word in _SECRET or _is_glued(word) for word in _words(name))


def _words(name: str) -> list[str]:
    """The words at the end of a name in small letters and in the singular."""
    return [_singular(word.lower()) for word in _WORD.findall(name[-LONGEST_NAME:])]


def _without_manner(words: list[str]) -> list[str]:
    """Without last words that only say how a secret is written. At least one word stays."""
    end = len(words)
    while end > 1 and (words[end - 1] in _WRITTEN_AS or words[end - 1].isdigit()) and not _ends_in_secret(words[:end]):
        end -= 1
    return words[:end]


def _refers(words: list[str]) -> bool:
    phrase = f" {' '.join(words)} "
    return any(f" {each} " in phrase for each in _REFERENCES)


def _ends_in_secret(words: list[str]) -> bool:
    last = words[-1]
    return last in _SECRET or _is_glued(last) or any(" ".join(words[-length:]) in _SECRET for length in (2, 3))


def _is_glued(word: str) -> bool:
    return word.endswith(_GLUED) and word not in _NOT_GLUED


def _is_key(name: str, words: list[str]) -> bool:
    if words[-1] != "key" or len(words) < 2:
        return False
    owner = words[-2]
    if owner in _KEY_OF or " ".join(words[-3:-1]) in _KEY_OF or name.endswith(".key"):
        return True
    return bool(_ends_in_variable(name)) and owner not in _INNOCENT_KEY_OF


def _is_strong_variable(name: str, words: list[str]) -> bool:
    return len(words) > 1 and words[-2] in _STRONG and words[-1] not in _DESCRIBES and bool(_ends_in_variable(name))


@functools.lru_cache(maxsize=16384)
def says_where_or_what(name: str) -> bool:
    """Whether a value under this name, in a collection of secrets, names something or says what runs."""
    words = _words(name)
    return bool(words) and (words[-1] in _SAYS_WHERE_OR_WHAT or words[-1].endswith("name") or _refers(words))
