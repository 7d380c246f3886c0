"""Relations of appliers and documents, by the words of the documents. Nothing is built for that.

The roots are chosen by it. The walk finds out about patches and variables.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

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


class _Climbed(NamedTuple):
    """The folders that take in a file, and all places whose kustomization or applier could change that."""

    above: frozenset[str]
    asked: frozenset[str]


class DeclaredAppliers:
    """The relations of the appliers of a repository at one commit."""

    def __init__(self, documents: DeclaredDocuments, places: Places, applications: Applications) -> None:
        self._documents = documents
        self._applications = applications
        self._places = places
        self._all: tuple[Identity, ...] = ()
        self._by_folder: defaultdict[str, set[Identity]] = defaultdict(set)
        self._above: dict[str, _Climbed] = {}
        self._specs: dict[Identity, tuple[Manifest, tuple[ApplySpec, ...]]] = {}
        self._folders: dict[Identity, tuple[str, ...]] = {}
        self._pinned: dict[tuple[str, str], bool] = {}
        self._tops: dict[frozenset[str], tuple[_Climbed, list[str]]] = {}

    def specs(self, identity: Identity) -> Iterable[ApplySpec]:
        """The folders that an applier asks for, if its path has no variable."""
        if identity.key.group == KUSTOMIZE:
            return self._specs_of_kustomization(identity)
        if identity.key.kind == argo.APPLICATION:
            return argo.specs_of_application(self._documents.content(identity))
        if identity.key.kind == argo.APPLICATION_SET:
            made = self._applications.expand(self._documents.content(identity), self._places.urls.known)
            return chain.from_iterable(map(argo.specs_of_application, made.applications))
        return ()

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
        known = self._folders.get(identity)
        if known is not None:
            return known
        path = self._documents[identity].facts.flux_path
        if path is None:
            return tuple(self._known(self.specs(identity)))
        if path.source is None or "$" in path.path:
            return () if "$" in path.path else (path.path,)
        return tuple(self._known([ApplySpec(path.path, SourceOf(path.source.kind, path.source.name))]))

    def _known(self, specs: Iterable[ApplySpec]) -> Iterator[str]:
        for spec in specs:
            folder = self._places.folder_of(spec)
            if folder is not None and not self._is_pinned(spec):
                yield folder

    def _is_pinned(self, spec: ApplySpec) -> bool:
        source = spec.source
        if source is None or source.is_pinned:
            return source is not None
        key = source.kind, source.name
        if key not in self._pinned:
            self._pinned[key] = self._places.is_pinned(spec)
        return self._pinned[key]

    def all(self) -> tuple[Identity, ...]:
        """The documents that apply others. Those that only patch an applier are left out."""
        return self._all

    def paths_by_place(self) -> dict[str, set[str]]:
        """The paths that active appliers apply of each git source that is not pinned, by the place of its URL."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        places = dict[tuple[str, str], list[str]]()
        for identity in self._documents.appliers:
            for spec in self.specs(identity) if context_of(identity.path) == "active" else ():
                source = spec.source
                if source is None or self._is_pinned(spec):
                    continue
                key = source.kind, source.name
                if source.url is None and key not in places:
                    places[key] = list(map(place_of, self._documents.git_urls(*key)))
                for place in places[key] if source.url is None else (place_of(source.url),):
                    found[place].add(spec.path)
        return found

    def look(self) -> None:
        """Look at the appliers of the commit as they are now. All other methods answer as of the last look."""
        self._specs = {identity: known for identity, known in self._specs.items() if identity in self._documents}
        appliers = self._documents.appliers
        self._all = tuple(each for each in appliers if not self._documents.is_only_patch(each.path))
        self._folders, self._pinned = {}, {}
        applied, self._by_folder = self._by_folder.keys(), defaultdict(set)
        for identity in self._all:
            folders = self.folders(identity)
            if identity.key.group == KUSTOMIZE:  # those of others depend on URLs, which are found with the roots
                self._folders[identity] = folders
            for folder in folders:
                self._by_folder[folder].add(identity)
        self._forget(self._documents.take_retaken() | (applied ^ self._by_folder.keys()))

    def _forget(self, changed: set[str]) -> None:
        """Forget what was found by way of places whose kustomizations or appliers have changed."""
        if not changed:
            return
        paths = {identity.path for identity in self._all}
        self._above = {
            path: known for path, known in self._above.items() if path in paths and known.asked.isdisjoint(changed)
        }
        self._tops = {takers: known for takers, known in self._tops.items() if known[0].asked.isdisjoint(changed)}

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
            if identity.key.kind == argo.APPLICATION_SET:
                found[identity] |= self._made_of(identity) & found.keys()
        return found

    def _made_of(self, identity: Identity) -> set[Identity]:
        """The Applications that have rows of their own, because the document of an ApplicationSet gives all of them."""
        made = self._applications.expand(self._documents.content(identity), self._places.urls.known).applications
        names = {application["metadata"]["name"] for application in made}
        declared = self._documents.in_file(identity.path)
        return {each for each in declared if each.key.kind == argo.APPLICATION and each.key.name in names}

    def tops(self, path: str) -> list[str]:
        """The kustomizations that take in a file, directly or through others, and that no other one takes in."""
        takers = self._documents.takers(path)
        if not takers:
            return []
        known = self._tops.get(takers)  # the files of one folder mostly share theirs
        if known is None:
            climbed = self._climb(path, with_generated=False)
            listing = (place for place in climbed.above if not self._includers(place))
            known = self._tops[takers] = climbed, sorted(listing)
        return known[1]

    def above(self, path: str) -> frozenset[str]:
        """The folders that take in a file: kustomizations that list it, or the nearest applied folder above."""
        known = self._above.get(path)
        if known is None:
            known = self._above[path] = self._climb(path, with_generated=True)
        return known.above

    def _climb(self, path: str, *, with_generated: bool) -> _Climbed:
        queue, seen, asked = [path], set[str](), {path}
        while queue and len(seen) < MAX_CLIMB:
            place = queue.pop()
            takers = [*self._includers(place), *(self._generated(place, asked) if with_generated else ())]
            queue += [taker for taker in takers if taker not in seen]
            seen.update(takers)
        return _Climbed(frozenset(seen - {path}), frozenset(asked | seen))

    def _includers(self, place: str) -> list[str]:
        return [folder for folder in self._documents.includers(place) if folder != place]

    def _generated(self, place: str, asked: set[str]) -> Iterator[str]:
        """The nearest applied folder above that has no kustomization, because Flux generates one for it."""
        while place:
            place = place.rpartition("/")[0]
            asked.add(place)
            if place in self._documents.kustomizations:
                return
            if place in self._by_folder:
                yield place
                return
