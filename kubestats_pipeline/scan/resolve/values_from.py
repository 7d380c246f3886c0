"""Look-up of the ConfigMaps of `spec.valuesFrom`: their content is in files that kustomize puts in, or in resources.

A generated ConfigMap counts if a kustomization generates it that also takes in the release, because both are applied
together. Otherwise it counts if its name is generated once in the repository. Secrets are never read. The content is
read in `inputs.py` and merged in `merge.py`.
"""

from collections.abc import Iterable, Iterator

from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.facts import ValuesFrom, ValuesInput
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.include_paths import IncludePaths
from kubestats_pipeline.scan.resolve.index import Declarations
from kubestats_pipeline.scan.resolve.variables import ConfigMaps


class ValuesFromResolver:
    """Finds the files and resources that hold the values of releases."""

    def __init__(self, declarations: Declarations, include_paths: IncludePaths, config_maps: ConfigMaps) -> None:
        self._declared = declarations
        self._include_paths = include_paths
        self._config_maps = config_maps

    def of(self, release: Identity, namespace: str | None, entries: Iterable[ValuesFrom]) -> tuple[ValuesInput, ...]:
        """The inputs of a release in their order."""
        return tuple(self._input(release, namespace, entry) for entry in entries)

    def _input(self, release: Identity, namespace: str | None, entry: ValuesFrom) -> ValuesInput:
        found = ValuesInput("unknown", key=entry.key, target_path=entry.target_path, is_optional=entry.is_optional)
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
        if not folders:
            return
        taking_in = self._include_paths.folders(release.path)
        beside = [folder for folder in folders if folder in taking_in]
        for folder in beside or (folders if len(folders) == 1 else ()):
            for config_map in self._declared.config_maps(folder):
                if config_map.name == name:
                    yield from (resolve_entry(folder, path) for entry, path in config_map.files if entry == key)

    def _declared_as_resource(self, name: str, namespace: str | None) -> Iterator[Identity]:
        """The ConfigMaps of that name in the namespace, or else those whose namespace is not known."""
        named = self._declared.named("", "ConfigMap", name)
        spaces = {found: self._config_maps.namespaces(found) for found in named if found.key.name == name}
        here = [found for found, namespaces in spaces.items() if namespace in namespaces]
        yield from here or [found for found, namespaces in spaces.items() if namespaces == {None}]
