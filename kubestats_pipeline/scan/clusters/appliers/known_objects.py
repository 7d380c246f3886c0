"""The objects of the last build of an applier, which serve again for all that is built as before."""

from collections.abc import Hashable, Iterable
from functools import cached_property

from kubestats_pipeline.scan.build.objects import BuiltObject
from kubestats_pipeline.scan.clusters.appliers import argo, resource_sets
from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject, ObjectSettings, Part

EXPANDED_KINDS = (resource_sets.KIND, argo.APPLICATION, argo.APPLICATION_SET)
"""Kinds of objects whose children depend on more than the object."""


class KnownObjects:
    """The objects of the last build of a node. Equal parts mostly give the same object again."""

    def __init__(self, objects: Iterable[ClusterObject], parts: tuple[Part, ...]) -> None:
        self._by_built = {id(each.built): each for each in objects}
        self._parts = parts

    def unchanged(self, built: BuiltObject, settings: ObjectSettings) -> ClusterObject | None:
        """The former object, if it was made of equal content with the same settings."""
        former = self._by_built.get(id(built)) or (self._by_name.get(_name_of(built)) if self._by_built else None)
        if former is None or former.settings is not settings or former.key.kind in EXPANDED_KINDS:
            return None
        return former if former.built is built or former.built == built else None

    @cached_property
    def _by_name(self) -> dict[Hashable, ClusterObject]:
        """The objects that are not found by identity, as nearly all are."""
        present = {id(built) for _, build, _ in self._parts for built in build.objects}
        return {_name_of(each.built): each for each in self._by_built.values() if id(each.built) not in present}


def _name_of(built: BuiltObject) -> Hashable:
    """The name by which an object is found among those of the last build. A document may be built several times."""
    metadata = built.content.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return built.origin, str(built.content.get("kind")), str(name)
