"""The house: which room may know which, and what only one room may do. ARCHITECTURE.md says why."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import kubestats_pipeline
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline_tests.scan.world import BROKEN, World, config

PACKAGE = Path(kubestats_pipeline.__file__).parent
ROOT = PACKAGE.name
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path != PACKAGE / "__init__.py"
}

BELOW_STAGES = ("redaction", "lake", "git", "hosts")
STAGES = ("discover", "sync", "scan", "clean", "warehouse", "report")
MOST_MODULES, MOST_LOOSE_MODULES = 16, 8
"""Modules of one folder, and of the package's top level; `__init__` does not count."""

SHIMS = {"scan.facts", "scan.images", "discover.records"}
"""Import paths that were promised to other packages and go on working for one version."""


def tree_of(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


def imports_of(name: str) -> Iterator[str]:
    """The modules of the package that a module imports, at its top or inside a function."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == ROOT:
            base = node.module.removeprefix(ROOT).lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                yield inner if inner in MODULES else base
        elif isinstance(node, ast.Import):
            yield from (each.name.removeprefix(f"{ROOT}.") for each in node.names if each.name.startswith(f"{ROOT}."))


def room_of(name: str) -> str:
    return name.split(".")[0]


def folder_of(name: str) -> str:
    """The folder of a module; a loose module and a package are rooms of their own."""
    is_package = MODULES[name].name == "__init__.py"
    return name if is_package else name.rpartition(".")[0] or name


def circles(arrows: Mapping[str, set[str]]) -> list[str]:
    """The nodes that can be reached from themselves."""

    def reached(start: str) -> set[str]:
        seen, waiting = set[str](), [start]
        while waiting:
            new = arrows.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    return sorted(node for node in arrows if node in reached(node))


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == ["b", "c"]


def test_stages_never_import_one_another_and_nothing_below_imports_a_stage() -> None:
    found = {
        (name, imported)
        for name in MODULES
        if room_of(name) in (*STAGES, *BELOW_STAGES)
        for imported in imports_of(name)
        if room_of(imported) in STAGES and room_of(imported) != room_of(name)
    }
    assert found == set()


def test_no_folder_is_in_a_circle() -> None:
    arrows = defaultdict(set)
    for name in MODULES.keys() - SHIMS:
        for imported in set(imports_of(name)) & MODULES.keys() - SHIMS:
            if folder_of(imported) != folder_of(name):
                arrows[folder_of(name)].add(folder_of(imported))
    assert circles(arrows) == []


def test_documents_are_read_without_git_and_without_kubernetes() -> None:
    rooms = {imported for name in MODULES if name.startswith("scan.documents") for imported in imports_of(name)}
    assert {name for name in rooms if not name.startswith(("scan.documents", "lake.vocabulary"))} == set()


def test_only_redaction_decides_what_is_secret() -> None:
    """No other room compiles a pattern over sensitive words, or keeps a list of them."""
    words = re.compile(r"passw|passphrase|api[-_\[\]. ?]*key|credential|private[-_ ]key", re.IGNORECASE)
    patterns = [
        (name, node.lineno)
        for name in MODULES
        if room_of(name) != "redaction"
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "compile"
        if any(isinstance(part, ast.Constant) and words.search(str(part.value)) for part in ast.walk(node))
    ]
    assert [place for place in patterns if place[0] != "sync.sync"] == []  # it reads git's words about a refusal


WRITERS = {
    "write_snapshot": "sync",
    "put_days": "warehouse",
    **dict.fromkeys(
        ("write_scan", "write_resources", "write_problems", "write_values", "write_applied", "append_events"), "scan"
    ),
}
"""Methods of `RepositoryTables`, and what writes days, each with the one stage that may call it."""


def test_every_table_has_one_writer() -> None:
    """Relocation, retention and the redaction of earlier lakes rewrite whole files, and take rows as they are."""
    stage_of = {name.upper(): table.stage for name, table in TABLES.items()}
    calls = [
        (name, called, node.args[0].id if node.args and isinstance(node.args[0], ast.Name) else "")
        for name in MODULES
        if room_of(name) != "lake"
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Call) and (called := getattr(node.func, "attr", getattr(node.func, "id", "")))
    ]
    writing = [
        (name, WRITERS.get(method) or stage_of.get(table))
        for name, method, table in calls
        if method in WRITERS or (method == "write" and table in stage_of)
    ]
    assert {stage for _, stage in writing} == {table.stage for table in TABLES.values()}
    assert {(name, stage) for name, stage in writing if room_of(name) != stage} == set()


def test_the_resources_of_a_repository_are_put_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They carry the position: what lies beyond it, because a process was killed, is cut off by the next scan."""
    world, names, put = World(tmp_path), list[str](), FolderStore.put
    world.git.commit({"a.yaml": config("a"), "b.yaml": BROKEN})

    def noted(storage: FolderStore, name: str, data: bytes) -> None:
        names.append(name.split("/")[1])
        put(storage, name, data)

    monkeypatch.setattr(FolderStore, "put", noted)
    world.scan()
    assert {"scans", "resource_events", "scan_problems", "helm_values", "applied_resources", "applied_events"} <= set(
        names
    )
    assert (names[-1], names.count("resources")) == ("resources", 1)


def test_no_folder_is_too_full_and_little_lies_loose() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    counts = Counter(str(path.parent.relative_to(PACKAGE)) for path in modules)
    assert counts.pop(".") <= MOST_LOOSE_MODULES
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_a_class_name_is_taken_once() -> None:
    places = defaultdict(list)
    for name in MODULES:
        for node in ast.walk(tree_of(name)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    assert {taken: where for taken, where in places.items() if len(where) > 1} == {}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_state_is_read_out_of_a_message(name: str) -> None:
    """`status_reason`, `sync_error` and their like are for people; columns say the same to programs."""
    read = re.compile(r"(status_reason|sync_error|scan_error)\W{0,4}(\.startswith|\.endswith|\bin\b)")
    assert not read.search(MODULES[name].read_text(encoding="utf-8"))
