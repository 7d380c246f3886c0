"""Families of hostile files, each of any size: what costs a reader more than its bytes, if it is not careful.

`hostile.py` measures how the time to read them grows; the tests of the scan stage check that the work is bounded.
"""

from collections.abc import Callable

Family = Callable[[int], bytes]
"""Takes a size in bytes, gives a file of about that size."""

RESOURCE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hostile}\n"
_DATA = f"{RESOURCE}data: {{x: '"
_LIST = "apiVersion: v1\nkind: List\nitems:\n"
_POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{image: '"
_BOMB = "b0: &b0 [x, x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]\n" for n in range(1, 80))

REPEATED: dict[str, tuple[str, str, str]] = {
    "deep flow": (f"{RESOURCE}a: ", "[", ""),
    "deep mappings": (f"{RESOURCE}a: ", "{a: ", ""),
    "deep dashes": (f"{RESOURCE}a:\n ", "- ", ""),
    "question marks": (RESOURCE, "? ", ""),
    "empty documents": ("", "---\n", ""),
    "empty documents and a broken one": ("", "---\n", "kind: a: apiVersion:"),
    "resources": ("", f"---\n{RESOURCE}", ""),
    "resources and a broken one": ("", f"---\n{RESOURCE}", "---\na: ["),
    "broken documents": (RESOURCE, "---\na: [\n", ""),
    "documents that break at their end": ("", f"---\n{RESOURCE}a: b: c\n", ""),
    "templates": ("", f"---\n{RESOURCE}{{{{ a }}}}\n", ""),
    "byte-order marks": (RESOURCE, "---\n\ufeff", RESOURCE),
    "an anchor again and again": (f"{RESOURCE}a: [", "&a x,", "]"),
    "aliases of a scalar": (f"{RESOURCE}a: &a x\nb: [", "*a,", "]"),
    "an alias bomb": (f"{RESOURCE}{_BOMB}", "c: d\n", ""),
    "an alias bomb in each document": ("", f"---\n{RESOURCE}{_BOMB}", ""),
    "a merge of many": (f"{RESOURCE}a: &a {{{', '.join(f'k{n}: 1' for n in range(50))}}}\nb:\n  <<: [", "*a,", "]"),
    "merges of versions": (f"{RESOURCE}a: &a {{version: 1.0, tag: 2.0}}\nb: {{", "<<: *a, ", "}"),
    "duplicate keys": (f"{RESOURCE}a: {{", "k: v, ", "}"),
    "duplicate keys of the document": (RESOURCE, "a: v\n", ""),
    "escapes": (f'{RESOURCE}a: "', "\\x41", '"'),
    "escaped surrogates": (f'{RESOURCE}a: "', "\\ud83d\\ude00", '"'),
    "folded lines": (f'{RESOURCE}a: "', "b\n  ", '"'),
    "a block text": (f"{RESOURCE}a: |\n", "  text of it\n", ""),
    "a block text of blank lines": (f"{RESOURCE}a: |\n", "\n", "  x\n"),
    "a folded block text": (f"{RESOURCE}a: >\n", "  x\n", ""),
    "comments": (RESOURCE, "# comment\n", ""),
    "a long comment": (f"{RESOURCE}#", "x", ""),
    "tabs": (f"{RESOURCE}a: b", "\t", "\n"),
    "lines of tabs": (RESOURCE, "\t\n", ""),
    "spaces": (RESOURCE, " ", "\n"),
    "blank lines": (RESOURCE, "\n", ""),
    "a long plain text": (f"{RESOURCE}a: ", "x ", ""),
    "a plain text of many lines": (f"{RESOURCE}a: x\n", "  y\n", ""),
    "a long key": (RESOURCE, "k", ": a\n"),
    "a long key with a question mark": (f"{RESOURCE}? ", "k", "\n: a\n"),
    "pairs of braces": (f"{RESOURCE}a: ", "{}", ""),
    "quotes": (f"{RESOURCE}a: [", '"",', "]"),
    "a quote that is never closed": (f"{RESOURCE}a: '", "x\n", ""),
    "escaped quotes in a broken document": (f"{RESOURCE}a: [\n", '\\"', ""),
    "quotes of both sorts in a broken document": (f"{RESOURCE}a: [\n", "\"'", ""),
    "braces in a broken document": (f"{RESOURCE}a: [\n", "{", ""),
    "hashes in a broken document": (f"{RESOURCE}a: [\n", " #", ""),
    "block texts in a broken document": (RESOURCE, "a: |\n", "b: [\n"),
    "tags": (f"{RESOURCE}a: [", "!!str x,", "]"),
    "a long tag": (f"{RESOURCE}a: !<", "x", "> y"),
    "a long anchor": (f"{RESOURCE}a: &", "x", " y"),
    "digits": (f"{RESOURCE}a: ", "9", ""),
    "binary digits": (f"{RESOURCE}a: 0b", "1", ""),
    "octal digits": (f"{RESOURCE}a: 0", "1", ""),
    "hexadecimal digits": (f"{RESOURCE}a: 0x", "f", ""),
    "decimals": (f"{RESOURCE}a: 0.", "9", ""),
    "an exponent": (f"{RESOURCE}a: 1e", "9", ""),
    "underscores": (f"{RESOURCE}a: 1", "_", "x"),
    "base64": (f"{RESOURCE}a: !!binary ", "aGVs", ""),
    "a List": (_LIST, "- {apiVersion: v1, kind: A, metadata: {name: x}}\n", ""),
    "a List of aliases": (_LIST + "- &a {apiVersion: v1, kind: A, metadata: {name: x}}\n", "- *a\n", ""),
    "text: letters": (_DATA, "a", "'}"),
    "text: sensitive words": (_DATA, "password", "'}"),
    "text: sensitive words and blanks": (_DATA, "password ", "'}"),
    "text: sensitive words and dashes": (_DATA, "secret-", "'}"),
    "text: assignments": (_DATA, "pass=", "'}"),
    "text: blanks after a word": (f"{_DATA}pass", " ", "'}"),
    "text: flags": (_DATA, "--token ", "'}"),
    "text: dashes": (f"{_DATA}token ", "-", "'}"),
    "text: dots": (f"{_DATA}token ", "a.", "'}"),
    "text: slashes": (f"{_DATA}token ", "/", "'}"),
    "text: colons": (f"{_DATA}token ", "a:", "'}"),
    "text: at signs": (_DATA, "a@", "'}"),
    "text: URLs": (_DATA, "://a:", "@ '}"),
    "text: URL of one word": (f"{_DATA}://", "a", "@'}"),
    "text: tags": (_DATA, "<token>", "'}"),
    "text: opened tags": (f"{_DATA}token ", "<", "'}"),
    "text: JWTs": (_DATA, "eyJaaaaaaaa.", "'}"),
    "text: JWTs without dots": (_DATA, "eyJ-", "'}"),
    "text: private keys": (_DATA, "-----BEGIN PRIVATE KEY-----", "'}"),
    "text: beginnings of keys": (_DATA, "-----BEGIN A ", "'}"),
    "text: a long name of a key": (f"{_DATA}-----BEGIN ", "A", "'}"),
    "text: hashes": (_DATA, "$2a$10$", "'}"),
    "text: schemes": (_DATA, "basic a-", "'}"),
    "text: placeholders": (f"{RESOURCE}data: {{password: '", "${", "'}"),
    "text: embedded YAML": (f"{RESOURCE}data:\n  x: |\n", "    password: |\n       a\n", ""),
    "text: embedded Secret": (f"{RESOURCE}data:\n  x: |\n    kind: Secret\n", "    data:\n       a: b\n", ""),
    "key: sensitive words": (f"{RESOURCE}data: {{? ", "pass-word-", " : x}"),
    "key: humps": (f"{RESOURCE}data: {{? ", "aB", " : x}"),
    "image: colons": (_POD, "a:", "'}]}"),
    "image: placeholders": (_POD, "${a", "'}]}"),
    "image: digest": (f"{_POD}x@", "a", "'}]}"),
    "group: dashes": ("apiVersion: ", "a-", "/v1\nkind: Pod\nmetadata: {name: x}"),
}  # fmt: skip
"""What stands before, what is repeated, and what stands after it."""


