"""The choice of what a backup keeps, cut into units that are copied as of one moment.

Kept is what no other place has: the tables, the archive, what waits for its new name, the administrator's decisions,
who was told of what, and `dagster.yaml`, which is the administrator's too. All else below the data directory is a
cache, a result or a history of runs, and is made again. A unit is a group of files that belong together: all tables of
one repository, one table of days, the archive of one repository. `copying.py` copies them.
"""

from collections.abc import Iterator
from pathlib import Path

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.relocation import MIRROR
from kubestats_pipeline.storage.folder import Stamp

Look = dict[str, Stamp | None]
"""Files by their names below the data directory. The name of an empty folder ends with "/", and it has no stamp."""

Unit = tuple[Path, ...]
"""Files and folders that belong together. Some of them may be missing."""


def kept_places(layout: Layout) -> tuple[Path, ...]:
    """All that a backup has, in the order in which it is put back: the lake is last."""
    return (
        layout.archives,
        layout.all_moving,
        layout.decisions,
        layout.told,
        layout.dagster_configuration,
        layout.lake,
    )


def made_places(layout: Layout) -> tuple[Path, ...]:
    """All that follows from other data, so that it must not lie beside restored ones."""
    results = (layout.warehouse, layout.basis, layout.built_from, layout.statistics_basis, layout.report)
    return (*results, layout.dagster_home, layout.replica)


def list_units(layout: Layout) -> Iterator[Unit]:
    """The units in the order in which they are copied. Each is looked for when the one before has been copied.

    The rules by which secrets were withheld come first: a file that is copied later was redacted by them at least. The
    archive comes after the tables, because retention writes it before it takes events out of a log. Decisions come
    after the rows that follow from them: discovery acts upon later ones, and would take back what none asks for.
    """
    yield (layout.redacted_by,)
    yield from _cut(layout.lake, "repository=")
    yield (layout.all_moving,)
    yield from _cut(layout.archives, "repository_id=")
    yield (layout.decisions,)
    yield (layout.told,)
    yield (layout.dagster_configuration,)


def look_at(layout: Layout, unit: Unit) -> Look:
    """The files and empty folders of a unit as they are now, without half-written files and without mirrors."""
    found: Look = {}
    for place in unit:
        _look(place, layout.name_of(place), found)
    return found


def _cut(parent: Path, beginning: str) -> Iterator[Unit]:
    """The folders of each repository below all folders of a parent as a unit, then each folder without such."""
    tables = [parent / name for name in _names(parent) if (parent / name).is_dir()]
    cut = [table for table in tables if any(name.startswith(beginning) for name in _names(table))]
    for folder in sorted({name for table in cut for name in _names(table)}):
        yield tuple(table / folder for table in cut)
    yield from ((table,) for table in tables if table not in cut)


def _names(folder: Path) -> list[str]:
    """The names in a folder, none where it is a file or has just gone."""
    try:
        return sorted(child.name for child in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _look(place: Path, name: str, found: Look) -> None:
    if place.name.endswith(".tmp") or place.name == MIRROR:
        return
    try:
        status = place.stat()
    except FileNotFoundError:  # not there, or taken away since it was listed
        return
    if not place.is_dir():
        found[name] = Stamp.of(status)
        return
    below = len(found)
    for child in _names(place):
        _look(place / child, f"{name}/{child}", found)
    if len(found) == below:
        found[f"{name}/"] = None
