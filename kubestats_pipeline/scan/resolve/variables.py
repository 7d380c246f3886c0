"""The variables that Flux puts into what a Kustomization applies: its own, and those of ConfigMaps of the repository.

What stands in Secrets, or only in the cluster, is not known. What becomes of a text is decided in `substitution.py`.
"""

from collections.abc import Iterator

import orjson

from kubestats_pipeline.scan.facts.facts import FluxPath, Reference
from kubestats_pipeline.scan.kinds.flux import public_value
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.include_paths import Routes
from kubestats_pipeline.scan.resolve.incremental import derived
from kubestats_pipeline.scan.resolve.index import Declarations

Variables = tuple[tuple[str, str | None], ...]
"""By name in order; None for a value that is secret."""


class ConfigMaps:
    """Derives the variables of Flux Kustomizations."""

    def __init__(self, declarations: Declarations, routes: Routes) -> None:
        self.memory = declarations.memory
        self._declared = declarations
        self._routes = routes

    def of(self, path: FluxPath, namespace: str | None) -> Variables:
        """Those of ConfigMaps, the later ones over the earlier, and over them those of the Kustomization itself."""
        values: dict[str, str | None] = {}
        for reference in path.variables_from:
            if reference.kind == "ConfigMap":
                values.update(self._config_map(reference._replace(namespace=namespace)))
        values.update(path.variables)
        return tuple(sorted(values.items()))

    @derived
    def _config_map(self, reference: Reference) -> dict[str, str | None]:
        """The data of a ConfigMap; nothing where it is not in the repository or not told apart from others."""
        found = [
            dict(each) for each in {*self._declared_data(reference), *self._generated_data(reference.name)} if each
        ]
        return found[0] if len(found) == 1 else {}

    def _declared_data(self, reference: Reference) -> Iterator[Variables]:
        """Of ConfigMaps that are declared in the namespace, or whose namespace is not told."""
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

    @derived
    def namespaces(self, identity: Identity) -> frozenset[str | None]:
        """The namespaces that a ConfigMap may stand in, by kustomizations and Flux as they are declared."""
        routes = self._routes.of(identity.path)
        found: set[str | None] = set()
        for route in [each for each in routes if each.applier is not None] or routes:
            transforms = self._routes.declared_changes(route)
            found.add(next((each.namespace for each in reversed(transforms) if each.namespace), None))
        return frozenset(each or identity.key.namespace for each in found or {None})

    def _generated_data(self, name: str) -> Iterator[Variables]:
        for folder in self._declared.generators(name):
            for each in self._declared.config_maps(folder):
                if each.name == name and each.literals:
                    yield tuple(sorted((key, public_value(key, value)) for key, value in each.literals))


def _public(data: dict[str, object]) -> Iterator[tuple[str, str | None]]:
    for name, value in data.items():
        if isinstance(value, str):
            yield name, public_value(name, value)
