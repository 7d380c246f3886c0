"""Replays tree differences into events: the one primitive behind first scans, new commits and rewritten histories.

A `Replay` holds what a repository declares at one commit. `apply` moves it by one difference and appends the events
of that commit to the log. The result depends only on the starting state, the differences and the bounds: replaying
again gives the same rows, ids included. Where the differences come from stands in `history.py` and `scan.py`, how
state becomes Parquet rows in `rows.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kubestats_pipeline.git.history import Change, Commit
from kubestats_pipeline.lake.vocabulary import EventType
from kubestats_pipeline.scan.documents.file import Problem
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.kustomize.kustomization import KUSTOMIZATION_FILES
from kubestats_pipeline.scan.manifests.files import ContentCache, Declared, File, Files
from kubestats_pipeline.scan.manifests.identity import Identity, identity_text, order_of
from kubestats_pipeline.scan.manifests.manifests import Manifest, digest, restore_manifest
from kubestats_pipeline.scan.manifests.withheld_paths import WithheldPaths
from kubestats_pipeline.scan.replay.field_changes import FieldChange, detect_changes
from kubestats_pipeline.scan.replay.move_detection import match_moves
from kubestats_pipeline.scan.replay.problems import OpenProblems, record_problems
from kubestats_pipeline.scan.replay.records import Event, Resource
from kubestats_pipeline.scan.resolve.resolver import Resolver
from kubestats_pipeline.scan.values.inputs import Feeds
from kubestats_pipeline.scan.values.merge import Values, with_images


@dataclass
class Replay:
    """What one repository declares at one commit, and the events since the replay began.

    Attributes:
        active: by identity, what is declared.
        tombstones: every deleted resource by id.
        known_event_ids: ids in the log before this replay.
        next_sequence: position of the next event in the log.
        events: those that have not been taken away by `take_events`.
        unsaved: ids of resources whose Helm values may differ from the rows in the lake.
        paths: what files are called whose paths hold a secret; everything here goes by these names.
    """

    repository_id: str
    cache: ContentCache
    active: dict[Identity, Resource] = field(default_factory=dict)
    tombstones: dict[str, Resource] = field(default_factory=dict)
    problems: OpenProblems = field(default_factory=dict)
    known_event_ids: set[str] = field(default_factory=set)
    next_sequence: int = 0
    events: list[Event] = field(default_factory=list)
    unsaved: set[str] = field(default_factory=set)
    paths: WithheldPaths = field(default_factory=WithheldPaths)

    def __post_init__(self) -> None:
        self.files = Files(self.cache)
        self.feeds = Feeds(self.files, self.cache)
        self._resolver = Resolver()
        self._too_complex: set[Identity] = set()
        self._deleted: dict[Identity, set[str]] = {}
        self._outdated = set[Identity]()
        for resource in self.tombstones.values():
            self._deleted.setdefault(resource.identity, set()).add(resource.resource_id)
        self._live_ids = {resource.resource_id for resource in self.active.values()}

    def restore(self, tree: Iterable[Change], last_readable: Mapping[str, str] | None = None) -> None:
        """Read the files of the commit that the state stands for, without making events.

        Of values files that cannot be read, `last_readable` names the blobs that were read last.

        Resources of the state that no file declares any more stand in unreadable documents and keep their last known
        meaning. Two sorts of files wait to be read as if they had changed: those that declare more than the state
        knows, because bounds have been raised, and those that another version of the scanner read differently.
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
        for path in {*touched, *retained}:
            self._resolve_file(path, self.files.get(path))
        self.feeds.last_readable.update(last_readable or {})
        meanings = self._resolver.settle()
        self._learn_too_complex(meanings)
        for identity, resolved in meanings.items():
            if identity in self.active:
                known, manifest = self.active[identity], self._manifest(identity)
                self._learn_feed(identity, resolved)
                values = self._values(identity, known.values)
                if manifest.content_hash != known.manifest.content_hash:
                    self._outdated.add(identity)
                    self.files.forget(identity.path, self.active)
                    manifest = known.manifest  # as its last event says, until the next one
                self.active[identity] = known._replace(resolved=resolved, manifest=manifest, values=values)
        self.feeds.touched.clear()

    def apply(self, commit: Commit, changes: Iterable[Change]) -> None:
        """Move by one tree difference and append its events, which carry the commit."""
        touched = self.files.apply(changes)
        before = _merged(former for former, _ in touched.values())
        after = _merged(latter for _, latter in touched.values())
        for path, (_, latter) in touched.items():
            self._resolve_file(path, latter)
        meanings = self._resolver.settle()
        removed = {identity: before[identity] for identity in before if identity not in after}
        self._too_complex -= removed.keys()
        self._learn_feeds(removed, meanings)
        for path in sorted(touched.keys() | self.feeds.touched | self._learn_too_complex(meanings)):
            record_problems(self.problems, path, self._problems(path, meanings), commit)
        self.feeds.touched.clear()
        added = {identity: after[identity] for identity in after if identity not in before}
        moves = match_moves(removed, added)
        self._move(moves, after, meanings, commit)
        for identity in sorted(removed.keys() - moves.values(), key=order_of):
            self._delete(identity, commit)
        for identity in sorted(added.keys() - moves.keys(), key=order_of):
            self._create(identity, after[identity], meanings[identity], commit)
        reached = meanings.keys() | self.feeds.users(touched) | (self._outdated & after.keys())
        self._outdated -= after.keys()
        for identity in sorted(reached - added.keys(), key=order_of):
            resolved = meanings.get(identity) or self.active[identity].resolved
            self._modify(identity, identity, self._manifest(identity), resolved, commit)

    def take_events(self) -> list[Event]:
        """Give the events since the last call, and forget them."""
        taken, self.events = self.events, []
        return taken

    def _learn_feeds(self, removed: Iterable[Identity], meanings: Mapping[Identity, Resolved]) -> None:
        for identity in removed:
            self.feeds.forget(identity)
        for identity, resolved in meanings.items():
            self._learn_feed(identity, resolved)

    def _learn_feed(self, identity: Identity, resolved: Resolved) -> None:
        """While its document cannot be read, a release keeps the values that it had."""
        if self._is_retained(identity):
            self.feeds.forget(identity)
        else:
            self.feeds.learn(identity, self._manifest(identity).facts, resolved)

    def _is_retained(self, identity: Identity) -> bool:
        return identity in self.files[identity.path].retained

    def retained_values(self) -> dict[str, Values]:
        """By resource id, the values that stay while their releases cannot be read: no file tells them any more."""
        return {
            each.resource_id: each.values
            for each in self.active.values()
            if each.values is not None and self._is_retained(each.identity)
        }

    def _values(self, identity: Identity, known: Values | None) -> Values | None:
        """What other files give to a release; as last known while its own document cannot be read."""
        if self._is_retained(identity):
            return known
        values = self.feeds.read(identity)
        if values is None:
            return None
        named = with_images(self._manifest(identity), values)
        return named._replace(images=self._resolver.effective_images(identity, named.images or ()))

    def _manifest(self, identity: Identity) -> Manifest:
        return self.files[identity.path].declared[identity]

    def _resolve_file(self, path: str, file: File | None) -> None:
        declared: Declared = file.declared if file else {}
        retained = file.retained if file else ()
        frozen = {each: self.active[each].resolved for each in retained if each in self.active}
        self._resolver.replace_file(path, declared, frozen)
        folder, _, name = path.rpartition("/")
        if name in KUSTOMIZATION_FILES:
            self._resolver.replace_kustomization(folder, file.content.kustomize if file else None)

    def _move(
        self,
        moves: Mapping[Identity, Identity],
        manifests: Declared,
        meanings: Mapping[Identity, Resolved],
        commit: Commit,
    ) -> None:
        """Take all movers away before any is put down: one may move to where another was."""
        movers = {new: self.active.pop(old) for new, old in moves.items()}
        for new in sorted(moves, key=order_of):
            self.active[new] = movers[new]
            self._modify(moves[new], new, manifests[new], meanings[new], commit)

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
            self._append("MODIFIED", commit, before, after, parts, fields)
        self.active[new] = after

    def _delete(self, identity: Identity, commit: Commit) -> None:
        before = self.active.pop(identity)
        at = commit.committed_at
        after = before._replace(
            updated_at=at, updated_commit=commit.sha, deleted_at=at, values=None, values_complete=None
        )
        self._live_ids.discard(before.resource_id)
        self.tombstones[after.resource_id] = after
        self._deleted.setdefault(identity, set()).add(after.resource_id)
        self._append("DELETED", commit, before, after)

    def _create(self, identity: Identity, manifest: Manifest, resolved: Resolved, commit: Commit) -> None:
        former = self._take_tombstone(identity)
        at, sha = commit.committed_at, commit.sha
        if former is not None:
            after = former._replace(
                manifest=manifest, resolved=resolved, updated_at=at, updated_commit=sha, deleted_at=None
            )
            parts, fields = detect_changes(former.version, after.version)
            self._append("RESURRECTED", commit, former, after, parts, fields)
        else:
            after = Resource(self._new_resource_id(identity, commit), identity, manifest, resolved, at, sha, at, sha)
            self._append("CREATED", commit, None, after)
        self.active[identity] = after._replace(values=self._values(identity, None))
        self.unsaved.add(after.resource_id)
        self._live_ids.add(after.resource_id)

    def _take_tombstone(self, identity: Identity) -> Resource | None:
        """Of several resources that died in one place, the one that died last by its commit's clock comes back."""
        ids = self._deleted.get(identity)
        if not ids:
            return None
        former = max((self.tombstones[each] for each in ids), key=lambda each: (each.updated_at, each.resource_id))
        ids.discard(former.resource_id)
        return self.tombstones.pop(former.resource_id)

    def _new_resource_id(self, identity: Identity, commit: Commit) -> str:
        """A function of the first identity.

        Where a resource that moved away still has that id, of the commit too; and where a rewritten history makes the
        same commit do so a second time, of the position in the log as well.
        """
        for more in ((), (commit.sha,)):
            resource_id = digest(identity_text(self.repository_id, identity, *more))
            if resource_id not in self._live_ids and resource_id not in self.tombstones:
                return resource_id
        return digest(identity_text(self.repository_id, identity, commit.sha, str(self.next_sequence)))

    def _append(
        self,
        event_type: EventType,
        commit: Commit,
        before: Resource | None,
        after: Resource,
        parts: Iterable[str] = (),
        fields: Iterable[FieldChange] = (),
    ) -> None:
        """Add an event.

        Its id is a function of repository, commit and identity. Only where a rewritten history brings a commit back a
        second time is the position in the log part of it as well.
        """
        event_id = digest(identity_text(self.repository_id, after.identity, commit.sha))
        if event_id in self.known_event_ids:
            event_id = digest(identity_text(self.repository_id, after.identity, commit.sha, str(self.next_sequence)))
        self.known_event_ids.add(event_id)
        self.events.append(
            Event(event_id, self.next_sequence, event_type, commit, before, after, tuple(parts), tuple(fields))
        )
        self.next_sequence += 1

    def _learn_too_complex(self, meanings: Mapping[Identity, Resolved]) -> set[str]:
        """Take note of resources that are too complex to apply; gives the files whose problems that may change."""
        changed = self._too_complex | {each for each, resolved in meanings.items() if resolved.too_complex is not None}
        self._too_complex = {each for each in changed if each not in meanings or meanings[each].too_complex is not None}
        return {identity.path for identity in changed}

    def _problems(self, path: str, meanings: Mapping[Identity, Resolved]) -> Iterator[Problem]:
        """What is wrong with a file: in itself, as values, and where its resources are applied."""
        file = self.files.get(path)
        if file is None:
            return
        yield from file.content.problems
        yield from self.feeds.problems(path)
        for identity in sorted(self._too_complex.intersection(file.declared), key=order_of):
            resolved = meanings.get(identity) or self.active[identity].resolved
            if resolved.too_complex is not None:
                yield Problem("too_complex", resolved.too_complex)


def _merged(files: Iterable[File | None]) -> dict[Identity, Manifest]:
    return {identity: manifest for file in files if file for identity, manifest in file.declared.items()}
