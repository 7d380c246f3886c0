"""Relations of appliers and documents, by the words of the documents. Nothing is built for that.

The roots are chosen by it. The walk finds out about patches and variables.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kubestats_pipeline.scan.clusters.appliers import argo, flux
from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.places import Places, place_of
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kinds.flux import KUSTOMIZE
from kubestats_pipeline.scan.manifests.identity import Identity

MAX_CLIMB = 1_000
"""Folders that are followed from one file upwards."""


class DeclaredAppliers:
    """The relations of the appliers of a repository at one commit."""

    def __init__(self, documents: DeclaredDocuments, places: Places) -> None:
        self._documents = documents
        self._places = places

    def specs(self, identity: Identity) -> Iterator[ApplySpec]:
        """The folders that an applier asks for, if its path has no variable."""
        facts = self._documents[identity].facts
        if identity.key.group == KUSTOMIZE:
            if facts.flux_path is not None and "$" not in facts.flux_path.path:
                spec = flux.spec_of_kustomization(self._documents.content(identity), facts, identity.key.namespace)
                yield from () if spec is None else (spec,)
        elif identity.key.kind == argo.APPLICATION:
            yield from argo.specs_of_application(self._documents.content(identity))

    def folders(self, identity: Identity) -> Iterator[str]:
        """The folders of this repository that an applier applies."""
        for spec in self.specs(identity):
            folder = self._places.folder_of(spec)
            if folder is not None and not self._places.is_pinned(spec):
                yield folder

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

    def applies_itself(self, identity: Identity) -> bool:
        """True if an applier applies the file of its own document."""
        applied = set(self.folders(identity))
        return bool(applied) and not applied.isdisjoint(self._above(identity.path, applied))

    def applied(self, appliers: Iterable[Identity]) -> dict[Identity, set[Identity]]:
        """The appliers that each of some appliers applies, one level below it, without itself."""
        found: dict[Identity, set[Identity]] = {identity: set() for identity in appliers}
        by_folder: defaultdict[str, set[Identity]] = defaultdict(set)
        for identity in found:
            for folder in self.folders(identity):
                by_folder[folder].add(identity)
        above: dict[str, set[str]] = {}
        for identity in found:
            if identity.path not in above:
                above[identity.path] = set(self._above(identity.path, by_folder))
            for folder in above[identity.path]:
                for applier in by_folder.get(folder, set()) - {identity}:
                    found[applier].add(identity)
        return found

    def tops(self, path: str) -> list[str]:
        """The kustomizations that take in a file, directly or through others, and that no other one takes in."""
        return sorted(place for place in self._above(path, ()) if place != path and not self._includers(place))

    def _above(self, path: str, applied: Iterable[str]) -> set[str]:
        """The folders that take in a file, as a kustomization that lists it, or as the nearest applied folder above."""
        applied = set(applied)
        queue, seen = [path], set[str]()
        while queue and len(seen) < MAX_CLIMB:
            place = queue.pop()
            takers = [*self._includers(place), *self._generated(place, applied)]
            queue += [taker for taker in takers if taker not in seen]
            seen.update(takers)
        return seen

    def _includers(self, place: str) -> list[str]:
        return [folder for folder in self._documents.includers(place) if folder != place]

    def _generated(self, place: str, applied: set[str]) -> Iterator[str]:
        """The nearest applied folder above that has no kustomization, because Flux generates one for it."""
        while place:
            place = place.rpartition("/")[0]
            if place in self._documents.kustomizations:
                return
            if place in applied:
                yield place
                return
