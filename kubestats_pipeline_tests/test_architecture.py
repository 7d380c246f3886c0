"""The rooms in ARCHITECTURE.md are those of the package, in an order in which imports run one way."""

import re

from kubestats_pipeline_tests.pages import PAGES
from kubestats_pipeline_tests.test_import_directions import MODULES, PACKAGE, imports_of

ROOMS, INSIDE_SCAN = (
    re.findall(r"^\| `(\w+)/` \|", section, re.MULTILINE)
    for section in PAGES["ARCHITECTURE.md"].partition("## Invariants")[0].split("Inside `scan/`")
)

STILL_BACKWARDS = {("hosts", "discover"), ("scan", "sync")}
"""Imports that a plan exists for; the list only ever gets shorter."""


def folders_of(parent: str) -> set[str]:
    return {path.parent.name for path in (PACKAGE / parent).glob("*/__init__.py")}


def test_every_folder_is_in_the_table():
    assert set(ROOMS) == folders_of("")
    assert set(INSIDE_SCAN) == folders_of("scan")


def test_each_folder_imports_only_from_folders_above_it_in_the_table():
    used = {(name.split(".")[0], imported.split(".")[0]) for name in MODULES for imported in imports_of(name)}
    assert climbing(used, ROOMS) <= STILL_BACKWARDS


def test_each_folder_of_the_scan_imports_only_from_folders_above_it_in_the_table():
    paths = [(name.split("."), imported.split(".")) for name in MODULES for imported in imports_of(name)]
    used = {(a[1], b[1]) for a, b in paths if a[0] == b[0] == "scan" and len(a) > 2 and len(b) > 2}
    assert climbing(used, INSIDE_SCAN) == set()


def climbing(used: set[tuple[str, str]], order: list[str]) -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports from the second, which is below it in the table."""
    place = {room: number for number, room in enumerate(order)}
    return {(a, b) for a, b in used if a in place and b in place and place[a] < place[b]}
