"""The list of kinds of resources, and a page for each: its versions, who declares it, and under which names."""

from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

DECLARED = """
SELECT api_group, kind, repository_id, full_name, api_version, namespace, updated_at
FROM resource_overview
WHERE status = 'ACTIVE' AND in_scope
"""
"""The rows that a kind's page counts."""

LIST = Section(
    "Kinds",
    "SELECT kind, api_group, api_group AS group_of_its_api, repositories, resources FROM kinds",
    order="repositories DESC, resources DESC, kind, api_group",
    limit=2000,
)

SUMMARY = Section("In short", "SELECT repositories, resources FROM kinds\nWHERE {only}", shape="facts")

VERSIONS = Section(
    "Versions of its API",
    """
SELECT api_version, count(DISTINCT repository_id) AS repositories, count(*) AS resources
FROM resource_overview
WHERE status = 'ACTIVE' AND in_scope AND {only}
GROUP BY api_version
""",
    order="repositories DESC, resources DESC, api_version",
    source=DECLARED,
)

NAMES = Section(
    "Commonest names",
    """
SELECT name, repositories, resources, last_changed_at
FROM resource_groups
WHERE {only}
""",
    order="repositories DESC, resources DESC, name",
    limit=50,
)

USERS = Section(
    "Who declares it",
    """
SELECT full_name, count(*) AS resources, count(DISTINCT namespace) AS namespaces, max(updated_at) AS last_change
FROM resource_overview
WHERE status = 'ACTIVE' AND in_scope AND {only}
GROUP BY full_name
""",
    order="resources DESC, full_name",
    limit=300,
    source=DECLARED,
)

KINDS = PageKind(
    "kinds",
    lambda _: "kinds/index.html",
    lambda _: "Kinds of resources",
    (LIST,),
    lead=lambda _: "Every kind of Kubernetes resource that somebody declares.",
    menu="Kinds",
)

KIND = PageKind(
    "kind",
    lambda known: addresses.kind_page(known["api_group"], known["kind"]),
    lambda known: str(known["kind"]),
    (SUMMARY, VERSIONS, USERS, NAMES),
    key=("api_group", "kind"),
    pages="SELECT api_group, kind FROM kinds",
    lead=lambda known: f"A kind of {known['api_group'] or 'the core of Kubernetes'}.",
    up=lambda _: ("Kinds of resources", "kinds/index.html"),
)
