"""The place of what an applier applies: the folder of this repository, or elsewhere.

A source is this repository if its URL is the one from which the repository was cloned, or the one of the source that
the first applier of a cluster has. A source that selects a tag, a range or a commit is not the commit at hand. The root
of an artifact in a registry or a bucket is the one folder below which all paths exist that are applied of it.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import orjson

from kubestats_pipeline.scan.build.objects import Built
from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec, SourceOf
from kubestats_pipeline.scan.clusters.appliers.own_urls import OwnUrls
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.facts import Facts

ARTIFACT, GENERATOR = "ExternalArtifact", "ArtifactGenerator"
_ARTIFACTS = ("OCIRepository", "Bucket")
ARTIFACT_KINDS = (*_ARTIFACTS, ARTIFACT)
"""Kinds of sources whose root in the repository has to be found."""


class Reads(Protocol):
    """The reads of one node: each look-up is recorded, so that a change of it makes the node anew."""

    def sources(self, kind: str, name: str) -> Iterable[Facts]:
        """The facts of the sources of a kind and name: of the cluster of the node, or else of the repository."""

    def declared(self, kind: str, name: str) -> None:
        """Record that documents about a source were read."""

    def build(self, folder: str, more: bytes) -> Built:
        """The build of a folder."""

    def directory(self, folder: str, *, is_recursive: bool) -> Built:
        """The documents of a folder as Argo CD takes them in: those of its chart, or else of all of its files."""

    def bundle(self, folder: str) -> Built:
        """The objects of a bundle of Fleet that are not those of a kustomization."""


class Places:
    """Finds the folders that appliers apply, and builds them."""

    def __init__(self, documents: DeclaredDocuments, urls: OwnUrls) -> None:
        self.documents = documents
        self.urls = urls
        self._roots: dict[tuple[frozenset[str], int], str | None] = {}

    def builds(self, spec: ApplySpec, reads: Reads) -> Iterator[tuple[str, Built]]:
        """The folders that an applier applies, with their builds. Those that are elsewhere are left out."""
        for folder in self._folders(spec, reads):
            if spec.is_bundle:
                yield folder, reads.bundle(folder)
            elif spec.is_kustomize or folder in self.documents.kustomizations:
                yield folder, reads.build(folder, self._more(spec, folder))
            else:
                yield folder, reads.directory(folder, is_recursive=spec.is_recursive)

    def folder_of(self, spec: ApplySpec) -> str | None:
        """The folder of this repository at the path of an applier whose source is this repository, if it is known."""
        if spec.source is None or spec.source.kind not in _ARTIFACTS:
            return spec.path
        root = self._root(spec.source)
        return None if root is None else resolve_entry(root, spec.path)

    def is_pinned(self, spec: ApplySpec) -> bool:
        """True if the documents say that the source of an applier is another commit than the one at hand."""
        source = spec.source
        if source is None or source.is_pinned:
            return source is not None
        declared = [self.documents[each].facts.source for each in self.documents.named(source.kind, source.name)]
        return bool(declared) and all(each is not None and each.is_pinned for each in declared)

    def _more(self, spec: ApplySpec, folder: str) -> bytes:
        if not spec.ignores_missing_components:
            return spec.more
        more = orjson.loads(spec.more)
        components = [
            each for each in more.get("components", ()) if resolve_entry(folder, each) in self.documents.folders
        ]
        return canonical_json({**more, "components": components} if components else more)

    def _folders(self, spec: ApplySpec, reads: Reads) -> Iterator[str]:
        source = spec.source
        if source is None:
            yield spec.path
        elif source.kind == ARTIFACT:
            reads.declared(source.kind, source.name)
            yield from self._in_artifact(spec.path, source)
        elif source.kind in _ARTIFACTS:
            reads.declared(source.kind, source.name)
            root = self._root(source)
            if root is not None:
                yield resolve_entry(root, spec.path)
        elif not self._is_elsewhere(source, reads):
            yield spec.path

    def _is_elsewhere(self, source: SourceOf, reads: Reads) -> bool:
        """True if a source is another repository, or another commit than the one at hand."""
        if source.url is not None or source.kind != "GitRepository":
            return source.is_pinned or (source.url is not None and source.url not in self.urls)
        found = [facts.source for facts in reads.sources(source.kind, source.name) if facts.source is not None]
        return bool(found) and all(each.is_pinned or each.url not in self.urls for each in found)

    def _in_artifact(self, path: str, source: SourceOf) -> Iterator[str]:
        """The folders of the repository at a path of an artifact, which is made of copies of folders."""
        found = dict[str, None]()
        for copy in self.documents.copies(source.name):
            place = f"{copy.place}/" if copy.place else ""
            root = self._root(SourceOf(copy.source.kind, copy.source.name)) if copy.source else ""
            if f"{path}/".startswith(place) and root is not None:
                found[resolve_entry(resolve_entry(root, copy.folder), f"{path}/"[len(place) :])] = None
        yield from found

    def _root(self, source: SourceOf) -> str | None:
        """The folder of the repository that is the root of a source."""
        if source.kind not in _ARTIFACTS:
            return ""
        paths = self.documents.paths_of(source.kind, source.name)
        key = (paths, self.documents.folders.revision)
        if key not in self._roots:
            self._roots = {key: self.documents.folders.root_of(paths)}
        return self._roots[key]
