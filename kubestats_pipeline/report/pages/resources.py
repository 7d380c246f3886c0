"""The pages with the resources of a repository: what each is, its life with every change, and its document.

A repository with many resources has several such pages, of `RESOURCES_EACH` each. What exists comes first, by kind,
then what was deleted.
"""

from kubestats_pipeline.report.pages import repository
from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import Known, PageKind
from kubestats_pipeline.report.parts.sections import Section

EVENTS_EACH = 30
"""The newest events of one resource that are shown. The query below has all."""

PLACES = f"""
    SELECT
        resource_id,
        1 + (row_number() OVER (PARTITION BY repository_id ORDER BY status, kind, api_group, namespace, name,
        resource_id) - 1)
            // {addresses.RESOURCES_EACH} AS page
    FROM resources
"""
"""The page on which a resource stands."""

RESOURCES = Section(
    "Resources",
    f"""
WITH places AS ({PLACES})
SELECT
    resources.resource_id, resources.status, resources.kind, resources.api_group, resources.api_version,
    resources.namespace,
    resources.name, resources.file_path, resources.version, resources.chart_name, overview.chart_url,
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
    FROM resource_events AS events
    JOIN places ON places.resource_id = events.resource_id
    QUALIFY row_number() OVER (PARTITION BY events.resource_id ORDER BY sequence DESC) <= {EVENTS_EACH}
)
WHERE {{only}}
""",
    order="resource_id, sequence DESC",
    key=("repository_id", "page"),
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
WITH places AS ({PLACES}),
pages AS (
    SELECT repository_id, page, min(kind) AS first_kind, max(kind) AS last_kind
    FROM resources
    JOIN places ON places.resource_id = resources.resource_id
    GROUP BY repository_id, page
),
known AS ({repository.PAGES})
SELECT
    pages.repository_id, page, full_name, is_namesake, html_url,
    max(page) OVER (PARTITION BY pages.repository_id) AS pages
FROM pages
JOIN known ON known.repository_id = pages.repository_id
""",
    lead=lambda known: f"Page {known['page']} of {known['pages']}. Those that exist come first, by kind.",
    template="resources.html",
    up=lambda known: (known["full_name"], repository.address(known)),
    at_once=1000,
)
