"""Replays tree differences into events: the one primitive behind first scans, new commits and rewritten histories.

A `Replay` holds all resources that a repository declares at one commit. `apply` moves it by one difference and appends
the events of that commit to the log. The result depends only on the starting state, the differences and the bounds, so
a second replay gives the same rows, ids included. `history.py` and `scan.py` give the differences, and `rows.py` makes
Parquet rows of the state.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from itertools import chain

from kubestats_pipeline.git.history import Change, Commit
from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.sources import RepositorySources
from kubestats_pipeline.scan.clusters.clusters import Clusters
from kubestats_pipeline.scan.documents.file import NOT_BUILT, Problem
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.kustomize.kustomization import KUSTOMIZATION_FILES
from kubestats_pipeline.scan.manifests.files import ContentCache, Declared, File, Files, declared_in
from kubestats_pipeline.scan.manifests.identity import Identity, order_of
from kubestats_pipeline.scan.manifests.manifests import Manifest, restore_manifest
from kubestats_pipeline.scan.manifests.withheld_paths import WithheldPaths
from kubestats_pipeline.scan.replay.applied_history import AppliedHistory
from kubestats_pipeline.scan.replay.applied_records import AppliedRecord
from kubestats_pipeline.scan.replay.applied_values import AppliedValues
from kubestats_pipeline.scan.replay.field_changes import detect_changes
from kubestats_pipeline.scan.replay.ids import new_resource_id
from kubestats_pipeline.scan.replay.move_detection import match_moves
from kubestats_pipeline.scan.replay.problems import OpenProblems, TooComplex, record_problems
from kubestats_pipeline.scan.replay.records import Resource
from kubestats_pipeline.scan.replay.resource_log import ResourceLog
from kubestats_pipeline.scan.replay.standing import Standings
from kubestats_pipeline.scan.replay.tombstones import Tombstones
from kubestats_pipeline.scan.values.applications import ApplicationValues
from kubestats_pipeline.scan.values.inputs import ValuesInputs
from kubestats_pipeline.scan.values.merge import Values, with_images
from kubestats_pipeline.scan.values.own_repository import OwnRepository


@dataclass
class Replay:
    """The resources of one repository at one commit, and the events since the replay began.

    Attributes:
        active: the declared resources.
        tombstones: every deleted resource by id.
        log: the events of the resources.
        unsaved: ids of resources whose Helm values may differ from the rows in the lake.
        paths: the public names of files whose paths hold a secret. All paths in this object are public names.
        clone_url: the URL of the repository, by which its own sources and files are told from those of others.
        saved_applied: the objects that clusters ran at the commit of the state, and `next_applied` their events until
            then. `applied` goes on from there, and `log` from `next_sequence`.
    """

    repository_id: str
    cache: ContentCache
    active: dict[Identity, Resource] = field(default_factory=dict)
    tombstones: dict[str, Resource] = field(default_factory=dict)
    problems: OpenProblems = field(default_factory=dict)
    unsaved: set[str] = field(default_factory=set)
    paths: WithheldPaths = field(default_factory=WithheldPaths)
    clone_url: str = ""
    saved_applied: InitVar[Iterable[AppliedRecord]] = ()
    next_applied: InitVar[int] = 0
    next_sequence: InitVar[int] = 0

    def __post_init__(self, saved_applied: Iterable[AppliedRecord], next_applied: int, next_sequence: int) -> None:
        self.log = ResourceLog(self.repository_id, next_sequence)
        saved = {applied.key: applied for applied in saved_applied}
        self.applied = AppliedHistory(self.repository_id, saved, next_applied)
        self.files = Files(self.cache)
        self.values_inputs = ValuesInputs(self.files, self.cache, OwnRepository(self.clone_url))
        self._standings = Standings(self.values_inputs, self.files)
        self._queries = QueryStore()
        self._sources = RepositorySources(self.files, self.cache, self._queries)
        self.clusters = Clusters(self._sources, self._queries, self.clone_url)
        self.applied_values = AppliedValues(ApplicationValues(self.clusters, self.values_inputs), self.applied)
        self._too_complex = TooComplex()
        self._deleted = Tombstones(self.tombstones)
        self._outdated = set[Identity]()
        self._was_applied: dict[Identity, bool | None] = {}
        self._live_ids = {resource.resource_id for resource in self.active.values()}

    def restore(self, tree: Iterable[Change], last_readable: Mapping[str, str] | None = None) -> None:
        """Read the files of the commit at which the state was saved, without making events.

        Resources of the state that no file declares any more are in unreadable documents, and keep their last known
        resolution. Two sorts of files are forgotten, so that the next step reads them as if they had changed: files
        that declare more than the state has, because bounds were raised, and files that another version of the scanner
        read differently.

        Args:
            tree: all files of that commit.
            last_readable: for values files that cannot be read, the last readable blob by path.
        """
        touched = self.files.apply(tree)
        declared = {identity for _, after in touched.values() if after for identity in after.declared}
        retained: dict[str, dict[Identity, Manifest]] = {}
        for identity, resource in self.active.items():
            if identity not in declared:
                manifest = restore_manifest(resource.manifest, resource.resolved.version)
                retained.setdefault(identity.path, {})[identity] = manifest
        for path, manifests in retained.items():
            self.files.restore(path, manifests)
        for path, (_, after) in touched.items():
            if after and not after.declared.keys() <= self.active.keys():
                self.files.forget(path, self.active)
        self._note_changed_files()
        for path in {*touched, *retained}:
            self._resolve_file(path, self.files.get(path))
        self.values_inputs.last_readable.update(last_readable or {})
        changed = self.clusters.resolve_changed()
        self._too_complex.replace(changed)
        self._update_inputs((), changed)
        held, applied = self.applied_values.hold(), self.applied_values.take(())
        for identity, resolved in self._standings.judge(changed, (), ()).items():
            if identity in self.active:
                known, manifest = self.active[identity], self._manifest(identity)
                values = self._values(identity, known.values)
                if manifest.content_hash != known.manifest.content_hash:
                    self._outdated.add(identity)
                    self.files.forget(identity.path, self.active)
                    manifest = known.manifest  # the one of its last event, because the next event compares with it
                self.active[identity] = known._replace(resolved=resolved, manifest=manifest, values=values)
        self.values_inputs.touched.clear()
        self.applied.restore(self.applied_values.described(applied, self.active), self._resource_id, held)

    def apply(self, commit: Commit, changes: Iterable[Change]) -> None:
        """Move by one tree difference, and append its events with the commit.

        Events come in a fixed order: moves, deletions, creations, modifications, each in the order of identities.
        """
        touched = self.files.apply(changes)
        before = declared_in(former for former, _ in touched.values())
        after = declared_in(latter for _, latter in touched.values())
        removed = {identity: before[identity] for identity in before if identity not in after}
        self._was_applied = {identity: self.clusters.is_applied(identity) for identity in removed}
        self._note_changed_files()
        for path, (_, latter) in touched.items():
            self._resolve_file(path, latter)
        changed = self.clusters.resolve_changed()
        self._too_complex.forget(removed)
        # Inputs come before problems and values: both ask which files are used as values now.
        self._update_inputs(removed, changed)
        applied = self.applied_values.take(touched)
        changed = self._standings.judge(changed, removed, touched)
        turned = self._too_complex.replace(changed) | self.clusters.take_failed()
        for path in sorted(touched.keys() | self.values_inputs.touched | turned):
            record_problems(self.problems, path, self._problems(path), commit)
        self.values_inputs.touched.clear()
        added = {identity: after[identity] for identity in after if identity not in before}
        moves = match_moves(removed, added)
        self._move(moves, after, changed, commit)
        for identity in sorted(removed.keys() - moves.values(), key=order_of):
            self._delete(identity, commit)
        for identity in sorted(added.keys() - moves.keys(), key=order_of):
            self._create(identity, after[identity], changed[identity], commit)
        # A resource may change without its file: by its resolution, by a values file, or by a new scanner version.
        reached = changed.keys() | self.values_inputs.releases_using(touched) | (self._outdated & after.keys())
        self._outdated -= after.keys()
        for identity in sorted(reached - added.keys(), key=order_of):
            resolved = changed.get(identity) or self.active[identity].resolved
            self._modify(identity, identity, self._manifest(identity), resolved, commit)
        self.applied.apply(commit, self.applied_values.described(applied, self.active), self._resource_id, moves)
        self.unsaved |= self.applied_values.affected(applied, self.active)

    def release(self) -> None:
        """Free the memory, at the end of the replay. The garbage collector would take many times as long for it."""
        self._queries.drop_all()

    def note_applied(self) -> None:
        """Bring `is_applied` of all active resources up to date."""
        for identity, resource in self.active.items():
            is_applied = self.clusters.is_applied(identity)
            if is_applied is not resource.is_applied:
                self.active[identity] = resource._replace(is_applied=is_applied)

    def lines(self) -> dict[Identity, int]:
        """The lines on which the documents of active resources begin, as far as they can be told."""
        return dict(chain.from_iterable(self.files[path].lines for path in self.files.paths))

    def _update_inputs(self, removed: Iterable[Identity], changed: Mapping[Identity, Resolved]) -> None:
        for identity in removed:
            self.values_inputs.forget(identity)
        for identity, resolved in changed.items():
            self._set_inputs(identity, resolved)

    def _set_inputs(self, identity: Identity, resolved: Resolved) -> None:
        """Record the inputs of a release. While its document cannot be read, it keeps the values that it had."""
        if self._is_retained(identity):
            self.values_inputs.forget(identity)
        else:
            self.values_inputs.set_inputs(identity, self._manifest(identity).facts, resolved)

    def _is_retained(self, identity: Identity) -> bool:
        return identity in self.files[identity.path].retained

    def retained_values(self) -> dict[str, Values]:
        """The values of releases whose documents cannot be read, by resource id. No file holds them any more."""
        return {
            resource.resource_id: resource.values
            for resource in self.active.values()
            if resource.values is not None and self._is_retained(resource.identity)
        }

    def _values(self, identity: Identity, known: Values | None) -> Values | None:
        """The values of a release from other files, or the last known ones while its own document cannot be read."""
        if self._is_retained(identity):
            return known
        values = self.values_inputs.read(identity)
        if values is None:
            return None
        named = with_images(self._manifest(identity), values)
        return named._replace(images=self.clusters.effective_images(identity, named.images or ()))

    def _resource_id(self, identity: Identity) -> str | None:
        resource = self.active.get(identity)
        return resource.resource_id if resource else None

    def _manifest(self, identity: Identity) -> Manifest:
        return self.files[identity.path].declared[identity]

    def _note_changed_files(self) -> None:
        """Let builds know which files have changed, and which are there."""
        changed = self.files.take_changed()
        self._sources.replace(changed)
        for path in changed:
            is_there = self.files.blob_of(path) is not None or self.files.get(path) is not None
            self.clusters.documents.folders.replace(path, is_there=is_there)

    def _resolve_file(self, path: str, file: File | None) -> None:
        declared: Declared = file.declared if file else {}
        retained = file.retained if file else ()
        last_known = {identity: self.active[identity].resolved for identity in retained if identity in self.active}
        self.clusters.replace_file(path, declared, last_known)
        if path.rpartition("/")[2] in KUSTOMIZATION_FILES:
            self.clusters.replace_kustomization(path, file.content.kustomize if file else None)

    def _move(
        self,
        moves: Mapping[Identity, Identity],
        manifests: Declared,
        changed: Mapping[Identity, Resolved],
        commit: Commit,
    ) -> None:
        """Give resources their new identities, and append their events.

        All are taken out before the first is put back, because one may move to the place of another.
        """
        movers = {new: self.active.pop(old) for new, old in moves.items()}
        for new in sorted(moves, key=order_of):
            self.active[new] = movers[new]
            self._modify(moves[new], new, manifests[new], changed[new], commit)

    def _modify(self, old: Identity, new: Identity, manifest: Manifest, resolved: Resolved, commit: Commit) -> None:
        before = self.active[new]
        values = self._values(new, before.values)
        nothing_given = values is None and before.values is None
        if old == new and manifest is before.manifest and resolved == before.resolved and nothing_given:
            return
        after = before._replace(identity=new, manifest=manifest, resolved=resolved, values=values)
        parts, fields = detect_changes(before.version, after.version)
        if old.key.name != new.key.name and "metadata" not in parts:
            parts = sorted([*parts, "metadata"])
        if manifest is not before.manifest or values != before.values:
            self.unsaved.add(before.resource_id)
        if parts:
            after = after._replace(updated_at=commit.committed_at, updated_commit=commit.sha)
            self.log.append("MODIFIED", commit, before, after, parts, fields)
        self.active[new] = after

    def _delete(self, identity: Identity, commit: Commit) -> None:
        before = self.active.pop(identity)
        at = commit.committed_at
        after = before._replace(
            updated_at=at,
            updated_commit=commit.sha,
            deleted_at=at,
            values=None,
            values_complete=None,
            is_applied=self._was_applied[identity],
        )
        self._live_ids.discard(before.resource_id)
        self._deleted.add(after)
        self.log.append("DELETED", commit, before, after)

    def _create(self, identity: Identity, manifest: Manifest, resolved: Resolved, commit: Commit) -> None:
        former = self._deleted.take(identity)  # a resource that comes back keeps its id
        at, sha = commit.committed_at, commit.sha
        if former is not None:
            after = former._replace(
                manifest=manifest, resolved=resolved, updated_at=at, updated_commit=sha, deleted_at=None
            )
            parts, fields = detect_changes(former.version, after.version)
            self.log.append("RESURRECTED", commit, former, after, parts, fields)
        else:
            after = Resource(
                resource_id=new_resource_id(
                    self.repository_id, identity, sha, self.log.next_sequence, self._is_known_resource
                ),
                identity=identity,
                manifest=manifest,
                resolved=resolved,
                created_at=at,
                created_commit=sha,
                updated_at=at,
                updated_commit=sha,
            )
            self.log.append("CREATED", commit, None, after)
        self.active[identity] = after._replace(values=self._values(identity, None))
        self.unsaved.add(after.resource_id)
        self._live_ids.add(after.resource_id)

    def _is_known_resource(self, resource_id: str) -> bool:
        return resource_id in self._live_ids or resource_id in self.tombstones

    def _problems(self, path: str) -> Iterator[Problem]:
        """The problems of a file: in itself, as values, and in the way in which its resources are applied."""
        file = self.files.get(path)
        if file is None:
            return
        yield from file.content.problems
        yield from self.values_inputs.problems(path)
        if (failure := self.clusters.failure(path)) is not None:
            yield Problem(NOT_BUILT, failure)
        yield from self._too_complex.problems(file.declared)
