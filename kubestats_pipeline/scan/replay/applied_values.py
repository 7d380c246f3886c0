"""Helm values of what clusters run, from commit to commit: the images that they give, and the rows that they change.

`scan/values` merges them. While an object cannot be built, its values count as those of its document.
"""

from collections.abc import Iterable, Mapping

from kubestats_pipeline.scan.clusters.applied import AppliedKey, AppliedObject
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.replay.applied_history import AppliedHistory
from kubestats_pipeline.scan.replay.records import Resource
from kubestats_pipeline.scan.values.applications import ApplicationValues
from kubestats_pipeline.scan.values.merge import ValuesTree

Applied = Mapping[AppliedKey, AppliedObject | None]
"""Objects of clusters that changed. None stands for one that is gone."""


class AppliedValues:
    """The values of what the clusters of one repository run.

    Args:
        values: the values of each application.
        history: the objects that clusters run.
    """

    def __init__(self, values: ApplicationValues, history: AppliedHistory) -> None:
        self._values = values
        self._history = history
        self._held: frozenset[AppliedKey] = frozenset()

    def hold(self) -> frozenset[AppliedKey]:
        """The saved objects that are still run, although they cannot be built at this commit."""
        self._held = self._values.clusters.hold(self._history.active)
        return self._held

    def take(self, touched: Iterable[str]) -> Applied:
        """The objects that changed since the last call, with those that take values from files in `touched`."""
        return self._values.take_applied(touched)

    def described(self, applied: Applied, active: Mapping[Identity, Resource]) -> Applied:
        """The same objects with the images of their values. `active` has the resources after the commit."""
        found: dict[AppliedKey, AppliedObject | None] = {}
        for key, each in applied.items():
            resource = active.get(each.origin) if each is not None and each.origin is not None else None
            if each is None or (resource is not None and not resource.is_released):
                found[key] = each
            elif resource is None:
                found[key] = self._values.with_images(key, each, None, None)
            else:
                found[key] = self._values.with_images(key, each, resource.manifest, resource.values)
        return found

    def affected(self, applied: Applied, active: Mapping[Identity, Resource]) -> set[str]:
        """The ids of the resources whose values in a cluster may differ from their rows in the lake."""
        before, self._held = self._held, self._values.clusters.hold(())
        newly = self._held - before if self._held is not before else ()
        records = (self._history.active.get(key) for key in newly)
        held = {record.origin for record in records if record is not None}
        origins = held | {each.origin for each in applied.values() if each is not None}
        return {active[origin].resource_id for origin in origins if origin is not None and origin in active}

    def read(self, resource: Resource) -> dict[str, ValuesTree | None]:
        """The values of a release by the ids of its applications, None where they are those of its document."""
        return {
            applied_id: self._values.read(key, resource.manifest, resource.values)
            for applied_id, key in self._history.applications(resource.identity).items()
        }
