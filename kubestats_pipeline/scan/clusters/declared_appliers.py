"""Relations of appliers and documents, by the words of the documents. Nothing is built for that.

The roots are chosen by it. The walk finds out about patches and variables.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kubestats_pipeline.scan.clusters.appliers import argo, flux
from kubestats_pipeline.scan.clusters.appliers.applications import Applications
from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec, SourceOf
from kubestats_pipeline.scan.clusters.appliers.own_urls import place_of
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.places import Places
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kinds.flux import KUSTOMIZE
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest

MAX_CLIMB = 1_000
"""Folders that are followed from one file upwards."""


class DeclaredAppliers:
    """The relations of the appliers of a repository at one commit."""

    def __init__(self, documents: DeclaredDocuments, places: Places, applications: Applications) -> None:
        self._documents = documents
        self._applications = applications
        self._places = places
        self._by_folder: defaultdict[str, set[Identity]] = defaultdict(set)
        self._looked_at: tuple[int, frozenset[str]] = (-1, frozenset())
        self._above: dict[str, frozenset[str]] = {}
        self._specs: dict[Identity, tuple[Manifest, tuple[ApplySpec, ...]]] = {}
        self._tops: dict[str, list[str]] = {}

    def specs(self, identity: Identity) -> Iterator[ApplySpec]:
        """The folders that an applier asks for, if its path has no variable."""
        if identity.key.group == KUSTOMIZE:
            yield from self._specs_of_kustomization(identity)
        elif identity.key.kind == argo.APPLICATION:
            yield from argo.specs_of_application(self._documents.content(identity))
        elif identity.key.kind == argo.APPLICATION_SET:
            made = self._applications.expand(self._documents.content(identity), self._places.urls.known)
            for application in made.applications:
                yield from argo.specs_of_application(application)

    def _specs_of_kustomization(self, identity: Identity) -> tuple[ApplySpec, ...]:
        manifest = self._documents[identity]
        known = self._specs.get(identity)
        if known is None or known[0] is not manifest:
            path = manifest.facts.flux_path
            spec = None
            if path is not None and "$" not in path.path:
                content = self._documents.content(identity)
                spec = flux.spec_of_kustomization(content, manifest.facts, identity.key.namespace)
            known = self._specs[identity] = manifest, () if spec is None else (spec,)
        return known[1]

    def folders(self, identity: Identity) -> tuple[str, ...]:
        """The folders of this repository that an applier applies."""
        path = self._documents[identity].facts.flux_path
        if path is None:
            return tuple(self._known(self.specs(identity)))
        source = path.source and SourceOf(path.source.kind, path.source.name)
        return () if "$" in path.path else tuple(self._known([ApplySpec(path.path, source)]))

    def _known(self, specs: Iterable[ApplySpec]) -> Iterator[str]:
        for spec in specs:
            folder = self._places.folder_of(spec)
            if folder is not None and not self._places.is_pinned(spec):
                yield folder

    def all(self) -> Iterator[Identity]:
        """The documents that apply others. Those that only patch an applier are left out."""
        for identity in self._documents.appliers:
            path = identity.path
            if not self._documents.patchers(path) or self._documents.includers(path):
                yield identity

    def paths_by_place(self) -> dict[str, set[str]]:
        """The paths that active appliers apply of each git source that is not pinned, by the place of its URL."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for identity in self._documents.appliers:
            for spec in self.specs(identity) if context_of(identity.path) == "active" else ():
                source = spec.source
                if source is None or self._places.is_pinned(spec):
                    continue
                urls = self._documents.git_urls(source.kind, source.name) if source.url is None else (source.url,)
                for url in urls:
                    found[place_of(url)].add(spec.path)
        return found

    def look(self) -> None:
        """Look at the appliers of the commit as they are now. All other methods answer as of the last look."""
        self._specs = {identity: known for identity, known in self._specs.items() if identity in self._documents}
        self._by_folder = defaultdict(set)
        for identity in self.all():
            for folder in self.folders(identity):
                self._by_folder[folder].add(identity)
        applied = frozenset(self._by_folder)
        if (self._documents.revision, applied) != self._looked_at:
            self._looked_at = (self._documents.revision, applied)
            self._above, self._tops = {}, {}

    def applies_itself(self, identity: Identity) -> bool:
        """True if an applier applies the file of its own document."""
        return not self.above(identity.path).isdisjoint(self.folders(identity))

    def applied(self, appliers: Iterable[Identity]) -> dict[Identity, set[Identity]]:
        """The appliers among some that each of them applies, one level below it, without itself."""
        found: dict[Identity, set[Identity]] = {identity: set() for identity in appliers}
        for identity in found:
            for folder in self.above(identity.path):
                for applier in self._by_folder.get(folder, ()):
                    if applier != identity and applier in found:
                        found[applier].add(identity)
            found[identity] |= self._made_of(identity) & found.keys()
        return found

    def _made_of(self, identity: Identity) -> set[Identity]:
        """The Applications that have rows of their own, because the document of an ApplicationSet gives all of them."""
        if identity.key.kind != argo.APPLICATION_SET:
            return set()
        made = self._applications.expand(self._documents.content(identity), self._places.urls.known).applications
        names = {application["metadata"]["name"] for application in made}
        declared = self._documents.in_file(identity.path)
        return {each for each in declared if each.key.kind == argo.APPLICATION and each.key.name in names}

    def tops(self, path: str) -> list[str]:
        """The kustomizations that take in a file, directly or through others, and that no other one takes in."""
        if path not in self._tops:
            listing = (place for place in self._climb(path, with_generated=False) if not self._includers(place))
            self._tops[path] = sorted(listing)
        return self._tops[path]

    def above(self, path: str) -> frozenset[str]:
        """The folders that take in a file: kustomizations that list it, or the nearest applied folder above."""
        if path not in self._above:
            self._above[path] = frozenset(self._climb(path, with_generated=True))
        return self._above[path]

    def _climb(self, path: str, *, with_generated: bool) -> set[str]:
        queue, seen = [path], set[str]()
        while queue and len(seen) < MAX_CLIMB:
            place = queue.pop()
            takers = [*self._includers(place), *(self._generated(place) if with_generated else ())]
            queue += [taker for taker in takers if taker not in seen]
            seen.update(takers)
        return seen - {path}

    def _includers(self, place: str) -> list[str]:
        return [folder for folder in self._documents.includers(place) if folder != place]

    def _generated(self, place: str) -> Iterator[str]:
        """The nearest applied folder above that has no kustomization, because Flux generates one for it."""
        while place:
            place = place.rpartition("/")[0]
            if place in self._documents.kustomizations:
                return
            if place in self._by_folder:
                yield place
                return
