"""The walk of what applies what, from commit to commit: each applier with the objects that it brings to its cluster.

A node is one applier in one cluster. It is made anew if a build changes that it was made of, if an object of the
cluster changes that it reads, or if the object of the applier itself changes. All other nodes stay as they are, so a
commit costs what it touches.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.directories import Directories
from kubestats_pipeline.scan.build.objects import BuiltObject
from kubestats_pipeline.scan.clusters.appliers import resource_sets
from kubestats_pipeline.scan.clusters.appliers.make_object import embedded, make_object
from kubestats_pipeline.scan.clusters.appliers.nodes import (
    ClusterObject,
    Node,
    NodeKey,
    ObjectSettings,
    Read,
    Wanted,
)
from kubestats_pipeline.scan.clusters.appliers.post_build import NotYamlError
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.failures import Failures
from kubestats_pipeline.scan.clusters.node_reads import QUERIES, NodeReads
from kubestats_pipeline.scan.clusters.object_index import ObjectAt, ObjectIndex
from kubestats_pipeline.scan.clusters.places import ARTIFACT_KINDS, Places
from kubestats_pipeline.scan.clusters.variables import VariablesReader
from kubestats_pipeline.scan.kinds.argo import GROUP as ARGO
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey

MAX_ROUNDS = 20
"""How often one node may be made anew in one commit, because objects of the cluster that it reads change."""

MAX_SELF = 3
"""How often a Kustomization that applies itself is followed with the changes that it makes to itself."""

NAMED_KINDS = frozenset(
    {"ConfigMap", "GitRepository", "OCIRepository", "Bucket", "ExternalArtifact", "ArtifactGenerator"}
)
"""Kinds of objects that nodes read."""


class Walk:
    """All nodes of a repository at one commit.

    Attributes:
        changed: the objects that changed since the last `take_changed`, with what they were before.
        builds, directories: the queries that it is made of.
        unapplied: the documents that no cluster applies.
        failures: of the nodes that cannot be built.
        objects: those of all nodes.
        turned: the documents that a cluster began or ceased to apply, until somebody clears it.
    """

    def __init__(self, places: Places, builds: Builds, directories: Directories) -> None:
        self._places = places
        self.builds = builds
        self.directories = directories
        self._nodes: dict[NodeKey, Node] = {}
        self._readers: defaultdict[Read, set[NodeKey]] = defaultdict(set)
        self.objects = ObjectIndex()
        self._applications: defaultdict[Identity, set[ObjectAt]] = defaultdict(set)
        self._dirty: dict[NodeKey, None] = {}
        self.changed: dict[ObjectAt, ClusterObject | None] = {}
        self.unapplied: set[Identity] = set()
        self.turned: set[Identity] = set()
        self.failures = Failures()

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

    def applications(self, identity: Identity) -> set[ObjectAt]:
        """Where the object of a document is applied."""
        return self._applications.get(identity, set())

    @property
    def has_clusters(self) -> bool:
        """True if anything is applied to a cluster."""
        return any(key.cluster.is_real for key in self._nodes)

    def is_applied(self, identity: Identity) -> bool:
        """True if a cluster applies a document."""
        return any(at[0].cluster.is_real for at in self.applications(identity))

    # What changes

    def declare(self, identity: Identity, *, is_gone: bool) -> None:
        """Record that a document comes or goes."""
        if is_gone:
            self.unapplied.discard(identity)
        elif not self.is_applied(identity):
            self.unapplied.add(identity)

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
        for _ in range(MAX_SELF):
            objects, reads = self._objects(node, wanted)
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
        names = {each.built.base_name or key.name for each in (old, new) if each is not None} | {key.name}
        for name in names:
            self.objects.replace((cluster, key.kind, name), at, new)
        before, after = (each.origin if each is not None else None for each in (old, new))
        if before != after:
            self._move_application(at, before, after)
        if key.kind in NAMED_KINDS and (old is None or new is None or old.data != new.data):
            self.invalidate(("object", where, key.kind, name) for where in (cluster, None) for name in names)
        children = dict(old.children) if old is not None else {}
        wanted = dict(new.children) if new is not None else {}
        for name in children.keys() | wanted.keys():
            self.want(NodeKey(cluster, name), at[0], wanted.get(name))

    def _move_application(self, at: ObjectAt, before: Identity | None, after: Identity | None) -> None:
        """Record that an object began as another document than before."""
        for identity in (before, after):
            if identity is None:
                continue
            was_applied = self.is_applied(identity)
            found = self._applications[identity]
            (found.add if identity == after else found.discard)(at)
            if not found:
                del self._applications[identity]
            if was_applied != self.is_applied(identity):
                self.turned.add(identity)
                (self.unapplied.add if was_applied else self.unapplied.discard)(identity)

    def _objects(self, node: Node, wanted: Wanted) -> tuple[dict[ResourceKey, ClusterObject], frozenset[Read]]:
        """The objects that a node applies, with what was read for them. A failure leaves none."""
        look_ups = NodeReads(self.objects, self.documents, self.builds, self.directories, node.key.cluster)
        found = dict[ResourceKey, ClusterObject]()
        known = {id(each.built.content): each for each in node.objects.values()}
        former, node.settings, node.failure = node.settings, (), None
        try:
            for built, settings in self._built(node, former, wanted, look_ups):
                made = _unchanged(known, built, settings) or make_object(built, settings, look_ups.providers)
                if made is not None and _is_itself(made, wanted, node.key):
                    continue
                for each in (made, *self._embedded(made)) if made is not None else ():
                    found[each.key] = each  # of several with equal keys the last one stays in the cluster
        except NotYamlError:
            self._fail(node, wanted, "an object is not YAML after its variables were replaced")
        return ({} if node.failure else found), frozenset(look_ups.reads)

    def _fail(self, node: Node, wanted: Wanted, reason: str, folder: str | None = None) -> None:
        """Record why a node applies nothing: at the kustomization of the folder, or else at the applier's document."""
        path = self.documents.kustomization_files.get(folder) if folder is not None else None
        if path is None:
            path = wanted.document.path if wanted.document is not None else f"{node.key.applied_by}/kustomization.yaml"
        node.failure = node.failure or (path, reason)

    def _built(
        self, node: Node, former: tuple[ObjectSettings, ...], wanted: Wanted, look_ups: NodeReads
    ) -> Iterator[tuple[BuiltObject, ObjectSettings]]:
        variables = VariablesReader(self.objects, self.documents, node.key.cluster, look_ups.reads)
        for spec in wanted.specs or (None,):
            settings = variables.settings(spec) if spec is not None else ObjectSettings()
            # The former settings in place of equal ones, so that objects compare them by identity.
            settings = next((each for each in former if each == settings), settings)
            node.settings = (*node.settings, settings)
            if spec is None:
                yield from ((built, settings) for built in wanted.objects)
                continue
            for folder, build in self._places.builds(spec, look_ups):
                if build.failure is not None:
                    self._fail(node, wanted, build.failure, folder)
                yield from ((built, settings) for built in build.objects)

    def _embedded(self, made: ClusterObject) -> Iterable[ClusterObject]:
        if made.key.group != ARGO:
            return ()
        origins = self._places.documents.in_file(made.origin.path) if made.origin is not None else {}
        return embedded(made, origins)


def _is_itself(made: ClusterObject, wanted: Wanted, key: NodeKey) -> bool:
    """True for the applier itself under another name or namespace, which would apply the same once more."""
    is_applier = made.origin is not None and made.origin == wanted.document
    return is_applier and all(name != key.applied_by for name, _ in made.children)


def _unchanged(known: dict[int, ClusterObject], built: BuiltObject, settings: ObjectSettings) -> ClusterObject | None:
    """The former object, if it was made of the same content with the same settings."""
    former = known.get(id(built.content))
    if former is None or former.settings is not settings or former.built != built:
        return None
    return None if former.key.kind == resource_sets.KIND else former
