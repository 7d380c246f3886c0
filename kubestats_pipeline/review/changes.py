"""The changes of charts and images between two commits, each once with all the places in which it happens."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kubestats_pipeline.scan.store.rows import Row
from kubestats_pipeline.scan.uses import CommitUses

Subject = Literal["chart", "image"]

WATCHED_IMAGES = "image.toolkit.fluxcd.io"
"""The group of ImageRepository, which watches images and runs none."""


class Component(NamedTuple):
    """A chart or an image that something runs.

    Attributes:
        url: canonical location of a chart, or None where it is not known.
    """

    subject: Subject
    name: str
    url: str | None


class Place(NamedTuple):
    """Where something runs: the cluster, or None where the repository does not tell, and the object."""

    cluster: str | None
    kind: str
    namespace: str | None
    name: str


@dataclass(frozen=True)
class VersionChange:
    """One change of versions.

    Attributes:
        before: the version before, or None for what is new there.
        after: the version after, or None for what is gone.
        places: where it happens.
    """

    part: Component
    before: str | None
    after: str | None
    places: tuple[Place, ...]


def find_changes(before: CommitUses, after: CommitUses) -> list[VersionChange]:
    """All changes of versions, charts first, by name. A new spelling of a file alone is not one."""
    found = defaultdict[tuple[Component, str | None, str | None], list[Place]](list)
    for use_id in sorted(before.uses.keys() | after.uses.keys()):
        old, new = before.uses.get(use_id), after.uses.get(use_id)
        place = _place(new or old or {})
        for part, one, other in _compared(_parts(old), _parts(new)):
            found[part, one, other].append(place)
    changes = [VersionChange(*key, tuple(sorted(places, key=str))) for key, places in found.items()]
    return sorted(changes, key=lambda change: (change.part.subject, change.part.name, str(change)))


def _place(row: Row) -> Place:
    return Place(row.get("cluster"), row["kind"], row["namespace"], row["name"])


def _parts(row: Row | None) -> Mapping[Component, frozenset[str]]:
    """The chart and images of a use in active context, each with its versions. Without any the version is empty."""
    if row is None or row["context"] != "active":
        return {}
    found = defaultdict[Component, set[str]](set)
    if row["resolution"] != "not_applicable" and row["chart_name"]:
        url = row["chart_url"] if row["resolution"] == "exact" else None
        found[Component("chart", row["chart_name"], url)].add(row.get("version_tag") or row["version"] or "")
    for image in row["images"] if row["api_group"] != WATCHED_IMAGES else ():
        found[Component("image", image["image"], None)].add(image["tag"] or image["digest"] or "")
    return {part: frozenset(versions) for part, versions in found.items()}


def _compared(
    old: Mapping[Component, frozenset[str]], new: Mapping[Component, frozenset[str]]
) -> Iterator[tuple[Component, str | None, str | None]]:
    for part in sorted({*old, *new}, key=str):
        gone = sorted(old.get(part, frozenset()) - new.get(part, frozenset()))
        come = sorted(new.get(part, frozenset()) - old.get(part, frozenset()))
        before, is_new = (gone[0] if len(gone) == 1 else None), part not in old
        for version in come:
            yield part, (None if is_new else before if before is not None else ", ".join(gone) or None), version
        if part not in new:
            yield from ((part, version, None) for version in gone)