def _repeat(head: str, unit: str, tail: str) -> Family:
    return lambda size: (head + unit * (size // len(unit.encode())) + tail).encode()


def _number(head: str, unit: str, tail: str) -> Family:
    """The same with `#` in the unit counted up and `@` one less."""

    def family(size: int) -> bytes:
        units = (unit.replace("#", str(n)).replace("@", str(n - 1)) for n in range(1, size // (len(unit) + 8)))
        return (head + "".join(units) + tail).encode()

    return family


FAMILIES: dict[str, Family] = {
    **{name: _repeat(*parts) for name, parts in REPEATED.items()},
    "many anchors": _number(f"{RESOURCE}a: [", "&a# x, ", "]"),
    "a chain of merges": _number(f"{RESOURCE}b0: &b0 {{k0: 1}}\n", "b#: &b# {<<: *b@, k#: 1}\n", ""),
    "a chain of lists": _number(f"{RESOURCE}b0: &b0 [x]\n", "b#: &b# [*b@]\n", ""),
    "a wide mapping": _number(f"{RESOURCE}a: {{", "k#: v, ", "}"),
    "numbers": _number(f"{RESOURCE}a: [", "1#.5, ", "]"),
    "directives": _number("", "%TAG !e#! tag:x,\n", f"---\n{RESOURCE}"),
    "a wide mapping merged again and again": lambda size: _merges(size // 2),
    "deep block mappings": lambda size: (RESOURCE + _stairs(int((2 * size) ** 0.5))).encode(),
    "bytes that are no text in a late document": lambda size: _repeat("", f"---\n{RESOURCE}", "")(size) + b"\xff",
    "bytes that are no text in each document": lambda size: RESOURCE.encode() + b"---\n\xff\n" * (size // 6),
    "NUL": lambda size: RESOURCE.encode() + b"\0" * size,
    "overlong forms": lambda size: RESOURCE.encode() + b"\xc0\xaf" * (size // 2),
    "surrogates": lambda size: RESOURCE.encode() + b"\xed\xa0\x80" * (size // 3),
    "UTF-16": lambda size: f"{RESOURCE}a: [{'x, ' * (size // 6)}]".encode("utf-16"),
    "UTF-16 that is none": lambda size: b"\xff\xfe" + b"\xd8" * size,
    "UTF-32": lambda size: f"{RESOURCE}{'x' * (size // 4)}".encode("utf-32"),
}


def _merges(size: int) -> bytes:
    wide = ", ".join(f"k{n}: 1" for n in range(size // 10))
    merges = "b: {<<: *a}\n" * (size // 12)
    return f"{RESOURCE}a: &a {{{wide}}}\n{merges}".encode()


def _stairs(steps: int) -> str:
    return "".join(f"{' ' * step}a:\n" for step in range(steps))
