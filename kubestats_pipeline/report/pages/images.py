"""The list of container images, and a page for each: its tags, its digests, and who runs it."""

from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

USES = """
SELECT present_image, repository_id, full_name, resource_id, cluster, kind, namespace, name, app_name, role, image, tag,
    digest, source_url
FROM image_uses
WHERE in_scope
"""
"""The rows that all sections of an image's page are made of."""

LIST = Section(
    "Images",
    """
SELECT
    present_image, count(DISTINCT repository_id) AS repositories, count(DISTINCT resource_id) AS resources,
    count(DISTINCT tag) AS tags,
    count(DISTINCT repository_id) FILTER (WHERE digest IS NOT NULL) AS pinned_by
FROM image_uses
WHERE in_scope
GROUP BY present_image
""",
    order="repositories DESC, resources DESC, present_image",
    limit=2000,
    note="By its name of today, where it moved. Pinned by counts repositories that fix it with a digest.",
)

SUMMARY = Section(
    "In short",
    """
SELECT
    count(DISTINCT repository_id) AS repositories, count(DISTINCT resource_id) AS resources,
    count(DISTINCT tag) AS tags,
    count(DISTINCT repository_id) FILTER (WHERE digest IS NOT NULL) AS pinned_by
FROM image_uses
WHERE in_scope AND {only}
GROUP BY present_image
""",
    shape="facts",
    source=USES,
)

TAGS = Section(
    "Tags",
    """
SELECT tag, count(DISTINCT repository_id) AS repositories, count(*) AS uses, count(DISTINCT digest) AS digests
FROM image_uses
WHERE in_scope AND {only}
GROUP BY tag
""",
    order="repositories DESC, uses DESC, tag",
    limit=100,
    source=USES,
)

DIGESTS = Section(
    "Digests",
    """
SELECT digest, tag, count(DISTINCT repository_id) AS repositories
FROM image_uses
WHERE in_scope AND digest IS NOT NULL AND {only}
GROUP BY digest, tag
""",
    order="repositories DESC, tag, digest",
    limit=60,
    source=USES,
)

USERS = Section(
    "Who runs it",
    """
SELECT full_name, cluster, kind, namespace, name, app_name, role, tag, source_url
FROM image_uses
WHERE in_scope AND {only}
""",
    order="full_name, cluster, kind, namespace, name, role, tag, app_name, source_url",
    limit=500,
    source=USES,
)

NAMES = Section(
    "Names that it is used by",
    """
SELECT image AS written_as, count(DISTINCT repository_id) AS repositories
FROM image_uses
WHERE in_scope AND {only}
GROUP BY image
HAVING any_value(image) <> any_value(present_image)
""",
    order="repositories DESC, written_as",
    note="Earlier places, from which it moved.",
    source=USES,
)

IMAGES = PageKind(
    "images",
    lambda _: "images/index.html",
    lambda _: "Images",
    (LIST,),
    lead=lambda _: "Container images of workloads and of the values of releases.",
    menu="Images",
)

IMAGE = PageKind(
    "image",
    lambda known: addresses.image_page(known["present_image"]),
    lambda known: str(known["present_image"]),
    (SUMMARY, TAGS, DIGESTS, NAMES, USERS),
    key=("present_image",),
    pages="SELECT present_image FROM image_uses WHERE in_scope AND present_image IS NOT NULL GROUP BY present_image",
    lead=lambda _: "A container image.",
    up=lambda _: ("Images", "images/index.html"),
)
