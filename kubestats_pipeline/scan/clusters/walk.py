"""The walk of what applies what, from commit to commit: each applier with the objects that it brings to its cluster.

A node is one applier in one cluster. It is made anew if a build changes that it was made of, if an object of the
cluster changes that it reads, or if the object of the applier itself changes. All other nodes stay as they are, so a
commit costs what it touches.
"""

from collections import defaultdict
from collections.abc import Iterable

from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.directories import Directories
from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.objects import Built, BuiltObject
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.clusters.appliers import argo
from kubestats_pipeline.scan.clusters.appliers.applications import Applications
from kubestats_pipeline.scan.clusters.appliers.fleet import Bundles
from kubestats_pipeline.scan.clusters.appliers.known_objects import EXPANDED_KINDS, KnownObjects
from kubestats_pipeline.scan.clusters.appliers.made_again import are_same, differing_objects, is_itself, makes_others
from kubestats_pipeline.scan.clusters.appliers.make_object import embedded, make_object
from kubestats_pipeline.scan.clusters.appliers.nodes import (
    ClusterObject,
    Node,
    NodeKey,
    ObjectSettings,
    Part,
    Wanted,
)
from kubestats_pipeline.scan.clusters.appliers.post_build import NotYamlError
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.failures import Failures
from kubestats_pipeline.scan.clusters.node_reads import BUILD, QUERIES, SOUND_BUILD, NodeReads, Surveyed
from kubestats_pipeline.scan.clusters.object_index import ObjectAt, ObjectIndex, Read
from kubestats_pipeline.scan.clusters.places import ARTIFACT_KINDS, Places
from kubestats_pipeline.scan.clusters.variables import Variables
from kubestats_pipeline.scan.kinds.argo import GROUP as ARGO
from kubestats_pipeline.scan.manifests.manifests import ResourceKey

MAX_ROUNDS = 20
"""How often one node may be made anew in one commit, because objects of the cluster that it reads change."""

MAX_SELF = 3
"""How often a Kustomization that applies itself is followed with the changes that it makes to itself."""

NAMED_KINDS = frozenset(
    {"ConfigMap", "GitRepository", "OCIRepository", "Bucket", "ExternalArtifact", "ArtifactGenerator"}
)
"""Kinds of objects that nodes read."""

_Made = tuple[dict[ResourceKey, ClusterObject], frozenset[Read]]


