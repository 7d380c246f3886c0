"""One line of YAML in block style: its key or item, and the value that ends on it or begins below it.

Only lines that mean the same in every place are understood. `plain_lines.py` puts documents together of them.
"""

import functools
import re
from dataclasses import dataclass
from typing import Any, Literal

from kubestats_pipeline.scan.documents.document import CHARACTERS_PER_NODE, VERSION_KEYS, Bounds, DecodeError
from kubestats_pipeline.scan.documents.scalars import ScalarError, resolve_key, resolve_value
from kubestats_pipeline.scan.documents.stream import decode_stream

LONGEST_LINE = 2_000
"""Characters of a line. Longer ones are seldom read twice."""

_LINE = re.compile(
    r"""(?P<marker>---\ *+)
    | \ *+(?:\#.*)?
    | (?P<indent>\ *+) (?P<dash>-(?:\ ++|$))?
      (?:(?:(?P<key>[A-Za-z0-9_./][A-Za-z0-9_./-]{0,200}+|<<)
        |"(?P<quoted>[^"\\]{1,200}+)"
        |\*(?P<referred>[A-Za-z0-9_-]++)\ ++
      ):(?:\ ++|$))?
      (?P<tag>!!str\ ++)?
      (?:&(?P<anchor>[A-Za-z0-9_-]++)(?:\ ++|$))?
      (?P<tag_behind>!!str\ ++)?
      (?:(?P<plain>(?:[\w./$(+<=~^\\]|-(?=[^ ]))[^ :#]*+(?:(?::(?=[^ ])|\#|\ ++(?=[^ #]))[^ :#]*+)*+)
        |"(?P<double>[^"\\]*+)"
        |'(?P<single>[^']*+)'
        |\*(?P<alias>[A-Za-z0-9_-]++)
        |(?P<block>[|>]-?)
        |(?P<flow>[\[{"'].*)
      )?
      (?:(?:\ ++|(?<=\ ))(?:\#.*)?)?
    """,
    re.VERBOSE,
)
"""A marker of a document, a comment or nothing, or an entry. A plain scalar ends before `: ` and ` #`."""

_ALIASES = re.compile(r"\[ *\*[A-Za-z0-9_-]+ *(?:, *\*[A-Za-z0-9_-]+ *)*\](?: +(?:#.*)?)?")
_NAME = re.compile(r"\*([A-Za-z0-9_-]+)")

_Form = Literal["scalar", "open", "below", "anchored", "alias", "aliases", "merge", "literal", "folded", "flow", "end"]


class NotPlainError(Exception):
    """The lines must be read by libyaml."""


@dataclass(slots=True, eq=False)
class PlainLine:
    """A line that is not empty.

    Attributes:
        form: of the value. An `open` one stands below, and is `below` if it has an anchor. At an `end` a document ends.
        column: of the first token, from 0.
        inner: the column of the key, or of the item if it has no key.
        key: empty for an item without one, and where it is an alias.
        nodes: of the key, and of the value if it is complete.
        value: a scalar, a collection in flow style, the names that aliases repeat, or the end of a block text.
        text: a scalar as written, if it has an anchor, or if it is a number under a version-like key.
        anchor: the name of an anchor at the value.
        referred_key: the name that the key repeats as an alias.
    """

    form: _Form
    column: int = -1
    inner: int = -1
    is_item: bool = False
    key: str = ""
    nodes: int = 0
    value: Any = None
    text: str | None = None
    anchor: str | None = None
    referred_key: str = ""


MARKER, END = PlainLine("end"), PlainLine("end")


@functools.lru_cache(maxsize=16384)
def read_line(text: str) -> PlainLine | None:
    """The meaning of a line, or None for a comment and an empty line. A result is shared, never changed.

    Raises:
        NotPlainError: it depends on other lines, or is not plain.
    """
    match = _LINE.fullmatch(text) if len(text) <= LONGEST_LINE else None
    if match is None:
        raise NotPlainError
    marker, indent, dash, key, quoted, referred, *marks, plain, double, single, alias, block, flow = match.groups()
    tag, anchor, tag_behind = marks
    if indent is None:
        return MARKER if marker is not None else None
    if (key or quoted or dash) is None and referred is None:
        raise NotPlainError
    column, tags = len(indent), [each for each in (tag, tag_behind) if each is not None]
    line = PlainLine("open" if anchor is None else "below", column, column, dash is not None, "", 0, None, None, anchor)
    try:
        if key is not None or quoted is not None:
            line.inner += len(dash or "")
            line.key = quoted or resolve_key(key)
            line.nodes = nodes_of(quoted or key)
        if plain is not None:
            _set_scalar(line, plain, resolve_value(plain) if not tags else plain)
        elif (literal := double if double is not None else single) is not None:
            _set_scalar(line, literal, literal)
        elif flow is not None:
            _set_flow(line, flow)
    except (ScalarError, DecodeError):
        raise NotPlainError from None
    if block is not None:
        line.form, line.value = "literal" if block[0] == "|" else "folded", "" if block[1:] else "\n"
    elif alias is not None:
        line.form, line.value = "alias", alias
    if referred is not None:
        line.referred_key = referred
    if (referred and dash) or (anchor and (flow or alias)):
        raise NotPlainError
    if tags and (len(tags) > 1 or line.form in ("open", "below", "alias", "aliases", "flow") or flow is not None):
        raise NotPlainError
    return _as_merge(line) if key == "<<" else line


def _as_merge(line: PlainLine) -> PlainLine:
    """A line that merges the mapping that an alias repeats. Its key is no node."""
    if line.form != "alias":
        raise NotPlainError
    line.form, line.nodes = "merge", 0
    return line


def _set_scalar(line: PlainLine, text: str, value: Any) -> None:
    line.value = value
    line.nodes += nodes_of(text)
    if line.anchor is not None:
        line.form, line.text = "anchored", text
        return
    line.form = "scalar"
    if line.key in VERSION_KEYS and type(value) in (int, float):
        line.text = text


def _set_flow(line: PlainLine, text: str) -> None:
    """Set a value in brackets or quotation marks, which libyaml reads, but for a list of aliases alone."""
    if _ALIASES.fullmatch(text):
        line.form, line.value = "aliases", _NAME.findall(text.partition("]")[0])
        line.nodes += 1
        return
    document, *others = decode_stream(f"{text}\n".encode(), Bounds())
    is_collection = isinstance(document.content, dict | list)
    if others or document.written or document.anchors or document.repeated_keys or is_collection != (text[0] in "[{"):
        raise NotPlainError
    line.form, line.value = "flow" if is_collection else "scalar", document.content
    line.nodes += document.nodes


def nodes_of(text: str) -> int:
    """The number of nodes that a scalar counts for."""
    return 1 + len(text) // CHARACTERS_PER_NODE
