"""The events of a repository as a table, which a reader filters."""

from kubestats_pipeline.report.pages import repository
from kubestats_pipeline.report.pages.resources import PLACES
from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

EVENTS = Section(
    "Events",
    f"""
WITH places AS ({PLACES})
SELECT
    event_timestamp AS happened_at, event_type AS event, kind AS kind_of_resource, namespace, name AS resource,
    events.resource_id, places.page,
    version_before, version_after, changes_detected AS changes, author_kind AS author, commit_subject, sequence
FROM event_overview AS events
JOIN places ON places.resource_id = events.resource_id
WHERE {{only}}
""",
    order="happened_at DESC, sequence DESC",
    limit=300,
    note="The newest first, in every context. Filter by any word, such as an event, a kind, an author or a version.",
    digested=("resource_events", "resources"),
)

EVENTS_PAGE = PageKind(
    "events",
    lambda known: repository.page_of(known, "events.html"),
    lambda known: f"Events of {known['full_name']}",
    (EVENTS,),
    key=repository.KEY,
    pages=repository.PAGES,
    up=lambda known: (known["full_name"], repository.address(known)),
    at_once=500,
)
