"""The walk of what applies what, from commit to commit: each applier with the objects that it brings to its cluster.

A node is one applier in one cluster. It is made anew if a build changes that it was made of, if an object of the
cluster changes that it reads, or if the object of the applier itself changes. All other nodes stay as they are, so a
commit costs what it touches.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.directories import Directories
from kubestats_pipeline.scan.build.objects import Built, BuiltObject
from kubestats_pipeline.scan.clusters.appliers import argo, resource_sets
from kubestats_pipeline.scan.clusters.appliers.applications import Applications
from kubestats_pipeline.scan.clusters.appliers.fleet import Bundles
from kubestats_pipeline.scan.clusters.appliers.make_object import embedded, make_object
from kubestats_pipeline.scan.clusters.appliers.nodes import (
    Cluster,
    ClusterObject,
    Node,
    NodeKey,
    ObjectSettings,
    Part,
    Wanted,
)
from kubestats_pipeline.scan.clusters.appliers.own_urls import is_own
from kubestats_pipeline.scan.clusters.appliers.post_build import NotYamlError
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.failures import Failures
from kubestats_pipeline.scan.clusters.object_index import ObjectAt, ObjectIndex, Read
from kubestats_pipeline.scan.clusters.places import ARTIFACT_KINDS, Places
from kubestats_pipeline.scan.clusters.variables import Variables
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.kinds.application_sets import Expansion
from kubestats_pipeline.scan.kinds.argo import GROUP as ARGO
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest, ResourceKey

MAX_ROUNDS = 20
"""How often one node may be made anew in one commit, because objects of the cluster that it reads change."""

MAX_SELF = 3
"""How often a Kustomization that applies itself is followed with the changes that it makes to itself."""

NAMED_KINDS = frozenset(
    {"ConfigMap", "GitRepository", "OCIRepository", "Bucket", "ExternalArtifact", "ArtifactGenerator"}
)
"""Kinds of objects that nodes read."""

BUILD, SOUND_BUILD = Builds.of.__qualname__, Builds.as_far_as_possible.__qualname__
DIRECTORY = Directories.of.__qualname__
EXPANSION, OVERRIDES = Applications.of.__qualname__, Applications.overrides.__qualname__
BUNDLE, BUNDLE_FILE = Bundles.objects.__qualname__, Bundles.of.__qualname__
QUERIES = frozenset({BUILD, SOUND_BUILD, DIRECTORY, EXPANSION, OVERRIDES, BUNDLE, BUNDLE_FILE})
"""The names of the queries that nodes are made of."""

_Made = tuple[dict[ResourceKey, ClusterObject], frozenset[Read]]


class Walk:
    """All nodes of a repository at one commit.

    Attributes:
        changed: the objects that changed since the last `take_changed`, with what they were before.
        builds, directories, applications_made, bundles: the queries that it is made of.
        index: the objects by name and by document.
        failures: of the nodes that cannot be built.
    """

    def __init__(
        self, places: Places, builds: Builds, directories: Directories, applications: Applications, bundles: Bundles
    ) -> None:
        self._places = places
        self.builds = builds
        self.directories = directories
        self.applications_made = applications
        self.bundles = bundles
        self._nodes: dict[NodeKey, Node] = {}
        self._readers: defaultdict[Read, set[NodeKey]] = defaultdict(set)
        self._dirty: dict[NodeKey, None] = {}
        self.changed: dict[ObjectAt, ClusterObject | None] = {}
        self.index = ObjectIndex()
        self._variables = Variables(self.index, places.documents)
        self.failures = Failures()
        self._unknown = 0

    # What is asked

    @property
    def documents(self) -> DeclaredDocuments:
        """The documents of the repository."""
        return self._places.documents

    @property
    def own_urls(self) -> frozenset[str]:
        """The known URLs of the repository."""
        return self._places.urls.known

    def get(self, at: ObjectAt) -> ClusterObject | None:
        """An object, or None if it is gone."""
        node = self._nodes.get(at[0])
        return node.objects.get(at[1]) if node is not None else None

    def node(self, key: NodeKey) -> Node | None:
        """A node, or None if it is gone."""
        return self._nodes.get(key)

    @property
    def nodes(self) -> Iterable[Node]:
        """All nodes."""
        return self._nodes.values()

    def facts_of_sources(self, cluster: Cluster | None, kind: str, name: str) -> list[Facts]:
        """The facts of the sources of a kind and name: of a cluster, or else of all, or else of documents."""
        found = (cluster is not None and self.index.named(cluster, kind, name)) or self.index.everywhere(kind, name)
        declared = self._places.documents
        facts = [each.facts for each in found.values()] or [declared[each].facts for each in declared.named(kind, name)]
        return [each for each in facts if each.source is not None]

    @property
    def has_unknown_appliers(self) -> bool:
        """True if a cluster may apply folders that the repository does not name, as by a generator of Argo CD."""
        return self._unknown > 0

    @property
    def has_clusters(self) -> bool:
        """True if anything is applied to a cluster."""
        return any(key.cluster.is_real for key in self._nodes)

    # What changes

    def want(self, key: NodeKey, owner: NodeKey, wanted: Wanted | None) -> None:
        """Record what an applier applies according to one owner, or None if the owner has it no more."""
        node = self._nodes.get(key)
        if wanted is None:
            if node is not None and node.wanted_by.pop(owner, None) is not None:
                self._dirty[key] = None
            return
        if node is None:
            node = self._nodes[key] = Node(key)
        if node.wanted_by.get(owner) != wanted:
            node.wanted_by[owner] = wanted
            self._dirty[key] = None

    def invalidate(self, reads: Iterable[Read]) -> None:
        """Record that builds have changed."""
        for read in reads:
            for key in self._readers.get(read, ()):
                self._dirty[key] = None

    def invalidate_all(self) -> None:
        """Make every node anew."""
        self._dirty.update(dict.fromkeys(self._nodes))

    def invalidate_artifacts(self) -> None:
        """Record that folders came or went, so that the root of an artifact may be another one."""
        self.invalidate(read for read in list(self._readers) if read[0] == "document" and read[1] in ARTIFACT_KINDS)

    def settle(self) -> None:
        """Make all nodes that are out of date, until nothing changes any more."""
        rounds: defaultdict[NodeKey, int] = defaultdict(int)
        while self._dirty:
            key = next(iter(self._dirty))
            del self._dirty[key]
            node = self._nodes.get(key)
            rounds[key] += 1
            if node is not None and rounds[key] <= MAX_ROUNDS:
                self._make(node)

    def take_changed(self) -> dict[ObjectAt, ClusterObject | None]:
        """The objects that changed since the last call, with what they were before."""
        changed, self.changed = self.changed, {}
        return changed

    # One node

    def _make(self, node: Node) -> None:
        owners = sorted(owner for owner in node.wanted_by if owner != node.key)
        before = node.failure
        if not owners:
            self.failures.note(node.key, before, None)
            self._replace(node, {}, frozenset())
            del self._nodes[node.key]
            return
        wanted = node.wanted_by[owners[0]]
        objects, reads = node.objects, node.reads
        for _ in range(MAX_SELF):
            objects, reads = self._objects(node, wanted, (objects, reads))
            itself = next(
                (child for each in objects.values() for name, child in each.children if name == node.key.applied_by),
                None,
            )
            if itself is None or itself == wanted:
                break
            wanted = itself
        node.path = wanted.path
        self.failures.note(node.key, before, node.failure)
        self._replace(node, objects, reads)

    def _replace(self, node: Node, objects: dict[ResourceKey, ClusterObject], reads: frozenset[Read]) -> None:
        before = node.objects
        if reads != node.reads:
            for read in node.reads - reads:
                self._readers[read].discard(node.key)
                if not self._readers[read]:
                    del self._readers[read]
                    if read[0] in QUERIES:
                        self.builds.queries.forget(read)
            for read in reads - node.reads:
                self._readers[read].add(node.key)
            node.reads = reads
        if objects == before and objects.keys() == before.keys():
            return
        node.objects = objects
        for key in before.keys() | objects.keys():
            old, new = before.get(key), objects.get(key)
            if old is not new:
                self._replace_object((node.key, key), old, new)

    def _replace_object(self, at: ObjectAt, old: ClusterObject | None, new: ClusterObject | None) -> None:
        self.changed.setdefault(at, old)
        key, cluster = at[1], at[0].cluster
        names = self.index.replace(at, old, new)
        if key.kind in NAMED_KINDS and (old is None or new is None or old.data != new.data):
            self.invalidate(("object", where, key.kind, name) for where in (cluster, None) for name in names)
        if key.kind == argo.APPLICATION_SET and cluster.is_real:
            self._unknown += _may_apply_more(new) - _may_apply_more(old)
        children = dict(old.children) if old is not None else {}
        wanted = dict(new.children) if new is not None else {}
        for name in children.keys() | wanted.keys():
            self.want(NodeKey(cluster, name), at[0], wanted.get(name))

    def _objects(self, node: Node, wanted: Wanted, known_made: _Made) -> _Made:
        """The objects that a node applies, with what was read for them. A failure leaves none.

        Args:
            node: the node.
            wanted: what it applies.
            known_made: the last answer, which holds as long as all parts of the node are the same.
        """
        reads = set[Read]()
        parts = self._parts(node, wanted, reads)
        if _are_same(node.parts, parts) and node.document == wanted.document and not node.has_templates:
            return known_made
        node.parts, node.document, node.failure, node.has_templates = parts, wanted.document, None, False
        known = {_name_of(each.built): each for each in node.objects.values()}
        found = dict[ResourceKey, ClusterObject]()
        look_ups = _NodeReads(self, node.key.cluster, reads)
        try:
            for folder, build, settings in parts:
                if build.failure is not None:
                    self._fail(node, wanted, build.failure, folder)
                for built in build.objects:
                    made = _unchanged(known, built, settings) or make_object(built, settings, look_ups)
                    if made is None or _is_itself(made, wanted, node.key):
                        continue
                    node.has_templates |= made.key.kind in _EXPANDED_KINDS
                    for each in (made, *self._embedded(made)):
                        found[each.key] = each  # of several with equal keys the last one stays in the cluster
        except NotYamlError:
            self._fail(node, wanted, "an object is not YAML after its variables were replaced")
        return ({} if node.failure else found), frozenset(reads)

    def _parts(self, node: Node, wanted: Wanted, reads: set[Read]) -> tuple[Part, ...]:
        """The builds that a node applies, each with what the applier does to its objects."""
        parts = list[Part]()
        if wanted.objects or not wanted.specs:
            parts.append((None, Built(wanted.objects), ObjectSettings()))
        for spec in wanted.specs:
            settings = self._variables.settings(node.key.cluster, spec, reads)
            # The former settings in place of equal ones, so that objects compare them by identity.
            settings = next((each for _, _, each in node.parts if each == settings), settings)
            for folder, build in self._places.builds(spec, _NodeReads(self, node.key.cluster, reads)):
                parts.append((folder, build, settings))
        return tuple(parts)

    def _fail(self, node: Node, wanted: Wanted, reason: str, folder: str | None = None) -> None:
        """Record why a node applies nothing: at the kustomization of the folder, or else at the applier's document."""
        path = self.documents.kustomization_files.get(folder) if folder is not None else None
        if path is None:
            path = wanted.document.path if wanted.document is not None else f"{node.key.applied_by}/kustomization.yaml"
        node.failure = node.failure or (path, reason)

    def _embedded(self, made: ClusterObject) -> Iterable[ClusterObject]:
        if made.key.group != ARGO or (made.key.kind == argo.APPLICATION_SET and made.children):
            return ()
        origins = self._places.documents.in_file(made.origin.path) if made.origin is not None else {}
        return embedded(made, origins)


