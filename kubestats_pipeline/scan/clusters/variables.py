"""The variables of an applier: its own ones, and those of ConfigMaps that the repository tells."""

from typing import Any

import orjson

from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec
from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, ObjectSettings, Read
from kubestats_pipeline.scan.clusters.appliers.post_build import KnownVariables
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.object_index import ObjectIndex
from kubestats_pipeline.scan.documents.budget import MAX_VARIABLES
from kubestats_pipeline.scan.facts.facts import Reference
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.flux import public_value
from kubestats_pipeline.scan.manifests.identity import order_of


class VariablesReader:
    """Reads the settings of one node, and records what it has looked up."""

    def __init__(self, objects: ObjectIndex, documents: DeclaredDocuments, cluster: Cluster, reads: set[Read]) -> None:
        self._objects = objects
        self._documents = documents
        self._cluster = cluster
        self._reads = reads

    def settings(self, spec: ApplySpec) -> ObjectSettings:
        """The changes that an applier makes to each object of one of its folders."""
        common = orjson.loads(spec.common) or None
        if not spec.substitutes:
            return ObjectSettings(spec.namespace, common)
        variables = self._variables(spec)
        if len(variables) > MAX_VARIABLES:
            excess = f"its Kustomization has more than {MAX_VARIABLES} variables"
            return ObjectSettings(spec.namespace, common, {}, excess)
        return ObjectSettings(spec.namespace, common, variables)

    def _variables(self, spec: ApplySpec) -> dict[str, str | None]:
        """The variables of an applier. Later ConfigMaps win over earlier ones, and its own variables over all."""
        values, is_known = dict[str, str | None](), True
        for reference in spec.variables_from:
            found = self._config_map(reference) if reference.kind == "ConfigMap" else None
            is_known = is_known and found is not None
            values.update(found or {})
        values.update(spec.variables)
        return KnownVariables(values) if is_known else values

    def _config_map(self, reference: Reference) -> dict[str, str | None] | None:
        """The data of a ConfigMap of the cluster, or None if the repository does not tell it."""
        data = self._data(reference)
        if data is None:
            return None
        return {name: public_value(name, value) for name, value in data.items() if isinstance(value, str)}

    def _data(self, reference: Reference) -> dict[str, Any] | None:
        kind, name = "ConfigMap", reference.name
        self._reads.add(("object", self._cluster, kind, name))
        named = self._objects.named(self._cluster, kind, name)
        if not named:
            self._reads |= {("object", None, kind, name), ("document", kind, name)}
            named = self._objects.everywhere(kind, name)
        found = [(each.key, each.content) for _, each in sorted(named.items(), key=repr)]
        for identity in sorted(self._documents.named(kind, name), key=order_of) if not named else ():
            found.append((identity.key, self._documents.content(identity)))
        for namespace in (reference.namespace, None):
            here = [mapping(content, "data") for key, content in found if (key.group, key.namespace) == ("", namespace)]
            if here:
                return here[0] if all(data == here[0] for data in here) else None
        return None
