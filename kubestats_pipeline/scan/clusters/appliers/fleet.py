"""Rancher Fleet: the bundles of a repository, and the objects of each (Fleet's references of fleet.yaml and GitRepo).

A folder with a fleet.yaml is a bundle. It brings the chart that the file names, or else the kustomization or the chart
of the folder, or else all manifests below it. Bundles inside it and the folder `overlays` are left out of these.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.build.objects import Built, BuiltObject
from kubestats_pipeline.scan.build.sources import FileObject, Sources
from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.facts.shapes import mapping, mappings
from kubestats_pipeline.scan.kinds.fleet import FILES, RELEASE
from kubestats_pipeline.scan.kustomize.kustomization import KUSTOMIZATION_FILES
from kubestats_pipeline.scan.manifests.embedded import CHART_FILE

GIT_REPO = "GitRepo"
DEFAULT_NAMESPACE = "default"
MAX_TARGETS = 100
"""Customizations of one bundle that are followed."""

_OVERLAYS = "overlays"
_SUFFIXES = (".yaml", ".yml")
_CUSTOMIZED = "some of its clusters get it with other changes"


class Bundle(NamedTuple):
    """One fleet.yaml.

    Attributes:
        namespace: of its objects.
        is_forced: true if objects that have another one get it too.
        kustomization: the folder of its kustomization, or None if it has none.
        targets: folders of other kustomizations, which some clusters get in place of it.
        is_customized: true if some clusters get other values or manifests.
    """

    namespace: str = DEFAULT_NAMESPACE
    is_forced: bool = False
    kustomization: str | None = None
    targets: tuple[str, ...] = ()
    is_customized: bool = False

    def specs(self, folder: str) -> dict[str, tuple[ApplySpec, ...]]:
        """The folders that are applied for a bundle in a folder, by the folder at which its cluster begins."""
        common = ApplySpec("", namespace=self.namespace, forces_namespace=self.is_forced)
        plain = common._replace(path=folder, is_bundle=True)
        every = [] if self.kustomization is None else [self.kustomization]
        own = tuple(common._replace(path=path) for path in every)
        return {folder: (plain, *own), **{target: (plain, common._replace(path=target)) for target in self.targets}}


class Bundles:
    """Queries for bundles."""

    def __init__(self, sources: Sources, queries: QueryStore) -> None:
        self._sources = sources
        self.queries = queries

    @query
    def of(self, folder: str) -> Bundle:
        """The bundle of a folder. Without a fleet.yaml that can be read it has Fleet's defaults."""
        content = self._content(folder)
        document = Decoded(content, 0)
        forced, default = document.text(content, "namespace"), document.text(content, "defaultNamespace")
        customizations = list(mappings(content.get("targetCustomizations")))[:MAX_TARGETS]
        directories = [document.text(mapping(each, "kustomize"), "dir") for each in customizations]
        named = [resolve_entry(folder, each) for each in directories if each]
        own = resolve_entry(folder, document.text(mapping(content, "kustomize"), "dir") or ".")
        built = [each for each in dict.fromkeys([own, *named]) if self._has_kustomization(each)]
        # Beside a chart, a kustomization changes the objects of the chart, which are not known.
        has_chart = bool(self._releases(folder)) or self._sources.has_file(_join(folder, CHART_FILE))
        followed = [] if has_chart else built
        return Bundle(
            namespace=forced or default or DEFAULT_NAMESPACE,
            is_forced=bool(forced),
            kustomization=own if own in followed else None,
            targets=tuple(each for each in followed if each != own),
            is_customized=bool(has_chart and built) or any(each.keys() & {"helm", "yaml"} for each in customizations),
        )

    @query
    def objects(self, folder: str) -> Built:
        """The objects of a bundle that are not those of a kustomization."""
        incomplete = _CUSTOMIZED if self.of(folder).is_customized else None
        try:
            found = [BuiltObject(each.content, each.identity, incomplete=incomplete) for each in self._found(folder)]
        except RefusedError as error:
            return Built(failure=str(error))
        return Built(tuple(found))

    def _has_kustomization(self, folder: str) -> bool:
        return any(self._sources.has_file(_join(folder, name)) for name in KUSTOMIZATION_FILES)

    def _found(self, folder: str) -> Iterator[FileObject]:
        bundle = self.of(folder)
        releases = self._releases(folder)
        yield from releases
        chart = _join(folder, CHART_FILE)
        if self._sources.has_file(chart):
            yield from self._sources.objects(chart, with_embedded=True)
        elif not releases and not bundle.targets and bundle.kustomization is None:
            for path in self._manifests(folder):
                yield from self._sources.objects(path)

    def _releases(self, folder: str) -> list[FileObject]:
        found = (each for path in self._files(folder) for each in self._sources.objects(path, with_embedded=True))
        return [each for each in found if each.content.get("kind") == RELEASE]

    def _files(self, folder: str) -> Iterator[str]:
        return (path for name in FILES if self._sources.has_file(path := _join(folder, name)))

    def _manifests(self, folder: str) -> Iterator[str]:
        for name, is_folder in self._sources.entries(folder) or ():
            path = _join(folder, name)
            if is_folder:
                if name != _OVERLAYS and not any(self._files(path)):
                    yield from self._manifests(path)
            elif name.endswith(_SUFFIXES) and name not in FILES:
                yield path

    def _content(self, folder: str) -> dict[str, Any]:
        for path in self._files(folder):
            try:
                document = next(decode_stream(self._sources.read(path) or b"", Bounds()), None)
            except DecodeError:
                return {}
            return document.content if document is not None and isinstance(document.content, dict) else {}
        return {}


def paths_of_git_repo(content: dict[str, Any]) -> tuple[str, list[str]]:
    """The URL and the folders of a GitRepo. Without `paths` it is the root."""
    spec = mapping(content, "spec")
    paths = spec.get("paths")
    named = [resolve_entry("", path) for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
    url = spec.get("repo")
    return url if isinstance(url, str) else "", named or [""]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
