"""Families of hostile files of any size, which cost a careless reader more than their bytes.

`hostile.py` measures how the time to read them grows. The tests of the scan stage check that the work is bounded.
"""

import json
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
"""The text before, the text that is repeated, and the text after it."""


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


Tree = Callable[[int], dict[str, str]]
"""Takes a number, gives the files of a repository that has so many of something."""

_CHART = {"spec": {"chart": "web", "version": "${v}", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}


def _resource(kind: str, name: str, api: str = "v1", **fields: object) -> str:
    return json.dumps({"apiVersion": api, "kind": kind, "metadata": {"name": name}, **fields}) + "\n"


def _release(name: str, **spec: object) -> str:
    return _resource("HelmRelease", name, "helm.toolkit.fluxcd.io/v2", spec={"chart": _CHART, **spec})


def _flux(name: str, path: str, **spec: object) -> str:
    return _resource("Kustomization", name, "kustomize.toolkit.fluxcd.io/v1", spec={"path": path, **spec})


def _variables(**values: str) -> dict[str, object]:
    return {"postBuild": {"substitute": values}}


def _patched(patches: list[dict[str, object]], releases: int = 1) -> dict[str, str]:
    names = [f"r{n}.yaml" for n in range(releases)]
    files = {f"app/{name}": _release(name[:-5]) for name in names}
    return files | {"app/kustomization.yaml": json.dumps({"resources": names, "patches": patches})}


def _operation(number: int = 0) -> dict[str, object]:
    return {"op": "add", "path": f"/spec/chart/spec/x{number}", "value": number}


def _patch(number: int = 0) -> dict[str, object]:
    return {"target": {"kind": "HelmRelease", "name": "r.*"}, "patch": json.dumps([_operation(number)])}


def _merge(number: int) -> dict[str, object]:
    return {"patch": _release("r0", chart={"spec": {f"x{number}": number}})}


SOURCE = _resource(
    "HelmRepository", "charts", "source.toolkit.fluxcd.io/v1", spec={"url": "https://charts.example.org"}
)

TREES: dict[str, Tree] = {
    "files": lambda n: {f"a{each}.yaml": _resource("ConfigMap", f"a{each}") for each in range(n)},
    "files that are the same": lambda n: {f"{each}/a.yaml": _resource("ConfigMap", "a") for each in range(n)},
    "files that are broken": lambda n: {f"a{each}.yaml": "kind: a: apiVersion" for each in range(n)},
    "resources of one name in a file": lambda n: {"a.yaml": f"---\n{RESOURCE}" * n},
    "entries of a kustomization": lambda n: _patched([], n),
    "kustomizations over each other": lambda n: {
        "k0/r.yaml": _release("r"),
        "k0/kustomization.yaml": json.dumps({"resources": ["r.yaml"]}),
        **{f"k{each}/kustomization.yaml": json.dumps({"resources": [f"../k{each - 1}"]}) for each in range(1, n)},
    },
    "patches of a release": lambda n: _patched([_patch(each) for each in range(n)]),
    "merged patches of a release": lambda n: _patched([_merge(each) for each in range(n)]),
    "operations of a patch": lambda n: _patched(
        [{"target": {"kind": "HelmRelease"}, "patch": json.dumps([_operation(each) for each in range(n)])}]
    ),
    "releases under one patch": lambda n: _patched([_patch()], n),
    "components": lambda n: {
        "app/kustomization.yaml": json.dumps(
            {"resources": ["r.yaml"], "components": [f"../c{each}" for each in range(n)]}
        ),
        "app/r.yaml": _release("r"),
        **{f"c{each}/kustomization.yaml": json.dumps({"namespace": f"n{each}"}) for each in range(n)},
    },
    "images of a kustomization": lambda n: {
        "a/kustomization.yaml": json.dumps(
            {"resources": ["p.yaml"], "images": [{"name": f"i{each}"} for each in range(n)]}
        ),
        "a/p.yaml": _resource("Pod", "p", spec={"containers": [{"image": "i0:1"}]}),
    },
    "variables of a Kustomization": lambda n: {
        "ks.yaml": _flux("app", "app", **_variables(**{f"v{each}": "1.0" for each in range(n)})),
        "app/r.yaml": _release("r"),
    },
    "variables in a release": lambda n: {
        "ks.yaml": _flux("app", "app", **_variables(v="1.0", w="a" * 100)),
        "app/p.yaml": _resource("Pod", "p", spec={"containers": [{"image": "i:${w//a/b}${v}"} for _ in range(n)]}),
    },
    "releases under variables": lambda n: {
        "ks.yaml": _flux("app", "app", **_variables(v="1.0")),
        **{f"app/r{each}.yaml": _release(f"r{each}") for each in range(n)},
    },
    "values that refer to each other": lambda n: {
        "ks.yaml": _flux("app", "app", **_variables(v="1.0")),
        "app/r.yaml": _release("r").replace("${v}", "${v:=" * n + "}" * n),
    },
    "Kustomizations": lambda n: {f"ks{each}.yaml": _flux(f"k{each}", f"app{each}") for each in range(n)},
    "Kustomizations of one folder": lambda n: {
        **{f"ks{each}.yaml": _flux(f"k{each}", "app", **_variables(v=f"{each}.0")) for each in range(n)},
        "app/r.yaml": _release("r"),
    },
    "sources": lambda n: {f"s{each}.yaml": SOURCE.replace("charts", f"c{each}") for each in range(n)},
    "releases of one source": lambda n: {
        "s.yaml": SOURCE,
        **{f"r{each}.yaml": _release(f"r{each}") for each in range(n)},
    },
    "releases of a source each": lambda n: {
        **{f"s{each}.yaml": SOURCE.replace("charts", f"c{each}") for each in range(n)},
        **{f"r{each}.yaml": _release(f"r{each}").replace("charts", f"c{each}") for each in range(n)},
    },
    "generated ConfigMaps": lambda n: {
        "kustomization.yaml": json.dumps(
            {"configMapGenerator": [{"name": f"c{each}", "literals": ["a=b"]} for each in range(n)]}
        )
    },
    "charts of a Chart.yaml": lambda n: {
        "a/Chart.yaml": json.dumps(
            {"name": "a", "dependencies": [{"name": f"d{each}", "version": "1"} for each in range(n)]}
        )
    },
}
"""Repositories that cost more than their size, if the scan is not careful."""
