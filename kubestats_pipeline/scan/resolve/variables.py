"""Variables of Flux Kustomizations: their own, and those of ConfigMaps of the repository.

Variables of Secrets, and of ConfigMaps that are only in the cluster, are not known. They are substituted in
`substitution.py`.
"""

from collections.abc import Iterator

import orjson

from kubestats_pipeline.scan.build.incremental import query
from kubestats_pipeline.scan.facts.facts import FluxPath, Reference
from kubestats_pipeline.scan.kinds.flux import public_value
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.include_paths import IncludePaths
from kubestats_pipeline.scan.resolve.index import Declarations

Variables = tuple[tuple[str, str | None], ...]
"""Names and values, in the order of names. A secret value is None."""


class ConfigMaps:
    """Queries for the variables of Flux Kustomizations, and for the namespaces of ConfigMaps."""

    def __init__(self, declarations: Declarations, include_paths: IncludePaths) -> None:
        self.queries = declarations.queries
        self._declared = declarations
        self._include_paths = include_paths

    def of(self, path: FluxPath, namespace: str | None) -> Variables:
        """The variables of a Flux Kustomization. Later ConfigMaps win over earlier ones, and its own ones over all."""
        values: dict[str, str | None] = {}
        for reference in path.variables_from:
            if reference.kind == "ConfigMap":
                values.update(self._config_map(reference._replace(namespace=namespace)))
        values.update(path.variables)
        return tuple(sorted(values.items()))

    @query
    def _config_map(self, reference: Reference) -> dict[str, str | None]:
        """The data of a ConfigMap, or empty if the repository has none of that name, or several that differ."""
        found = {*self._declared_data(reference), *self._generated_data(reference.name)} - {()}
        return dict(found.pop()) if len(found) == 1 else {}

    def _declared_data(self, reference: Reference) -> Iterator[Variables]:
        """The data of ConfigMaps that are declared in the namespace, or else whose namespace is not known."""
        candidates = []
        for identity in self._declared.named("", "ConfigMap", reference.name):
            if identity.key.name != reference.name:
                continue
            spaces = self.namespaces(identity)
            data = orjson.loads(self._declared.document(identity)).get("data")
            values = tuple(sorted(_public(data))) if isinstance(data, dict) else ()
            candidates.append((reference.namespace in spaces, spaces == {None}, values))
        exact = [values for is_here, _, values in candidates if is_here]
        yield from exact or [values for _, is_unknown, values in candidates if is_unknown]

    @query
    def namespaces(self, identity: Identity) -> frozenset[str | None]:
        """The namespaces that a ConfigMap may have, by kustomizations and Flux Kustomizations as they are declared."""
        chains = self._include_paths.of(identity.path)
        found: set[str | None] = set()
        for chain in [chain for chain in chains if chain.applier is not None] or chains:
            transforms = self._include_paths.declared_changes(chain)
            found.add(next((change.namespace for change in reversed(transforms) if change.namespace), None))
        return frozenset(namespace or identity.key.namespace for namespace in found or {None})

    def _generated_data(self, name: str) -> Iterator[Variables]:
        for folder in self._declared.generators(name):
            for config_map in self._declared.config_maps(folder):
                if config_map.name == name and config_map.literals:
                    yield tuple(sorted((key, public_value(key, value)) for key, value in config_map.literals))


def _public(data: dict[str, object]) -> Iterator[tuple[str, str | None]]:
    for name, value in data.items():
        if isinstance(value, str):
            yield name, public_value(name, value)
