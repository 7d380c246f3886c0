"""The events of the resources of one repository, each with its id and its position in the log."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from kubestats_pipeline.git.history import Commit
from kubestats_pipeline.lake.vocabulary import EventType
from kubestats_pipeline.scan.replay.field_changes import FieldChange
from kubestats_pipeline.scan.replay.ids import new_event_id
from kubestats_pipeline.scan.replay.records import Event, Resource


@dataclass
class ResourceLog:
    """The log from the next event on.

    Attributes:
        next_sequence: position of the next event.
        known_event_ids: ids that are in the log already.
        events: those that `take` has not taken yet.
        size: bytes of the documents of these.
    """

    repository_id: str
    next_sequence: int = 0
    known_event_ids: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    size: int = 0

    def take(self) -> list[Event]:
        """Return the events since the last call, and forget them."""
        taken, self.events, self.size = self.events, [], 0
        return taken

    def append(
        self,
        event_type: EventType,
        commit: Commit,
        before: Resource | None,
        after: Resource,
        parts: Iterable[str] = (),
        fields: Iterable[FieldChange] = (),
    ) -> None:
        """Add an event."""
        is_known = self.known_event_ids.__contains__
        event_id = new_event_id(self.repository_id, after.identity, commit.sha, self.next_sequence, is_known)
        self.known_event_ids.add(event_id)
        self.events.append(
            Event(
                event_id=event_id,
                sequence=self.next_sequence,
                event_type=event_type,
                commit=commit,
                before=before,
                after=after,
                parts=tuple(parts),
                fields=tuple(fields),
            )
        )
        self.size += len(after.manifest.data)
        self.next_sequence += 1
