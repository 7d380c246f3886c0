"""Variables of Flux Kustomizations: their own, and those of the ConfigMaps of their cluster.

Variables of Secrets, and of ConfigMaps that are only in the cluster, are not known.
"""

from typing import Any

import orjson

from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec
from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, ObjectSettings
from kubestats_pipeline.scan.clusters.appliers.post_build import KnownVariables
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.object_index import ObjectIndex, Read
from kubestats_pipeline.scan.documents.budget import MAX_VARIABLES
from kubestats_pipeline.scan.facts.facts import Reference
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.flux import public_value
from kubestats_pipeline.scan.manifests.identity import order_of

KEPT = 64
"""ConfigMaps whose public values are kept. Most appliers of a cluster read the same few."""


class Variables:
    """Looks up the variables of appliers."""

    def __init__(self, index: ObjectIndex, documents: DeclaredDocuments) -> None:
        self._index = index
        self._documents = documents
        self._public: dict[int, tuple[dict[str, Any], dict[str, str | None]]] = {}

    def settings(self, cluster: Cluster, spec: ApplySpec, reads: set[Read]) -> ObjectSettings:
        """The changes that an applier makes to the objects of a folder. The look-ups are added to `reads`."""
        common = orjson.loads(spec.common) or None
        plain = ObjectSettings(spec.namespace, spec.forces_namespace, common, helm=orjson.loads(spec.helm) or None)
        if not spec.substitutes:
            return plain
        variables = self._values(cluster, spec, reads)
        if len(variables) > MAX_VARIABLES:
            return plain._replace(variables={}, excess=f"its Kustomization has more than {MAX_VARIABLES} variables")
        return plain._replace(variables=variables)

    def _values(self, cluster: Cluster, spec: ApplySpec, reads: set[Read]) -> dict[str, str | None]:
        """The variables of an applier. Later ConfigMaps win over earlier ones, and its own variables over all."""
        values, is_known = dict[str, str | None](), True
        for reference in spec.variables_from:
            found = self._config_map(cluster, reference, reads) if reference.kind == "ConfigMap" else None
            is_known = is_known and found is not None
            values.update(found or {})
        values.update(spec.variables)
        return KnownVariables(values) if is_known else values

    def _config_map(self, cluster: Cluster, reference: Reference, reads: set[Read]) -> dict[str, str | None] | None:
        """The data of a ConfigMap of the cluster, or None if the repository does not tell it."""
        data = self._data(cluster, reference, reads)
        return None if data is None else self._public_values(data)

    def _public_values(self, data: dict[str, Any]) -> dict[str, str | None]:
        """The values of a ConfigMap as they may be told. Its data never changes, so they are found out once."""
        known = self._public.get(id(data))
        if known is None or known[0] is not data:
            values = {name: public_value(name, value) for name, value in data.items() if isinstance(value, str)}
            while len(self._public) >= KEPT:
                del self._public[next(iter(self._public))]
            known = self._public[id(data)] = data, values
        return known[1]

    def _data(self, cluster: Cluster, reference: Reference, reads: set[Read]) -> dict[str, Any] | None:
        kind, name = "ConfigMap", reference.name
        reads.add(("object", cluster, kind, name))
        named = self._index.named(cluster, kind, name)
        if not named:
            reads |= {("object", None, kind, name), ("document", kind, name)}
            named = self._index.everywhere(kind, name)
        places = sorted(named, key=repr) if len(named) > 1 else named
        found = [(named[at].key, named[at].content) for at in places]
        documents = self._documents
        for identity in sorted(documents.named(kind, name), key=order_of) if not named else ():
            found.append((identity.key, documents.content(identity)))
        for namespace in (reference.namespace, None):
            here = [mapping(content, "data") for key, content in found if (key.group, key.namespace) == ("", namespace)]
            if here:
                return here[0] if all(data == here[0] for data in here) else None
        return None
