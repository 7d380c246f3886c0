"""The pages with the resources of a repository: what each is, its life with every change, and its document.

A repository with many resources has several such pages, of `RESOURCES_EACH` each. What exists comes first, by kind,
then what was deleted.
"""

from kubestats_pipeline.report.pages import repository
from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import Known, PageKind
from kubestats_pipeline.report.parts.sections import Section

EVENTS_EACH = 15
"""The newest events of one resource that are shown. The query below has all."""

PLACES = f"""
    SELECT
        resource_id,
        1 + (row_number() OVER (PARTITION BY repository_id ORDER BY status, kind, api_group, namespace, name,
        resource_id) - 1)
            // {addresses.RESOURCES_EACH} AS page
    FROM resources
    WHERE {{first}}
"""
"""The page on which a resource stands."""

RESOURCES = Section(
    "Resources",
    f"""
WITH places AS ({PLACES})
SELECT
    resources.resource_id, resources.status, resources.kind, resources.api_group, resources.api_version,
    resources.namespace,
    resources.name, resources.file_path, resources.line, resources.version, resources.chart_name, overview.chart_url,
    resources.app_name,
    resources.context, resources.resolution, resources.resolution_reason, resources.is_applied, resources.created_at,
    resources.deleted_at, overview.is_lower_bound, overview.source_url, resources.data
FROM resources
JOIN places ON places.resource_id = resources.resource_id
JOIN resource_overview AS overview ON overview.resource_id = resources.resource_id
WHERE {{only}}
""",
    order="status, kind, api_group, namespace, name, resource_id",
    key=("resources.repository_id", "places.page"),
    digested=("resources", "resource_events", "scans"),
)

EVENTS = Section(
    "Events",
    f"""
WITH places AS ({PLACES})
SELECT
    resource_id, sequence, event_type, event_timestamp, commit_sha, commit_subject, author_kind, version_before,
    version_after,
    changes_detected, previous_file_path, file_path, field_changes
FROM (
    SELECT events.*, places.page
    FROM (FROM resource_events WHERE {{first}}) AS events
    JOIN places ON places.resource_id = events.resource_id
    QUALIFY row_number() OVER (PARTITION BY events.resource_id ORDER BY sequence DESC) <= {EVENTS_EACH}
)
WHERE {{only}}
""",
    order="resource_id, sequence DESC",
    key=("repository_id", "page"),
    digested=("resource_events",),
)


def address(known: Known) -> str:
    """The address of one page of resources."""
    return repository.page_of(known, addresses.resource_page(known["page"]))


RESOURCES_PAGE = PageKind(
    "resources",
    address,
    lambda known: f"Resources of {known['full_name']}",
    (RESOURCES, EVENTS),
    key=("repository_id", "page"),
    pages=f"""
WITH counted AS (
    SELECT repository_id, (count(*) - 1) // {addresses.RESOURCES_EACH} + 1 AS pages
    FROM resources
    GROUP BY repository_id
),
known AS ({repository.PAGES})
SELECT counted.repository_id, unnest(range(1, pages + 1)) AS page, full_name, is_namesake, html_url, pages
FROM counted
JOIN known ON known.repository_id = counted.repository_id
""",
    lead=lambda known: f"Page {known['page']} of {known['pages']}. Those that exist come first, by kind.",
    template="resources.html",
    up=lambda known: (known["full_name"], repository.address(known)),
    at_once=1500,
)
