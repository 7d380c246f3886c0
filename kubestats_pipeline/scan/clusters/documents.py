"""Index of the documents that a repository declares at one commit, for the walk and for references."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from kubestats_pipeline.scan.clusters.appliers import argo, flux, resource_sets
from kubestats_pipeline.scan.clusters.appliers.fleet import GIT_REPO
from kubestats_pipeline.scan.clusters.appliers.folders import Folders
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.facts import Copy, Facts
from kubestats_pipeline.scan.kinds.argo import GROUP as ARGO
from kubestats_pipeline.scan.kinds.fleet import GROUP as FLEET
from kubestats_pipeline.scan.kinds.flux import HELM, KUSTOMIZE, SOURCE
from kubestats_pipeline.scan.kustomize.kustomization import Kustomize
from kubestats_pipeline.scan.manifests.identity import Identity, order_of
from kubestats_pipeline.scan.manifests.manifests import Manifest

CONFIG_MAP = ("", "ConfigMap")
_NOBODY: frozenset[str] = frozenset()
_RELEASE = (HELM, "HelmRelease")
_GIT_REPO = (FLEET, GIT_REPO)
_APPLIERS = {
    (KUSTOMIZE, "Kustomization"),
    (flux.OPERATOR, flux.INSTANCE),
    (flux.OPERATOR, resource_sets.KIND),
    (ARGO, argo.APPLICATION),
    (ARGO, argo.APPLICATION_SET),
}


class DeclaredDocuments:
    """The documents and kustomizations of a repository.

    Attributes:
        folders: the folders of its files.
        appliers: the documents that may apply others.
        git_repos: the GitRepos of Fleet, which name bundles.
        kustomizations, kustomization_files: the kustomizations and the paths of their files, by folder.
    """

    def __init__(self) -> None:
        self.folders = Folders()
        self.appliers: set[Identity] = set()
        self.git_repos: set[Identity] = set()
        self.kustomizations: dict[str, Kustomize] = {}
        self.kustomization_files: dict[str, str] = {}
        self._manifests: dict[Identity, Manifest] = {}
        self._contents: dict[Identity, dict[str, Any]] = {}
        self._by_path: dict[str, Mapping[Identity, Manifest]] = {}
        self._named: defaultdict[tuple[str, str], set[Identity]] = defaultdict(set)
        self._copies: defaultdict[str, set[tuple[Identity, Copy]]] = defaultdict(set)
        self._paths: defaultdict[tuple[str, str], dict[Hashable, str]] = defaultdict(dict)
        self._includers: dict[str, frozenset[str]] = {}
        self._retaken: set[str] = set()
        self._patchers: dict[str, frozenset[str]] = {}

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._manifests

    def __getitem__(self, identity: Identity) -> Manifest:
        return self._manifests[identity]

    def content(self, identity: Identity) -> dict[str, Any]:
        """The redacted document, which is shared and must not be changed."""
        content = self._contents.get(identity)
        if content is None:
            content = self._contents[identity] = orjson.loads(self._manifests[identity].data)
        return content

    def __iter__(self) -> Iterator[Identity]:
        return iter(self._manifests)

    def in_file(self, path: str) -> Mapping[Identity, Manifest]:
        """The documents of a file."""
        return self._by_path.get(path, {})

    def named(self, kind: str, name: str) -> set[Identity]:
        """The sources, charts and ConfigMaps of a kind and name."""
        return self._named.get((kind, name), set())

    def git_urls(self, kind: str, name: str) -> Iterator[str]:
        """The URLs of the git sources of a kind and name."""
        for identity in self.named(kind, name):
            source = self[identity].facts.source
            if source is not None and source.flavour == "git" and "$" not in source.url:
                yield source.url

    def paths_of(self, kind: str, name: str) -> frozenset[str]:
        """The paths that are applied of a source."""
        return frozenset(self._paths.get((kind, name), {}).values())

    def copies(self, artifact: str) -> list[Copy]:
        """The folders that are copied into an artifact."""
        return [copy for _, copy in sorted(self._copies.get(artifact, ()), key=lambda each: order_of(each[0]))]

    def includers(self, path: str) -> list[str]:
        """The folders whose kustomizations take in a file or folder, as a resource or a component."""
        return sorted(self._includers.get(path, ()))

    def takers(self, path: str) -> frozenset[str]:
        """The same folders without an order, and without the folder itself."""
        found = self._includers.get(path, _NOBODY)
        return found if path not in found else found - {path}

    def is_only_patch(self, path: str) -> bool:
        """True for a file that kustomizations use as a patch and that none takes in."""
        return path in self._patchers and path not in self._includers

    def patchers(self, path: str) -> list[str]:
        """The folders whose kustomizations use a file as a patch."""
        return sorted(self._patchers.get(path, ()))

    def replace_file(self, path: str, declared: Mapping[Identity, Manifest]) -> dict[Identity, Manifest | None]:
        """Replace the documents of a file, and return those that changed, with what they were before."""
        known = self._by_path.get(path, {})
        changed: dict[Identity, Manifest | None] = {
            identity: known.get(identity)
            for identity in known.keys() | declared.keys()
            if known.get(identity) is not declared.get(identity)
        }
        for identity, before in changed.items():
            after = declared.get(identity)
            if before is not None:
                self._remove(identity, before)
            if after is not None:
                self._add(identity, after)
        self._by_path.pop(path, None)
        if declared:
            self._by_path[path] = declared
        return changed

    def replace_kustomization(self, path: str, kustomize: Kustomize | None) -> set[str]:
        """Replace the kustomization in a file, and return the files and folders that it takes in otherwise now."""
        folder = path.rpartition("/")[0]
        known = self.kustomizations.pop(folder, None)
        self.kustomization_files.pop(folder, None)
        if kustomize is not None:
            self.kustomizations[folder], self.kustomization_files[folder] = kustomize, path
        before, after = _named_by(folder, known), _named_by(folder, kustomize)
        self._retaken |= before[0] ^ after[0]
        self._retaken |= {folder} if (known is None) != (kustomize is None) else set()
        for index, old, new in zip((self._includers, self._patchers), before, after, strict=True):
            for path in old - new:
                index[path] = index[path] - {folder}
                if not index[path]:
                    del index[path]
            for path in new - old:
                index[path] = index.get(path, _NOBODY) | {folder}
        return (before[0] ^ after[0]) | (before[1] ^ after[1])

    def take_retaken(self) -> set[str]:
        """The files and folders that others take in since the last call, and those whose kustomization came or went."""
        retaken, self._retaken = self._retaken, set()
        return retaken

    def _add(self, identity: Identity, manifest: Manifest) -> None:
        self._manifests[identity] = manifest
        group, kind, _, name = identity.key
        if (group, kind) == _GIT_REPO:
            self.git_repos.add(identity)
        if _is_referred_to(identity, manifest.facts):
            self._named[kind, name].add(identity)
        if is_applier(manifest):
            self.appliers.add(identity)
            instance = flux.spec_of_instance(self.content(identity))
            if instance is not None and instance[1].source is not None:
                source = instance[1].source
                self._paths[source.kind, source.name][identity] = instance[1].path
        for copy in manifest.facts.copies:
            self._copies[copy.artifact].add((identity, copy))
            if copy.source is not None:
                self._paths[copy.source.kind, copy.source.name][identity, copy] = copy.folder
        path = manifest.facts.flux_path
        if path is not None and path.source is not None and "$" not in path.path:
            self._paths[path.source.kind, path.source.name][identity] = path.path

    def _remove(self, identity: Identity, manifest: Manifest) -> None:
        if identity in self.appliers and manifest.facts.flux_path is None:
            for paths in self._paths.values():
                paths.pop(identity, None)
        del self._manifests[identity]
        self._contents.pop(identity, None)
        self._named[identity.key.kind, identity.key.name].discard(identity)
        self.appliers.discard(identity)
        self.git_repos.discard(identity)
        for copy in manifest.facts.copies:
            self._copies[copy.artifact].discard((identity, copy))
            if copy.source is not None:
                self._paths[copy.source.kind, copy.source.name].pop((identity, copy), None)
        path = manifest.facts.flux_path
        if path is not None and path.source is not None:
            self._paths[path.source.kind, path.source.name].pop(identity, None)


def _is_referred_to(identity: Identity, facts: Facts) -> bool:
    group, kind = identity.key[:2]
    is_chart = facts.chart is not None and not facts.is_release
    return group == SOURCE or facts.source is not None or (group, kind) == CONFIG_MAP or is_chart


def is_applier(manifest: Manifest) -> bool:
    """True if a document may apply others. A release of the chart flux-instance does so too."""
    group, kind = manifest.key.group, manifest.key.kind
    return (group, kind) in _APPLIERS or ((group, kind) == _RELEASE and b"flux-instance" in manifest.data)


def is_read_by_roots(manifest: Manifest) -> bool:
    """True if the roots are chosen by a document."""
    return is_applier(manifest) or (manifest.key.group, manifest.key.kind) == _GIT_REPO


def _named_by(folder: str, kustomize: Kustomize | None) -> tuple[set[str], set[str]]:
    """The files and folders that a kustomization takes in, and the files that it uses as patches."""
    if kustomize is None:
        return set(), set()
    entries: Iterable[str] = (*kustomize.entries, *kustomize.components)
    named = {resolve_entry(folder, each) for each in entries}
    return named, {resolve_entry(folder, each) for each in kustomize.patches}
