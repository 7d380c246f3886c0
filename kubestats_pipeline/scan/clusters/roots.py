"""The roots: where the walk of each cluster begins.

A cluster begins with what nothing in the repository applies but itself: the Kustomization of `flux bootstrap`, a
FluxInstance, the Kustomizations or Applications that apply all others, or in a repository without any of these its
root kustomizations. A Kustomization that nobody lists any more, in a cluster that has such a beginning, is not applied.
It is walked as a cluster that is not real, because it still tells what documents mean.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from typing import NamedTuple

from kubestats_pipeline.scan.build.objects import BuiltObject
from kubestats_pipeline.scan.clusters.appliers import fleet, flux
from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec
from kubestats_pipeline.scan.clusters.appliers.make_object import applier_name
from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, NodeKey, Wanted
from kubestats_pipeline.scan.clusters.appliers.own_urls import place_of
from kubestats_pipeline.scan.clusters.declared_appliers import DeclaredAppliers
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.places import Places
from kubestats_pipeline.scan.clusters.walk import Walk
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.kinds.argo import GROUP as ARGO
from kubestats_pipeline.scan.kinds.flux import KUSTOMIZE
from kubestats_pipeline.scan.manifests.identity import Identity, order_of

FIRST = "first"
"""The owner of the nodes at which a walk begins."""

MAX_CLIMB = 1_000
"""Kustomizations that are followed from one file upwards."""


class Root(NamedTuple):
    """A node at which a walk begins, with what it applies, and the document that says so."""

    key: NodeKey
    wanted: Wanted
    document: Identity | None = None


class Roots:
    """Chooses the roots of a repository, and keeps the walk at them.

    Attributes:
        probable_folders: folders with appliers that something outside of the repository applies, and what else they
            hold may be applied with them.
        documents: the documents that roots are made of.
    """

    def __init__(self, documents: DeclaredDocuments, places: Places, walk: Walk) -> None:
        self._documents = documents
        self._places = places
        self._walk = walk
        self._appliers = DeclaredAppliers(documents, places, walk.applications_made)
        self._known: dict[NodeKey, Wanted] = {}
        self.probable_folders: set[str] = set()
        self.documents: set[Identity] = set()

    def settle(self) -> None:
        """Bring the walk to the roots of the repository as it is now."""
        self._appliers.look()
        certain = list(self._own(sorted(self._certain())))
        paths = self._appliers.paths_by_place()
        if self._places.urls.set_sources(self._urls(certain), paths, self._documents.folders.__contains__):
            self._walk.invalidate_all()
        clusters = {root.key.cluster for root in certain}
        # What was probable before in the same clusters would count as applied by them.
        self._drop({key for key in self._known if key.cluster in clusters} - {root.key for root in certain})
        self._walk_from(certain)
        self.probable_folders = set()
        certain = [root for root in certain if not self._is_applied_in(root, clusters - {root.key.cluster})]
        bundles = list(self._of_fleet())
        self._walk_from(bundles)
        real = [*certain, *bundles, *self._probable({root.key.cluster for root in certain}, has_more=bool(bundles))]
        self._drop_all_but(real, is_real=True)
        self._walk_from(real)
        others = list(self._others())
        self._drop_all_but(others, is_real=False)
        self._walk_from(others)
        held = (each for wanted in self._known.values() for each in (wanted.document, *_origins(wanted)))
        self.documents = {identity for identity in held if identity is not None}

    def _drop_all_but(self, roots: Iterable[Root], *, is_real: bool) -> None:
        known = {key for key in self._known if key.cluster.is_real == is_real}
        self._drop(known - {root.key for root in roots})

    def _drop(self, keys: Iterable[NodeKey]) -> None:
        for key in keys:
            self._walk.want(key, NodeKey(key.cluster, FIRST), None)
            del self._known[key]

    def _walk_from(self, roots: Iterable[Root]) -> None:
        for root in roots:
            self._known[root.key] = root.wanted
            self._walk.want(root.key, NodeKey(root.key.cluster, FIRST), root.wanted)
        self._walk.settle()

    # The beginnings that are certain

    def _certain(self) -> Iterator[Root]:
        """The FluxInstances, and the Kustomizations that apply themselves."""
        for identity in self._appliers.all():
            if context_of(identity.path) != "active":
                continue
            manifest = self._documents[identity]
            if manifest.facts.flux_path is None:
                found = flux.spec_of_instance(self._documents.content(identity))
                if found is not None:
                    name, spec = found
                    yield self._root_of(f"Kustomization/flux-system/{name}", spec, identity)
            elif self._appliers.applies_itself(identity):
                for spec in self._appliers.specs(identity):
                    yield self._root_of(applier_name(identity.key), spec, identity)

    def _own(self, roots: list[Root]) -> Iterator[Root]:
        """The roots without those of another repository, which has folders of the same names.

        Such a one may seem to apply itself, as with the path `./`. It is known by the URL of its source: the repository
        was cloned from that of another root, or a root of a narrower folder has another one and holds its document.
        """
        urls = {root.key: {place_of(url) for url in self._urls([root])} for root in roots}
        own = {url for each in urls.values() for url in each if self._places.urls.is_cloned_from(url)}
        for root in roots:
            around = (urls[each.key] for each in roots if root.document is not None and _is_narrower(each, root))
            others = [own] if own else [each for each in around if each]
            if not urls[root.key] or all(urls[root.key] & each for each in others):
                yield root

    def _root_of(self, name: str, spec: ApplySpec, document: Identity) -> Root:
        path = self._places.folder_of(spec)
        cluster = Cluster(spec.path if path is None else path)
        # The source of a root is the repository by definition. Only the folder of an artifact has to be found.
        own = spec if path is None else spec._replace(path=path, source=None)
        return Root(NodeKey(cluster, name), Wanted((own,), path=cluster.path, document=document), document)

    def _is_applied_in(self, root: Root, clusters: set[Cluster]) -> bool:
        """True if one of some other clusters applies the Kustomization of a root."""
        document = root.document
        is_kustomization = document is not None and document.key.kind == "Kustomization"
        return is_kustomization and document is not None and self._covered_by(document, clusters)

    def _urls(self, roots: Iterable[Root]) -> Iterator[str]:
        """The URLs of the sources of the roots."""
        for document in (root.document for root in roots if root.document is not None):
            path = self._documents[document].facts.flux_path
            if path is not None and path.source is not None:
                yield from self._documents.git_urls(path.source.kind, path.source.name)
            elif path is None and (found := flux.spec_of_instance(self._documents.content(document))) is not None:
                source = found[1].source
                if source is not None and source.url is not None and source.kind == "GitRepository":
                    yield source.url

    def _of_fleet(self) -> Iterator[Root]:
        """The bundles of Fleet, each of which goes to clusters of its own."""
        named = {
            folder: applier for folder, applier in self._folders_of_git_repos() if folder in self._documents.folders
        }
        for folder in sorted(self._documents.folders.bundles | named.keys()):
            if context_of(f"{folder}/") != "active":
                continue
            above = [each for each in named if not each or f"{folder}/".startswith(f"{each}/")]
            applier = named[max(above, key=len)] if above else folder
            for place, specs in self._walk.bundles.of(folder).specs(folder).items():
                yield Root(NodeKey(Cluster(place), applier), Wanted(specs, path=place))

    def _folders_of_git_repos(self) -> Iterator[tuple[str, str]]:
        """The folders that the GitRepos of Fleet name in this repository, each with the name of its GitRepo."""
        for identity in sorted(self._documents.git_repos, key=order_of):
            url, folders = fleet.paths_of_git_repo(self._documents.content(identity))
            if context_of(identity.path) == "active" and url in self._places.urls:
                yield from ((folder, applier_name(identity.key)) for folder in folders)

    # The beginnings that are probable

    def _probable(self, certain: set[Cluster], *, has_more: bool) -> Iterator[Root]:
        """The appliers that nothing applies, in a repository that has no other beginning."""
        active = [identity for identity in self._appliers.all() if context_of(identity.path) == "active"]
        if not active and not certain and not has_more:
            yield from self._kustomizations(is_real=True)
            return
        free = [identity for identity in active if not self._covered_by(identity, certain)]
        applied = self._appliers.applied(free)
        tops = _tops(applied)
        parents = {identity for identity in tops if applied[identity]}
        if certain:
            tops = [identity for identity in tops if identity in parents and identity.key.group == KUSTOMIZE]
        elif parents:
            folders = {identity.path.rpartition("/")[0] for identity in parents}
            tops = [each for each in tops if each.key.group == ARGO or each.path.rpartition("/")[0] in folders]
        yield from self._bundles(tops, is_real=True)

    def _covered_by(self, identity: Identity, clusters: Set[Cluster]) -> bool:
        for at in self._walk.index.applications(identity):  # noqa: SIM110 - of all documents, and often
            if at[0].cluster in clusters:
                return True
        return False

    def _bundles(self, documents: Iterable[Identity], *, is_real: bool) -> Iterator[Root]:
        """Roots for appliers that nothing applies: the root kustomizations that list them, or else their folders."""
        folders = defaultdict[str, list[Identity]](list)
        for identity in documents:
            listing = self._appliers.tops(identity.path)
            if listing:
                yield from (_kustomization(folder, is_real=is_real) for folder in listing)
            else:
                folders[identity.path.rpartition("/")[0]].append(identity)
        for folder, declared in _by_outermost(folders).items():
            self.probable_folders |= {folder} if is_real else set()
            if is_real and folder and self._is_whole(folder, declared):
                yield _kustomization(folder, is_real=True)
                continue
            objects = tuple(self._as_built(identity) for identity in sorted(declared, key=order_of))
            yield Root(NodeKey(Cluster(folder, is_real), folder), Wanted(objects=objects, path=folder))

    def _is_whole(self, folder: str, declared: Iterable[Identity]) -> bool:
        """True if a folder is what Flux applies first: it holds Kustomizations of other Kustomizations elsewhere."""
        here = [each for each in declared if each.path.rpartition("/")[0] == folder and each.key.group == KUSTOMIZE]
        below = self._appliers.applied(self._appliers.all())
        applied = [each for parent in here if below[parent] for each in self._appliers.folders(parent)]
        inside = [each for each in applied if f"{each}/".startswith(f"{folder}/")]
        return bool(applied) and not inside and self._walk.builds.of(folder, b"{}").failure is None

    def _as_built(self, identity: Identity) -> BuiltObject:
        return BuiltObject(self._documents.content(identity), identity)

    # All that is left

    def _others(self) -> Iterator[Root]:
        """Roots of clusters that are not real: of the appliers and root kustomizations that no cluster applies."""
        free = [each for each in self._appliers.all() if not self._walk.index.is_applied(each)]
        bundles = list(self._bundles(_tops(self._appliers.applied(free)), is_real=False))
        self._walk_from(bundles)
        yield from bundles
        yield from self._kustomizations(is_real=False, but={root.key.cluster for root in bundles})

    def _kustomizations(self, *, is_real: bool, but: Set[Cluster] = frozenset()) -> Iterator[Root]:
        """The root kustomizations above documents that nothing applies, apart from those that some clusters reach."""
        paths = self._walk.index.unapplied_files(but)
        tops = {top for path in paths for top in self._appliers.tops(path)}
        for folder in sorted(tops):
            if not is_real or context_of(f"{folder}/") == "active":
                yield _kustomization(folder, is_real=is_real)


@lru_cache(maxsize=4096)
def _kustomization(folder: str, *, is_real: bool) -> Root:
    return Root(NodeKey(Cluster(folder, is_real), folder), Wanted((ApplySpec(folder),), path=folder))


def _origins(wanted: Wanted) -> Iterator[Identity | None]:
    return (built.origin for built in wanted.objects)


def _by_outermost(folders: dict[str, list[Identity]]) -> dict[str, list[Identity]]:
    """The documents by folder, where a folder takes those of the folders below it."""
    outer: dict[str, list[Identity]] = {}
    for folder in sorted(folders, key=len):
        outer.setdefault(next(filter(outer.__contains__, _above(folder)), folder), []).extend(folders[folder])
    return outer


def _above(folder: str) -> Iterator[str]:
    """The folders above one, without the root. At most one of them is an outermost one."""
    while folder := folder.rpartition("/")[0]:
        yield folder


def _is_narrower(one: Root, other: Root) -> bool:
    """True if a root has a folder inside that of another one, with the document of the other one in it."""
    place = f"{one.key.cluster.path}/"
    is_inside = one.key.cluster != other.key.cluster and place.startswith(f"{other.key.cluster.path}/".lstrip("/"))
    return is_inside and other.document is not None and other.document.path.startswith(place)


def _tops(applied: dict[Identity, set[Identity]]) -> list[Identity]:
    """The appliers that no other one applies. Of those that apply each other in a circle, the first one counts."""
    below = {identity for found in applied.values() for identity in found}
    tops = sorted(applied.keys() - below, key=order_of)
    reached, queue = set(tops), list(tops)
    for start in [*tops, *sorted(applied, key=order_of)]:
        if start not in reached:
            tops.append(start)
            reached.add(start)
        queue = [start]
        while queue:
            new = applied.get(queue.pop(), set()) - reached
            reached |= new
            queue += new
    return tops
