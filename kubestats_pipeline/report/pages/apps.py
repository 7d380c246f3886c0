"""The list of apps, and a page for each: who runs it with which image, for how long, and with what."""

from kubestats_pipeline.report.pages.replacements import replacement_sections
from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

USES = """
SELECT app_name, repository_id, full_name, cluster, kind, api_group, namespace, name, chart_name, chart_url, version,
    source_url
FROM resource_uses
WHERE in_scope AND (is_release OR len(images) > 0)
"""
"""The rows that an app's page counts and lists."""

LIST = Section(
    "Apps",
    """
SELECT app_name, count(DISTINCT repository_id) AS repositories, count(*) AS uses, count(DISTINCT chart_name) AS charts
FROM resource_uses
WHERE in_scope AND app_name IS NOT NULL AND (is_release OR len(images) > 0)
GROUP BY app_name
""",
    order="repositories DESC, uses DESC, app_name",
    limit=2000,
)

SUMMARY = Section(
    "In short",
    """
SELECT count(DISTINCT repository_id) AS repositories, count(*) AS uses, count(DISTINCT chart_name) AS charts
FROM resource_uses
WHERE in_scope AND (is_release OR len(images) > 0) AND {only}
GROUP BY app_name
""",
    shape="facts",
    source=USES,
)

ADOPTION = Section(
    "Who runs it over time",
    """
SELECT week, sum(repositories) AS repositories, sum(adopted) AS adopted, sum(abandoned) AS abandoned
FROM weekly_adoption
WHERE subject = 'app' AND {only}
GROUP BY week
""",
    order="week",
    key=("name",),
    shape="lines",
    drawn=("repositories",),
)

USERS = Section(
    "Who runs it",
    """
SELECT full_name, cluster, kind, api_group, namespace, name, chart_name, chart_url, version, source_url
FROM resource_uses
WHERE in_scope AND (is_release OR len(images) > 0) AND {only}
""",
    order="full_name, cluster, kind, api_group, namespace, name, version, chart_name, chart_url, source_url",
    limit=500,
    source=USES,
)

IMAGES = Section(
    "Its images",
    """
SELECT present_image, tag, count(DISTINCT repository_id) AS repositories, count(DISTINCT digest) AS digests
FROM image_uses
WHERE in_scope AND role = 'main' AND {only}
GROUP BY present_image, tag
""",
    order="repositories DESC, present_image, tag",
    limit=60,
)

SURVIVAL = Section(
    "How long it stays",
    """
SELECT tenures, ended, watched_days, median_days, survival_30_days, survival_180_days, survival_365_days
FROM survival
WHERE subject = 'app' AND {only}
""",
    order="tenures DESC",
    key=("name",),
)

TOGETHER = Section(
    "Found together with",
    """
SELECT other_app, repositories, confidence, lift
FROM app_pairs
WHERE {only}
""",
    order="lift DESC, repositories DESC, other_app",
    limit=20,
    key=("app",),
    note="Confidence is the share of its repositories that run the other too. Lift is how much above chance.",
)

REPLACED, REPLACES = replacement_sections("app", ("{own}_name",))

APPS = PageKind(
    "apps",
    lambda _: "apps/index.html",
    lambda _: "Apps",
    (LIST,),
    lead=lambda _: "Applications by the names that people give them, whatever chart or image they use.",
    menu="Apps",
)

APP = PageKind(
    "app",
    lambda known: addresses.app_page(known["app_name"]),
    lambda known: str(known["app_name"]),
    (SUMMARY, ADOPTION, IMAGES, USERS, SURVIVAL, TOGETHER, REPLACED, REPLACES),
    key=("app_name",),
    pages="""
SELECT app_name
FROM resource_uses
WHERE in_scope AND app_name IS NOT NULL AND (is_release OR len(images) > 0)
GROUP BY app_name
""",
    lead=lambda _: "An app, by the name that people give it.",
    up=lambda _: ("Apps", "apps/index.html"),
    subjects=lambda known: (("replaced", (known["app_name"], None)),),
)
