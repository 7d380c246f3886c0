"""Strategies for YAML texts that mean something: every style, anchors, merges, tags, comments and odd scalars."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

# fmt: off
ODD = [
    "10:30", "1:30:45", "190:20:30.15", "y", "N", "yes", "oN", "Off", "true", "FALSE", "tRue", "~", "null", "Null",
    "nUll",
    "0o777", "0777", "08", "0o8", "0b101", "0B1", "0b2", "0x1F", "0X1f", "-0x2", "0x_1", "0x", "1e3", "1.5e3", "1e+3",
    "1E-2", ".5", "1.", "-.5", "+.5", "-.5e3", "1.10", "2.0", "2024-01-01", "2024-1-1",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5", "=", "<<", "1_000", "1_000.5", "1__2", "_1", "_", "+12", "-7", "0", "-0", "-0.0",
    "+0", "00",
    "1.2.3", "v1", "41", "012", "-012", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "-9223372036854775809", "18446744073709551615", "18446744073709551616", "1e21", "1e22", "1e400", "-1e400",
    "1e-400",
    "4.9e-324", "0.1e1", "12e", "e5", ".", "+", "-1", ".5.5", "1:60", "~a", "nulls", "aGk=", "a", "a b  c", "a#b",
    "http://x:80/y", "${A:=1}", "0.1", "100000000000000000000000", "123456789.123456789", "3.4028235e39", "1e15",
    "1e16",
    "-2.5E+7", "0xFFFFFFFFFFFFFFFF", "0x8000000000000000", "01777777777777777777777", "0b" + "1" * 64, "0o7_7",
    "1e1_0",
    ".iNf", "Yes", "NO", "on", "ON", "True", "é", "日本", "\U0001f600", "\xa0x",
]
# fmt: on
NUMBERS = st.from_regex(r"\A[-+]?(0[xob]?)?[0-9_]{1,6}(\.[0-9_]{0,3})?([eE][-+]?[0-9]{1,3})?\Z")
PLAIN = st.one_of(st.sampled_from(ODD), NUMBERS, st.sampled_from(ODD))
WORDS = st.text(st.sampled_from("ab c'\"\\:#-0.\t{}[],&*!|>%@`é\U0001f600"), max_size=12)
TAGS = st.sampled_from([*[""] * 16, "!x ", "!!str ", "! ", "!<y> ", "!!int ", "!!float ", "!!bool ", "!!null "])
DOUBLE = st.sampled_from(
    ["\\n", "\\t", "\\\\", '\\"', "\\x41", "\\u00e9", "\\0", "\\e", "\\_", "\\N", "\\L", "a", " ", "'"]
)
# fmt: off
KEYS = st.sampled_from([
    "a", "b", "c", "tag", "version", "a b", "'q'", '"d"', "10:30", "0o17", "1.5", "yes", "off", "2024-01-01", "=",
    "1e3",
    "-7", "0x20", "1e-7", "1e22", "é", "12345678.9", "08", "!!str 3", "!x y",
])
# fmt: on
"""No two of them become the same text: which of `1` and `"1"` wins is decided by chance in Kubernetes."""


@dataclass
class _Writer:
    """Writes one document; remembers the anchors that are defined so far, and which of them are mappings."""

    draw: st.DrawFn
    anchors: list[str] = field(default_factory=list)
    mappings: list[str] = field(default_factory=list)

    def some(self, options: Sequence[str]) -> str:
        return self.draw(st.sampled_from(options))

    def anchor(self) -> str:
        return f"&{self.some('pqrs')} " if self.draw(st.integers(0, 4)) == 0 else ""

    def define(self, anchor: str, *, mapping: bool = False) -> None:
        name = anchor.strip(" &")
        if name:
            self.anchors.append(name)
            self.mappings = [each for each in self.mappings if each != name] + [name] * mapping

    def scalar(self) -> str:
        """A scalar on one line."""
        if self.anchors and self.draw(st.integers(0, 6)) == 0:
            return f"*{self.some(self.anchors)} "
        anchor, tag = self.anchor(), self.draw(TAGS)
        self.define(anchor)
        style = self.draw(st.integers(0, 4))
        if style == 0:
            return f"{anchor}{tag}'{self.draw(WORDS).replace(chr(39), chr(39) * 2)}'"
        if style == 1:
            return f'{anchor}{tag}"{"".join(self.draw(st.lists(DOUBLE, max_size=5)))}"'
        return f"{anchor}{tag}{self.draw(PLAIN)}"

    def flow(self, depth: int) -> str:
        """A flow collection on one line, or a scalar."""
        kind = self.draw(st.integers(0, 3)) if depth else 3
        if kind == 0:
            return f"[{', '.join(self.flow(depth - 1) for _ in range(self.draw(st.integers(0, 3))))}]"
        if kind == 1:
            anchor = self.anchor()
            members = [f"{self.draw(KEYS)} : {self.flow(depth - 1)}" for _ in range(self.draw(st.integers(0, 3)))]
            if self.mappings and self.draw(st.booleans()):
                members.insert(self.draw(st.integers(0, len(members))), f"<<: {self.merged()}")
            self.define(anchor, mapping=True)
            return f"{anchor}{{{', '.join(members)}}}"
        return self.scalar()

    def merged(self) -> str:
        names = [self.some(self.mappings) for _ in range(self.draw(st.integers(1, 3)))]
        return f"*{names[0]} " if len(names) == 1 else f"[{', '.join(f'*{name} ' for name in names)}]"

    def text(self, indent: int) -> str:
        """A block scalar, its header first."""
        header = self.some("|>") + self.some(["", "-", "+"])
        lines = [self.draw(WORDS).replace("\t", " ").strip() for _ in range(self.draw(st.integers(1, 4)))]
        pad = " " * (indent + self.draw(st.integers(1, 3)))
        body = "".join(
            f"{pad}{self.some(['', '', '  ']) if number else ''}{line}\n" for number, line in enumerate(lines)
        )
        return f"{header}\n{body}" + "\n" * self.draw(st.integers(0, 2))

    def block(self, indent: int, depth: int) -> str:
        """A block mapping or sequence, each line indented, ended by a line break."""
        pad = " " * indent
        sequence = self.draw(st.integers(0, 3)) == 0
        lines = []
        for number in range(self.draw(st.integers(1, 4))):
            if self.draw(st.integers(0, 8)) == 0:
                lines.append(self.some([f"{pad}# comment\n", "\n", "# comment: x\n"]))
            if not sequence and self.mappings and self.draw(st.integers(0, 5)) == 0:
                lines.append(f"{pad}<<: {self.merged()}\n")
            key = (
                "-"
                if sequence
                else f"{self.some(['', '? '])}{self.draw(KEYS)}"
                if number > 3
                else f"{self.draw(KEYS)}:"
            )
            lines.append(f"{pad}{key}{self.value(indent, depth)}")
        return "".join(lines)

    def value(self, indent: int, depth: int) -> str:
        """What stands after a key or a dash, up to and with its line break."""
        kind = self.draw(st.integers(0, 5))
        if kind == 0:
            return f" {self.text(indent)}"
        if kind in (1, 2) and depth:
            anchor = self.anchor()
            body = self.block(indent + self.draw(st.integers(1, 3)), depth - 1)
            self.define(anchor, mapping="- " not in body and "-\n" not in body)
            return f" {anchor}\n{body}"
        return f" {self.flow(2)}{self.some(['', '', ' # comment'])}\n"


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """A resource whose spec is anything."""
    writer = _Writer(draw)
    head = "apiVersion: example.org/v1\nkind: Anything\nmetadata: {name: oracle}\nspec:\n"
    return head + writer.block(2, draw(st.integers(0, 3)))
