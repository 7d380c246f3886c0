"""The objects that clusters run at one commit, and the events by which they came there.

`scan/clusters` says what each commit changes. Here the changes become events of releases, sources and workloads, which
fold to the objects. Ids are functions of content, so that a second replay gives the same ones.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field

from kubestats_pipeline.git.history import Commit
from kubestats_pipeline.lake.vocabulary import AppliedEventType
from kubestats_pipeline.scan.clusters.applied import AppliedKey, AppliedObject
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.replay.applied_records import (
    AppliedEvent,
    AppliedRecord,
    AppliedState,
    applied_id,
    order_of_applied,
    state_of,
)

ResourceIds = Callable[[Identity], str | None]
"""Gives the id of the resource that has an identity now."""

_Next = tuple[Identity | None, AppliedState] | None
"""Origin and state that an object has after a commit, None where it is gone."""


@dataclass
class AppliedHistory:
    """The objects that the clusters of one repository run, and their events since the replay began.

    Attributes:
        active: the objects.
        next_sequence: position of the next event in the log.
        known_event_ids: ids in the log before this replay.
        events: those that `take_events` has not taken yet.
        regrouped: ids of resources whose applications have changed.
    """

    repository_id: str
    active: dict[AppliedKey, AppliedRecord] = field(default_factory=dict)
    next_sequence: int = 0
    known_event_ids: set[str] = field(default_factory=set)
    events: list[AppliedEvent] = field(default_factory=list)
    regrouped: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._restored = dict(self.active)
        self._by_origin: dict[Identity, set[AppliedKey]] = {}
        self._overdue: dict[AppliedKey, AppliedObject | None] = {}
        for key, applied in self.active.items():
            self._index(key, applied.origin)

    @property
    def is_overdue(self) -> bool:
        """True where the saved objects are not those of the commit at which they were saved."""
        return bool(self._overdue)

    def restore(
        self,
        found: Mapping[AppliedKey, AppliedObject | None],
        resource_ids: ResourceIds,
        held: Set[AppliedKey] = frozenset(),
    ) -> None:
        """Compare the saved objects with all those that are found at the same commit, without making events.

        Where they differ, as after another version of the scanner or with other bounds, the next commit brings the
        difference. Those that are held run on as they were saved.
        """
        for key, applied in found.items():
            known = self.active.get(key)
            if applied is not None and (known is None or known.state != self._state(key, applied, resource_ids)):
                self._overdue[key] = applied
        self._overdue.update(dict.fromkeys(self.active.keys() - found.keys() - held))

    def saved(self) -> None:
        """Record that the tables hold the objects as they are now."""
        self._restored = dict(self.active)
        self.regrouped.clear()

    def apply(
        self,
        commit: Commit,
        changes: Mapping[AppliedKey, AppliedObject | None],
        resource_ids: ResourceIds,
        moved: Iterable[Identity] = (),
    ) -> None:
        """Move by what one commit changes, and append its events in the order of keys.

        Args:
            commit: the commit.
            changes: the objects that have changed, with None for those that are gone.
            resource_ids: of all resources after the commit.
            moved: identities that other resources have now than before. Their objects may be the same in all else.
        """
        due: dict[AppliedKey, _Next] = {}
        for identity in moved:
            for key in self._by_origin.get(identity, ()):
                due[key] = (identity, self.active[key].state._replace(resource_id=resource_ids(identity)))
        for key, applied in {**self._overdue, **changes}.items():
            due[key] = applied and (applied.origin, self._state(key, applied, resource_ids))
        self._overdue = {}
        for key in sorted(due, key=order_of_applied):
            self._put(key, due[key], commit)

    def applications(self, identity: Identity) -> dict[str, AppliedKey]:
        """The objects that begin as a document, by their ids in order."""
        return dict(sorted((self.active[key].applied_id, key) for key in self._by_origin.get(identity, ())))

    def take_events(self) -> list[AppliedEvent]:
        """Return the events since the last call, and forget them."""
        taken, self.events = self.events, []
        return taken

    def changes_since_restored(self) -> tuple[list[AppliedRecord], list[str]]:
        """The undoing of the replay: the objects that have changed or gone, as they were, and the ids of new ones."""
        before = [applied for key, applied in self._restored.items() if self.active.get(key) is not applied]
        new = [applied.applied_id for key, applied in self.active.items() if key not in self._restored]
        return before, new

    def _state(self, key: AppliedKey, applied: AppliedObject, resource_ids: ResourceIds) -> AppliedState:
        return state_of(key, applied, resource_ids(applied.origin) if applied.origin else None)

    def _put(self, key: AppliedKey, following: _Next, commit: Commit) -> None:
        before = self.active.get(key)
        if following is None:
            if before is not None:
                self._remove(before, commit)
            return
        origin, state = following
        if before is None:
            self._add(key, origin, state, commit)
        else:
            self._change(before, origin, state, commit)

    def _add(self, key: AppliedKey, origin: Identity | None, state: AppliedState, commit: Commit) -> None:
        at = commit.committed_at
        after = AppliedRecord(applied_id(self.repository_id, key), key, origin, state, at, at)
        self._set(key, after)
        self._regroup(state)
        if after.is_logged:
            self._append("CREATED", commit, None, after)

    def _remove(self, before: AppliedRecord, commit: Commit) -> None:
        self._unindex(before.key, before.origin)
        del self.active[before.key]
        self._regroup(before.state)
        if before.is_logged:
            self._append("DELETED", commit, before, before)

    def _change(self, before: AppliedRecord, origin: Identity | None, state: AppliedState, commit: Commit) -> None:
        if state == before.state:
            if origin != before.origin:
                self._set(before.key, before._replace(origin=origin))
            return
        after = before._replace(origin=origin, state=state, updated_at=commit.committed_at)
        self._set(before.key, after)
        if state.resource_id != before.state.resource_id:
            self._regroup(before.state)
            self._regroup(state)
        if before.is_logged and after.is_logged:
            self._append("MODIFIED", commit, before, after, _changed(before.state, state))
        elif after.is_logged:
            self._append("CREATED", commit, None, after)
        elif before.is_logged:
            self._append("DELETED", commit, before, before)

    def _set(self, key: AppliedKey, applied: AppliedRecord) -> None:
        if (former := self.active.get(key)) is not None:
            self._unindex(key, former.origin)
        self.active[key] = applied
        self._index(key, applied.origin)

    def _index(self, key: AppliedKey, origin: Identity | None) -> None:
        if origin is not None:
            self._by_origin.setdefault(origin, set()).add(key)

    def _unindex(self, key: AppliedKey, origin: Identity | None) -> None:
        if origin is not None:
            keys = self._by_origin[origin]
            keys.discard(key)
            if not keys:
                del self._by_origin[origin]

    def _regroup(self, state: AppliedState) -> None:
        if state.resource_id is not None:
            self.regrouped.add(state.resource_id)

    def _append(
        self,
        event_type: AppliedEventType,
        commit: Commit,
        before: AppliedRecord | None,
        after: AppliedRecord,
        changed: tuple[str, ...] = (),
    ) -> None:
        """Add an event. If a rewritten history brings a commit back, its position in the log is part of its id."""
        event_id = applied_id(self.repository_id, after.key, commit.sha)
        if event_id in self.known_event_ids:
            event_id = applied_id(self.repository_id, after.key, commit.sha, str(self.next_sequence))
        self.known_event_ids.add(event_id)
        self.events.append(AppliedEvent(event_id, self.next_sequence, event_type, commit, before, after, changed))
        self.next_sequence += 1


def _changed(before: AppliedState, after: AppliedState) -> tuple[str, ...]:
    pairs = zip(AppliedState._fields, before, after, strict=True)
    return tuple(sorted(name for name, one, other in pairs if one != other))
