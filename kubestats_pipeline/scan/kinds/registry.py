"""The registry of kind scanners, keyed by (group, kind), never by version.

A scanner is a function from one decoded document to `Facts`. The modules of this package register theirs when they are
imported. A third party names a module with its own under the entry point group `kubestats.kinds`. `generic.py` covers a
kind without a scanner.
"""

import functools
import importlib
from collections.abc import Callable
from importlib.metadata import distributions, entry_points
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts

ENTRY_POINT_GROUP = "kubestats.kinds"
BUILT_IN = (
    "argo",
    "chart_installers",
    "fleet",
    "flux",
    "helm",
    "helm_operator",
    "helmfile",
    "image_automation",
    "k3s",
    "operators",
    "packages",
    "workloads",
)

Scanner = Callable[[Decoded, dict[str, Any]], Facts]
"""Takes a stream's document (for scalars as written) and the resource in it (itself, or an item of a List)."""

_scanners: dict[tuple[str, str], Scanner] = {}


class DuplicateScannerError(Exception):
    """Two modules register a scanner for the same (group, kind)."""


def scanner(group: str, kind: str) -> Callable[[Scanner], Scanner]:
    """Register the decorated function for one kind of one API group, whatever its version.

    Raises:
        DuplicateScannerError: the kind has a scanner from another module already.
    """

    def register(function: Scanner) -> Scanner:
        known = _scanners.get((group, kind))
        if known is not None and known.__module__ != function.__module__:
            raise DuplicateScannerError(
                f"{group}/{kind}: both {known.__module__} and {function.__module__} register it"
            )
        _scanners[group, kind] = function
        return function

    return register


@functools.cache
def load_scanners() -> dict[tuple[str, str], Scanner]:
    """All scanners, built in and from entry points, by (group, kind)."""
    for module in BUILT_IN:
        importlib.import_module(f"kubestats_pipeline.scan.kinds.{module}")
    for entry_point in entry_points(group=ENTRY_POINT_GROUP) if _is_named_by_any() else ():
        entry_point.load()
    return _scanners


def _is_named_by_any() -> bool:
    """True if an installed package names our group. To parse the entry points of all takes twice as long."""
    return any(ENTRY_POINT_GROUP in (each.read_text("entry_points.txt") or "") for each in distributions())
