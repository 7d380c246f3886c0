"""The objects that the clusters of one repository run, and the meaning of each document, from commit to commit.

The walk finds what applies what and makes the objects. Here their references are followed. The resolution of a document
is what its applications have in common. A document that no cluster applies means what it would mean if somebody applied
it, and else what it says itself. After a change, only what it can have reached is resolved again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.clusters.agreement import agreed_resolution
from kubestats_pipeline.scan.clusters.applied import AppliedKey, AppliedObject
from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, ClusterObject, NodeKey
from kubestats_pipeline.scan.clusters.appliers.own_urls import OwnUrls
from kubestats_pipeline.scan.clusters.appliers.substitution import substitute_image
from kubestats_pipeline.scan.clusters.document_effects import changes_roots, is_not_followed, reads_of
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.failures import Held
from kubestats_pipeline.scan.clusters.node_reads import BUNDLE_FILE, EXPANSION, QUERIES
from kubestats_pipeline.scan.clusters.object_index import ObjectAt
from kubestats_pipeline.scan.clusters.object_resolver import ObjectResolution, ObjectResolver
from kubestats_pipeline.scan.clusters.places import Places
from kubestats_pipeline.scan.clusters.references import LookUp
from kubestats_pipeline.scan.clusters.roots import Roots
from kubestats_pipeline.scan.clusters.values_from import Application, application_of
from kubestats_pipeline.scan.clusters.walk import Walk
from kubestats_pipeline.scan.documents.budget import TooComplexError
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.cluster_scope import is_cluster_scoped
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.kinds import fleet, helm, helmfile
from kubestats_pipeline.scan.kustomize.kustomization import Kustomize
from kubestats_pipeline.scan.manifests.identity import Identity, order_of
from kubestats_pipeline.scan.manifests.manifests import Manifest, digest

_FOR_TOOLS = {fleet.GROUP, helm.GROUP, helmfile.GROUP, "kustomize.config.k8s.io"}
"""API groups of what tools read. No cluster gets it as an object, so nobody can tell whether it is applied."""
MAX_ROUNDS = 5
"""How often the roots are chosen again in one commit, because what they apply has roots of its own."""

Subject = ObjectAt | Identity
"""An object in a cluster, or a document."""


class Clusters:
    """The clusters of one repository at one commit."""

    def __init__(self, sources: Sources, queries: QueryStore, clone_url: str | None) -> None:
        self.documents = DeclaredDocuments()
        self._queries = queries
        self._urls = OwnUrls(clone_url)
        places = Places(self.documents, self._urls)
        self._walk = Walk(places, sources, queries)
        self._roots = Roots(self.documents, places, self._walk)
        self._last_known: dict[Identity, Resolved] = {}
        self._resolver = ObjectResolver(self._walk, self.documents)
        self._resolutions: dict[ObjectAt, ObjectResolution] = {}
        self._resolved: dict[Identity, Resolved] = {}
        self._looked_up: dict[Subject, frozenset[LookUp]] = {}
        self._readers: defaultdict[LookUp, set[Subject]] = defaultdict(set)
        self._new: set[Identity] = set()
        self._not_followed: set[Identity] = set()
        self._touched: set[Identity] = set()
        self._applied: dict[AppliedKey, AppliedObject | None] = {}
        self._held = Held()
        self._roots_may_differ = True
        self._revision = self._bundles_revision = 0

    def replace_file(
        self, path: str, declared: Mapping[Identity, Manifest], last_known: Mapping[Identity, Resolved]
    ) -> None:
        """Replace the documents of a file.

        Args:
            path: path of the file.
            declared: all documents of the file, or empty if it is gone.
            last_known: the last known resolutions of those that cannot be read now. They stay as they are.
        """
        for identity in self.documents.in_file(path):
            if self._last_known.pop(identity, None) is not None:
                self._new.add(identity)
        for identity, before in self.documents.replace_file(path, declared).items():
            is_gone = identity not in declared
            if is_not_followed(identity.key):
                (self._not_followed.discard if is_gone else self._not_followed.add)(identity)
            self._walk.invalidate(reads_of(identity, before, declared.get(identity)))
            if before is None or is_gone:
                self._walk.index.declare(identity, is_gone=is_gone)
            is_source = identity.key.kind == "GitRepository"
            may_differ = is_source or changes_roots(before, declared.get(identity))
            self._roots_may_differ |= may_differ or identity in self._roots.documents
            self._new.add(identity)
            self._resolver.forget(identity)
        self._last_known |= last_known
        self._new |= last_known.keys()

    def replace_kustomization(self, path: str, kustomize: Kustomize | None) -> None:
        """Replace the kustomization in a file, with None if it has none."""
        was_there = path.rpartition("/")[0] in self.documents.kustomizations
        paths = self.documents.replace_kustomization(path, kustomize)
        self._roots_may_differ |= bool(paths) or was_there != (kustomize is not None)
        for path in paths:
            self._touched.update(self.documents.in_file(path))

    def resolve_changed(self) -> dict[Identity, Resolved]:
        """Resolve what a change since the last call can have reached.

        Returns:
            The resolution of each document that is new or changed, or whose resolution has changed, in the order of
            identities.
        """
        self._settle()
        objects = self._walk.take_changed()
        for subject in self._reached(objects):
            if isinstance(subject, Identity):
                self._touched.add(subject)
            else:
                self._resolve_object(subject, objects.get(subject), is_new=subject in objects)
        changed: dict[Identity, Resolved] = {}
        for identity in sorted(self._new | self._touched, key=order_of):
            if identity not in self.documents:
                self._resolved.pop(identity, None)
                self._look_up(identity, set())
                continue
            known = self._resolved.get(identity)
            resolved = self._last_known.get(identity) or self._resolve_document(identity)
            if identity in self._new or resolved != known:
                changed[identity] = self._resolved[identity] = resolved
        self._new, self._touched = set(), set()
        self._applied.update(dict.fromkeys(self._held.release(self._walk.failures.is_failing)))
        return changed

    def hold(self, saved: Iterable[AppliedKey]) -> frozenset[AppliedKey]:
        """The saved objects that are still run, although what applies them cannot be built at this commit.

        The same set as long as it holds the same.
        """
        for key in saved:
            if self._walk.failures.is_failing(key.cluster) and self._applied.get(key) is None:
                self._held.hold(key, is_held=True)
        return self._held.all

    def application(self, key: AppliedKey) -> Application | None:
        """An object that a cluster runs, or None if it is gone or cannot be built at this commit."""
        at = _place_of(key)
        made = self._walk.get(at)
        return application_of(made, at[0], self._walk) if made is not None else None

    def tell_again(self, keys: Iterable[AppliedKey]) -> None:
        """Count objects as changed, because files have that they take values from."""
        for at in map(_place_of, keys):
            made = self._walk.get(at)
            if made is not None:
                self._tell(at, self._as_applied(at, made, self._resolutions[at].as_applied))

    def take_applied(self) -> dict[AppliedKey, AppliedObject | None]:
        """The objects of clusters that changed since the last call. None stands for one that is gone."""
        applied, self._applied = self._applied, {}
        return applied

    def take_failed(self) -> set[str]:
        """The files whose `failure` may have changed since the last call."""
        return self._walk.failures.take_turned_files()

    def failure(self, path: str) -> str | None:
        """The reason why what a file applies cannot be built, or None."""
        return self._walk.failures.at(path)

    def is_applied(self, identity: Identity) -> bool | None:
        """True if a cluster applies a document, or None if the repository does not tell."""
        if self._walk.index.is_applied(identity):
            return True
        is_unknown = self._walk.failures or self._walk.has_unknown_appliers or self._not_followed
        is_known = self._walk.has_clusters and not is_unknown and not self._urls.may_be_others
        is_told = is_known and identity.key.group not in _FOR_TOOLS and not self._patch_reason(identity)
        may_be = any(identity.path.startswith(f"{folder}/") for folder in self._roots.probable_folders)
        return False if is_told and not may_be else None

    def effective_images(self, identity: Identity, images: tuple[Image, ...]) -> tuple[Image, ...]:
        """Images of a release's values with their variables replaced, or as written if its applications differ."""
        if not any("$" in (image.raw or image.image) for image in images):
            return images
        found = set[tuple[Image, ...]]()
        try:
            for at in self._applications(identity):
                each = self._walk.get(at)
                variables = each.settings.variables if each is not None else None
                found.add(tuple(substitute_image(image, variables) for image in images) if variables else images)
        except TooComplexError:
            return images
        return found.pop() if len(found) == 1 else images

    # The walk

    def _settle(self) -> None:
        if self._revision != self.documents.folders.revision:
            self._revision = self.documents.folders.revision
            self._walk.invalidate_artifacts()
            self._roots_may_differ |= self._urls.depends_on_folders or bool(self.documents.git_repos)
        invalidated = self._queries.take_invalidated_keys(QUERIES)
        self._roots_may_differ |= any(key[0] in (EXPANSION, BUNDLE_FILE) for key in invalidated)
        if self._bundles_revision != self.documents.folders.bundles_revision:
            self._bundles_revision = self.documents.folders.bundles_revision
            self._roots_may_differ = True
        self._walk.invalidate(invalidated)
        self._walk.settle()
        for _ in range(MAX_ROUNDS):
            if not self._roots_may_differ and not self._are_roots_missing():
                break
            self._roots_may_differ = False
            self._walk.index.turned.clear()
            self._roots.settle()
        self._roots_may_differ = False
        self._walk.index.turned.clear()

    def _are_roots_missing(self) -> bool:
        """True if a cluster began or ceased to apply an applier, or if something listed is reached by no walk."""
        if not self._walk.index.turned.isdisjoint(self.documents.appliers):
            return True
        known = (identity for identity in self._new if identity in self.documents)
        return any(not self._walk.index.applications(each) and self.documents.includers(each.path) for each in known)

    def _reached(self, objects: Iterable[ObjectAt]) -> set[Subject]:
        """The objects and documents that must be resolved again."""
        subjects = set[Subject](objects)
        for identity in self._new:
            found = self._walk.index.applications(identity)
            subjects |= found
            subjects |= self._readers.get((None, identity.key.kind, identity.key.name), set())
            for at in found:
                subjects |= self._readers_of(at)
        for at in objects:
            subjects |= self._readers_of(at)
        return subjects

    def _readers_of(self, at: ObjectAt) -> set[Subject]:
        cluster, kind, name = at[0].cluster, at[1].kind, at[1].name
        here, everywhere = self._readers.get((cluster, kind, name)), self._readers.get((None, kind, name))
        return {*(here or ()), *(everywhere or ())}

    def _look_up(self, subject: Subject, looked_up: set[LookUp]) -> None:
        """Record what the resolution of a subject depends on."""
        before = self._looked_up.pop(subject, frozenset())
        if looked_up:
            self._looked_up[subject] = frozenset(looked_up)
        for each in before - looked_up:
            self._readers[each].discard(subject)
            if not self._readers[each]:
                del self._readers[each]
        for each in looked_up - before:
            self._readers[each].add(subject)

    # One object

    def _resolve_object(self, at: ObjectAt, before: ClusterObject | None, *, is_new: bool) -> None:
        made, known = self._walk.get(at), self._resolutions.get(at)
        if before is not None and before.origin is not None:
            self._touched.add(before.origin)
        if made is None:
            self._resolutions.pop(at, None)
            self._look_up(at, set())
            self._tell(at, None)
            return
        looked_up = set[LookUp]()
        resolution = self._resolver.resolve_object(at, made, looked_up)
        self._look_up(at, looked_up)
        if resolution != known or is_new or made.facts.values_from:  # one of its ConfigMaps may have changed
            self._resolutions[at] = resolution
            if at[0].cluster.is_real:
                self._tell(at, self._as_applied(at, made, resolution.as_applied))
            if made.origin is not None:
                self._touched.add(made.origin)

    def _tell(self, at: ObjectAt, applied: AppliedObject | None) -> None:
        """Note what becomes of an object of a cluster. One that cannot be built any more goes on to run."""
        node, cluster = self._walk.node(at[0]), at[0].cluster
        if not cluster.is_real:
            return
        key = AppliedKey(cluster.path, at[0].applied_by, at[1])
        is_held = (
            applied is None
            and (node is None or node.failure is not None)
            and self._walk.failures.is_failing(cluster.path)
        )
        self._held.hold(key, is_held=is_held)
        if not is_held:
            self._applied[key] = applied

    def _as_applied(self, at: ObjectAt, made: ClusterObject, resolved: Resolved) -> AppliedObject:
        return AppliedObject(
            applied_path=node.path if (node := self._walk.node(at[0])) is not None else "",
            origin=made.origin,
            api_version=str(made.content.get("apiVersion", "")).rpartition("/")[2],
            content_hash=digest(made.data),
            resolved=resolved,
            is_complete=made.incomplete is None,
            version_tag=resolved.version_tag,
        )

    # One document

    def _resolve_document(self, identity: Identity) -> Resolved:
        facts = self.documents[identity].facts
        if reason := self._patch_reason(identity):
            self._look_up(identity, set())
            return Resolved(identity.key.namespace, facts.version, reason=reason)
        applications = self._applications(identity)
        if applications:
            self._look_up(identity, set())
            found = dict.fromkeys(self._resolutions[at].as_written for at in applications)
            notes = {note for each in map(self._walk.get, applications) if each and (note := each.too_complex)}
            return agreed_resolution(list(found), facts, identity)._replace(too_complex=min(notes, default=None))
        looked_up = set[LookUp]()
        namespace = None if is_cluster_scoped(*identity.key[:2]) else identity.key.namespace
        resolved = self._resolver.resolve_document(facts, namespace, looked_up)
        self._look_up(identity, looked_up)
        return resolved._replace(images=None, app_name=None)

    def _applications(self, identity: Identity) -> list[ObjectAt]:
        """The applications of a document: those of clusters, or else those that would be."""
        places = [*self._walk.index.applications(identity)]
        found = sorted(places, key=repr) if len(places) > 1 else places
        return [at for at in found if at[0].cluster.is_real] or found

    def _patch_reason(self, identity: Identity) -> str | None:
        """The reason why a document that looks like a release is a patch of one."""
        facts = self.documents[identity].facts
        if facts.patch_reason is not None or not facts.is_release:
            return facts.patch_reason
        patchers = self.documents.patchers(identity.path)
        if not patchers or self.documents.includers(identity.path):
            return None
        return f"a patch of a release in another file: {patchers[0]}/kustomization.yaml lists it as one"


def _place_of(key: AppliedKey) -> ObjectAt:
    return NodeKey(Cluster(key.cluster), key.applied_by), key.key
