"""Where the ConfigMaps of `spec.valuesFrom` have their content: in files that kustomize puts in, or as resources.

A ConfigMap of a `configMapGenerator` counts where the same kustomizations take in the release, since they are applied
together; else where its name is generated once in the repository. Secrets are never read. How the content is read and
merged stands in `inputs.py` and `merge.py`.
"""

from collections.abc import Iterable, Iterator

from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.facts import ValuesFrom, ValuesInput
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.include_paths import Routes
from kubestats_pipeline.scan.resolve.index import Declarations
from kubestats_pipeline.scan.resolve.variables import ConfigMaps


class ValuesInputs:
    """Follows the values of releases to where they stand."""

    def __init__(self, declarations: Declarations, routes: Routes, config_maps: ConfigMaps) -> None:
        self._declared = declarations
        self._routes = routes
        self._config_maps = config_maps

    def of(self, release: Identity, namespace: str | None, entries: Iterable[ValuesFrom]) -> tuple[ValuesInput, ...]:
        """The inputs of a release in their order."""
        return tuple(self._input(release, namespace, entry) for entry in entries)

    def _input(self, release: Identity, namespace: str | None, entry: ValuesFrom) -> ValuesInput:
        found = ValuesInput("unknown", None, None, entry.key, entry.target_path, entry.is_optional)
        if entry.reference.kind != "ConfigMap":
            return found._replace(kind="secret") if entry.reference.kind == "Secret" else found
        name = entry.reference.name
        files = set(self._generated(release, name, entry.key))
        declared = set(self._declared_as_resource(name, namespace))
        if len(files) == 1 and not declared:
            return found._replace(kind="file", path=files.pop())
        if len(declared) == 1 and not files:
            identity = declared.pop()
            return found._replace(kind="configmap", path=identity.path, identity=identity)
        return found

    def _generated(self, release: Identity, name: str, key: str) -> Iterator[str]:
        folders = self._declared.generators(name)
        beside = [each for each in folders if each in self._routes.folders(release.path)]
        for folder in beside or (folders if len(folders) == 1 else ()):
            for config_map in self._declared.config_maps(folder):
                if config_map.name == name:
                    yield from (resolve_entry(folder, path) for each, path in config_map.files if each == key)

    def _declared_as_resource(self, name: str, namespace: str | None) -> Iterator[Identity]:
        found = [each for each in self._declared.named("", "ConfigMap", name) if each.key.name == name]
        spaces = {each: self._config_maps.namespaces(each) for each in found}
        here = [each for each in found if namespace in spaces[each]]
        yield from here or [each for each in found if spaces[each] == {None}]