def _may_apply_more(made: ClusterObject | None) -> bool:
    return made is not None and made.incomplete is not None


def _is_itself(made: ClusterObject, wanted: Wanted, key: NodeKey) -> bool:
    """True for the applier itself under another name or namespace, which would apply the same once more."""
    is_applier = made.origin is not None and made.origin == wanted.document
    return is_applier and all(name != key.applied_by for name, _ in made.children)


def _are_same(before: tuple[Part, ...], after: tuple[Part, ...]) -> bool:
    """True if a node is made of the same builds as before, with equal settings."""
    if len(before) != len(after) or not before:
        return False
    pairs = zip(before, after, strict=True)
    return all(old[1] is new[1] and old[2] is new[2] for old, new in pairs)


def _name_of(built: BuiltObject) -> Hashable:
    """The name by which an object is found among those of the last build. A document may be built several times."""
    metadata = built.content.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return built.origin, str(built.content.get("kind")), str(name)


def _unchanged(
    known: dict[Hashable, ClusterObject], built: BuiltObject, settings: ObjectSettings
) -> ClusterObject | None:
    """The former object, if it was made of equal content with the same settings.

    Contents of two builds share what no change has reached, so that they are compared in little time.
    """
    former = known.get(_name_of(built))
    if former is None or former.settings is not settings or former.built != built:
        return None
    return None if former.key.kind in _EXPANDED_KINDS else former


