"""Strangers' words on a terminal: names, subjects and messages without what a terminal would obey.

A commit subject or a path may hold control characters, which move the cursor or change what was printed before, and
bidirectional ones, which show a text in another order than it has (Unicode Technical Report 36, section 2.10). Whatever
is shown passes through here. Files keep texts as they are.
"""

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: chr(0x2421)}
"""Unicode's pictures of control characters, such as ␛."""

_BIDIRECTIONAL = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_OTHERS = (*range(0x80, 0xA0), *_BIDIRECTIONAL, 0x2028, 0x2029)
_SURROGATES = range(0xD800, 0xE000)
"""Replacement for bytes of a file name that are not UTF-8, which a terminal cannot show."""


def _escapes(codes: tuple[int, ...]) -> dict[int, str]:
    return {code: f"\\u{code:04x}" for code in codes}


_ONE_LINE = {**_PICTURES, **_escapes((*_OTHERS, *_SURROGATES))}
_LINES = {code: shown for code, shown in _ONE_LINE.items() if chr(code) not in "\n\t"}
_JSON = _escapes((0x7F, *_OTHERS))


def plain(text: str) -> str:
    """A text on one line, with visible substitutes for control and bidirectional characters."""
    return text.translate(_ONE_LINE)


def plain_lines(text: str) -> str:
    """The same for a text that may have several lines and tabs."""
    return text.translate(_LINES)


def plain_json(text: str) -> str:
    """The same for JSON, which stays the same document: JSON has escapes for all of them (RFC 8259, section 7)."""
    return text.translate(_JSON)