class Walk:
    """All nodes of a repository at one commit.

    Attributes:
        changed: the objects that changed since the last `take_changed`, with what they were before.
        builds, bundles, applications_made: queries for builds, bundles of Fleet, and Applications of sets.
        index: the objects by name and by document.
        failures: of the nodes that cannot be built.
    """

    def __init__(self, places: Places, sources: Sources, queries: QueryStore) -> None:
        self._places = places
        self._queries = queries
        self.index = ObjectIndex()
        self.builds = Builds(sources, queries)
        self.bundles = Bundles(sources, queries)
        self.applications_made = Applications(sources, queries)
        made = self.builds, Directories(sources, queries), self.applications_made, self.bundles
        self._surveyed = Surveyed(self.index, places.documents, places.urls, *made)
        self._nodes: dict[NodeKey, Node] = {}
        self._readers: defaultdict[Read, set[NodeKey]] = defaultdict(set)
        self._dirty: dict[NodeKey, bool] = {}  # false if something else than builds may have changed
        self._may_hold_circles = False
        self.changed: dict[ObjectAt, ClusterObject | None] = {}
        self._variables = Variables(self.index, places.documents)
        self.failures = Failures()
        self._unknown = 0

    # What is asked

    @property
    def documents(self) -> DeclaredDocuments:
        """The documents of the repository."""
        return self._places.documents

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
                self._dirty[key] = False
                self._may_hold_circles |= bool(node.wanted_by)
            return
        if node is None:
            node = self._nodes[key] = Node(key)
        if node.wanted_by.get(owner) != wanted:
            node.wanted_by[owner] = wanted
            self._dirty[key] = False

    def invalidate(self, reads: Iterable[Read]) -> None:
        """Record that builds have changed."""
        for read in reads:
            is_build = read[0] in (BUILD, SOUND_BUILD)
            for key in self._readers.get(read, ()):
                self._dirty[key] = is_build and self._dirty.get(key, True)

    def invalidate_all(self) -> None:
        """Make every node anew."""
        self._dirty.update(dict.fromkeys(self._nodes, False))

    def invalidate_artifacts(self) -> None:
        """Record that folders came or went, so that the root of an artifact may be another one."""
        self.invalidate(read for read in list(self._readers) if read[0] == "document" and read[1] in ARTIFACT_KINDS)

    def settle(self) -> None:
        """Make all nodes that are out of date, until nothing changes any more."""
        rounds: defaultdict[NodeKey, int] = defaultdict(int)
        while self._dirty:
            key = next(iter(self._dirty))
            is_by_builds = self._dirty.pop(key)
            node = self._nodes.get(key)
            rounds[key] += 1
            if node is not None and rounds[key] <= MAX_ROUNDS and not (is_by_builds and self._is_made_again(node)):
                self._make(node)
            if not self._dirty and self._may_hold_circles:
                self._may_hold_circles = False
                self._drop_circles()

    def take_changed(self) -> dict[ObjectAt, ClusterObject | None]:
        """The objects that changed since the last call, with what they were before."""
        changed, self.changed = self.changed, {}
        return changed

    def _drop_circles(self) -> None:
        """Drop the appliers that only each other apply."""
        owned = defaultdict[NodeKey, list[NodeKey]](list)
        for key, node in self._nodes.items():
            for owner in node.wanted_by:
                owned[owner].append(key)
        queue = [owner for owner in owned if owner not in self._nodes]  # the beginnings of walks
        reached = set(queue)
        while queue:
            new = set(owned.get(queue.pop(), ())) - reached
            reached |= new
            queue += new
        for key in [each for each in self._nodes if each not in reached]:
            self._nodes[key].wanted_by.clear()
            self._dirty[key] = False

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
        for number in range(MAX_SELF):  # noqa: B007 - it is used after the loop
            objects, reads = self._objects(node, wanted, (objects, reads))
            itself = next(
                (child for each in objects.values() for name, child in each.children if name == node.key.applied_by),
                None,
            )
            if itself is None or itself == wanted:
                break
            wanted = itself
        if number:
            node.queries = ()
        node.path = wanted.path
        self.failures.note(node.key, before, node.failure)
        self._replace(node, objects, reads)

    def _is_made_again(self, node: Node) -> bool:
        """Make a node again of which builds alone have changed. False if it must be made as a whole."""
        if not node.queries:
            return False
        build = self._surveyed.builds.of if node.key.cluster.is_real else self._surveyed.builds.as_far_as_possible
        known = zip(node.parts, node.queries, strict=True)
        parts = tuple((folder, build(*query), settings) for (folder, _, settings), query in known)
        if are_same(node.parts, parts):
            return True
        look_ups = NodeReads(self._surveyed, node.key.cluster, set())

        def make(built: BuiltObject, settings: ObjectSettings) -> ClusterObject | None:
            made = make_object(built, settings, look_ups)
            return None if made is None or is_itself(made, node.document, node.key) else made

        try:
            changed = differing_objects(node, parts, make)
        except NotYamlError:
            return False
        if changed is None:
            return False
        node.parts = parts
        for key, (_, new) in changed.items():
            node.objects[key] = new
        for key, (old, new) in changed.items():
            self._replace_object((node.key, key), old, new)
        return True

    def _replace(self, node: Node, objects: dict[ResourceKey, ClusterObject], reads: frozenset[Read]) -> None:
        before = node.objects
        if reads != node.reads:
            for read in node.reads - reads:
                self._readers[read].discard(node.key)
                if not self._readers[read]:
                    del self._readers[read]
                    if read[0] in QUERIES:
                        self._queries.forget(read)
            for read in reads - node.reads:
                self._readers[read].add(node.key)
            node.reads = reads
        if objects == before and objects.keys() == before.keys():
            return
        node.objects = objects
        for key, new in objects.items():
            if (old := before.get(key)) is not new:
                self._replace_object((node.key, key), old, new)
        for key in before.keys() - objects.keys():
            self._replace_object((node.key, key), before[key], None)

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
        parts, node.queries = self._parts(node, wanted, reads)
        if are_same(node.parts, parts) and node.document == wanted.document and not node.has_templates:
            return known_made
        node.parts, node.document, node.failure, node.has_templates = parts, wanted.document, None, False
        known = KnownObjects(node.objects.values(), parts)
        found = dict[ResourceKey, ClusterObject]()
        look_ups = NodeReads(self._surveyed, node.key.cluster, reads)
        node.is_one_to_one = True
        try:
            for folder, build, settings in parts:
                if build.failure is not None:
                    self._fail(node, wanted, build.failure, folder)
                for built in build.objects:
                    made = known.unchanged(built, settings) or make_object(built, settings, look_ups)
                    if made is None or is_itself(made, wanted.document, node.key):
                        node.is_one_to_one = False
                        continue
                    node.is_one_to_one &= made.key not in found and not makes_others(made)
                    node.has_templates |= made.key.kind in EXPANDED_KINDS
                    for each in (made, *self._embedded(made)):
                        found[each.key] = each  # of several with equal keys the last one stays in the cluster
        except NotYamlError:
            self._fail(node, wanted, "an object is not YAML after its variables were replaced")
        node.is_one_to_one &= not node.failure
        return ({} if node.failure else found), frozenset(reads)

    def _parts(
        self, node: Node, wanted: Wanted, reads: set[Read]
    ) -> tuple[tuple[Part, ...], tuple[tuple[str, bytes], ...]]:
        """The builds that a node applies, each with what the applier does to its objects, and the queries."""
        parts, queries = list[Part](), list[tuple[str, bytes]]()
        if wanted.objects or not wanted.specs:
            parts.append((None, Built(wanted.objects), ObjectSettings()))
        for spec in wanted.specs:
            settings = self._variables.settings(node.key.cluster, spec, reads)
            # The former settings in place of equal ones, so that objects compare them by identity.
            settings = next((each for _, _, each in node.parts if each == settings), settings)
            for folder, build in self._places.builds(spec, NodeReads(self._surveyed, node.key.cluster, reads)):
                parts.append((folder, build, settings))
                if spec.is_always_built:
                    queries.append((folder, spec.more))
        return tuple(parts), tuple(queries) if len(queries) == len(parts) else ()

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