_EXPANDED_KINDS = (resource_sets.KIND, argo.APPLICATION, argo.APPLICATION_SET)
"""Kinds of objects whose children depend on more than the object."""


class _NodeReads:
    """The look-ups of one node."""

    def __init__(self, walk: Walk, cluster: Cluster, reads: set[Read]) -> None:
        self._walk = walk
        self._cluster = cluster
        self._reads = reads

    def sources(self, kind: str, name: str) -> list[Facts]:
        self._reads |= {("object", self._cluster, kind, name), ("object", None, kind, name), ("document", kind, name)}
        return self._walk.facts_of_sources(self._cluster, kind, name)

    def declared(self, kind: str, name: str) -> None:
        self._reads.add(("document", kind, name))

    def build(self, folder: str, more: bytes) -> Built:
        if self._cluster.is_real:
            self._reads.add((BUILD, folder, more))
            return self._walk.builds.of(folder, more)
        self._reads.add((SOUND_BUILD, folder, more))
        return self._walk.builds.as_far_as_possible(folder, more)

    def directory(self, folder: str, *, is_recursive: bool) -> Built:
        self._reads.add((DIRECTORY, folder, is_recursive))
        return self._walk.directories.of(folder, is_recursive)

    def bundle(self, folder: str) -> Built:
        self._reads.add((BUNDLE, folder))
        return self._walk.bundles.objects(folder)

    def providers(self, entry: dict[str, Any]) -> list[dict[str, Any]] | None:
        name = entry.get("name")
        if not isinstance(name, str):
            return None
        index = (self._cluster, resource_sets.PROVIDER, name)
        self._reads.add(("object", *index))
        return [each.content for each in self._walk.index.named(*index).values()] or None

    def applications(self, data: bytes) -> Expansion:
        own_urls = self._walk.own_urls
        self._reads.add((EXPANSION, data, own_urls))
        return self._walk.applications_made.of(data, own_urls)

    def overrides(self, url: str, path: str) -> dict[str, Any]:
        if not is_own(url, self._walk.own_urls):
            return {}
        self._reads.add((OVERRIDES, path))
        return self._walk.applications_made.overrides(path)

    def declared_in(self, path: str) -> Mapping[Identity, Manifest]:
        return self._walk.documents.in_file(path)
