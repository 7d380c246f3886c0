"""The settings that most repositories make, and a page for each that three of them share: values and who sets it."""

from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.page import Known, PageKind
from kubestats_pipeline.report.parts.sections import Section

SHARED_BY = 3
"""Repositories that make a setting worth a page. The page of its chart has all others."""

MOST_PAGES = 2000
"""Settings that have a page, those that most repositories make."""

KEY = ("chart_name", "family_url", "path")
_JOINED = """JOIN chart_families AS families
    ON families.chart_name = settings.chart_name AND families.chart_url = settings.chart_url"""
_KEY = ("families.chart_name", "families.family_url", "settings.path")

LIST = Section(
    "Settings",
    f"""
SELECT families.chart_name, families.family_url, settings.path, sum(repositories) AS repositories,
    sum(releases) AS releases
FROM value_popularity AS settings
{_JOINED}
GROUP BY families.chart_name, families.family_url, settings.path
""",
    order="repositories DESC, releases DESC, chart_name, family_url, path",
    limit=1000,
    note="Those of all charts together. A chart's own page has all of its settings.",
)

VALUES = Section(
    "Values",
    f"""
SELECT
    value_type, CASE WHEN is_withheld THEN '(not published)' ELSE value END AS value,
    sum(repositories) AS repositories,
    sum(releases) AS releases
FROM setting_values AS settings
{_JOINED}
WHERE {{only}}
GROUP BY value_type, is_withheld, value
""",
    order="repositories DESC, releases DESC, value_type, value",
    limit=100,
    key=_KEY,
    note="A value that could be about a person is published where three repositories have it.",
)

USERS = Section(
    "Who sets it",
    f"""
SELECT full_name, name, app_name, value_type, value, is_withheld, source_url
FROM setting_uses AS settings
{_JOINED}
WHERE in_scope AND {{only}}
""",
    order="full_name, name, app_name, value_type, value, source_url",
    limit=100,
    key=_KEY,
    note="The source leads to the file in which the release is declared.",
    source="""
SELECT chart_name, family_url, path, chart_url, uses_digest
FROM value_popularity
JOIN chart_families USING (chart_name, chart_url)
""",
)


def address(known: Known) -> str:
    """The address of a setting's page."""
    return addresses.setting_page(known["chart_name"], known["family_url"], known["path"])


SETTINGS = PageKind(
    "settings",
    lambda _: "settings/index.html",
    lambda _: "Settings of charts",
    (LIST,),
    lead=lambda _: (
        "How people set their charts: the values of their releases, by how many repositories make a setting."
    ),
    menu="Settings",
)

SETTING = PageKind(
    "setting",
    address,
    lambda known: str(known["path"]),
    (VALUES, USERS),
    key=KEY,
    pages=f"""
SELECT families.chart_name, families.family_url, settings.path, list_distinct(list(settings.chart_url)) AS chart_urls
FROM value_popularity AS settings
{_JOINED}
GROUP BY families.chart_name, families.family_url, settings.path
HAVING sum(repositories) >= {SHARED_BY}
ORDER BY sum(repositories) DESC, families.chart_name, families.family_url, settings.path
LIMIT {MOST_PAGES}
""",
    is_part=True,
    at_once=MOST_PAGES,
    lead=lambda known: f"A setting of the chart {known['chart_name']} from {known['family_url']}",
    up=lambda _: ("Settings of charts", "settings/index.html"),
    subjects=lambda known: tuple(
        ("setting", (known["chart_name"], url, known["path"])) for url in sorted(known["chart_urls"])
    ),
)
