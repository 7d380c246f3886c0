"""Imports run one way: stages meet only in the tables and the mirror, and nothing below knows what stands above."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import kubestats_pipeline

PACKAGE = Path(kubestats_pipeline.__file__).parent
ROOT = PACKAGE.name
STAGES = ("discover", "sync", "scan", "warehouse", "clean")
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}

BACKWARDS = {
    ("scan.scan", "sync.mirror"),
    ("clean.mirrors", "sync.mirror"),
}
"""Imports that a plan exists for; the list only ever gets shorter."""


def imports_of(name: str) -> Iterator[str]:
    """The modules of the package that a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == ROOT:
            base = node.module.removeprefix(ROOT).lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                yield inner if inner in MODULES or f"{inner}.__init__" in MODULES else base
        elif isinstance(node, ast.Import):
            yield from (each.name.removeprefix(f"{ROOT}.") for each in node.names if each.name.startswith(f"{ROOT}."))


def test_no_stage_imports_another_and_no_host_imports_a_stage():
    found = {
        (name, imported)
        for name in MODULES
        for imported in imports_of(name)
        if (room := name.split(".")[0]) in (*STAGES, "hosts")
        and imported.split(".")[0] in STAGES
        and imported.split(".")[0] != room
    }
    assert found == BACKWARDS


FULLEST = 16
"""Modules that one folder may hold, `__init__` not counted."""


def folder_of(name: str) -> str:
    """The folder of a module; a module on the package's top level is a room of its own."""
    return name.removesuffix(".__init__") if name.endswith(".__init__") else name.rpartition(".")[0] or name


def test_no_folder_is_in_a_circle_of_imports():
    pairs = {(folder_of(name), imported) for name in MODULES for imported in imports_of(name)}
    arrows = {
        (folder, room)
        for folder, imported in pairs
        if (room := imported if f"{imported}.__init__" in MODULES else folder_of(imported)) != folder
    }
    folders = {folder for arrow in arrows for folder in arrow}
    while leaves := {folder for folder in folders if not any(source == folder for source, _ in arrows)}:
        folders -= leaves
        arrows = {(source, target) for source, target in arrows if target not in leaves}
    assert sorted(arrows) == []


def test_no_folder_is_too_full_to_be_read_at_a_glance():
    counted = Counter(folder_of(name) for name in MODULES if not name.endswith("__init__"))
    assert {folder: count for folder, count in counted.items() if count > FULLEST} == {}
