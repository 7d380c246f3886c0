"""The names that a search finds first: one line a page that is about something, the most used first.

A line has the sort of the page, its title, what tells it from others of that title, its address, and how many
repositories use it (of a repository: its stars). `search.js` looks for a part of a name in all lines.
"""

from collections.abc import Sequence

import duckdb

from kubestats_pipeline.report.parts.page import Page
from kubestats_pipeline.report.parts.published import read
from kubestats_pipeline.report.parts.sections import Key

NAMES = "search/names.txt"

USES = {
    "chart": "SELECT chart_name, family_url, repositories FROM family_popularity",
    "app": """
        SELECT app_name, count(DISTINCT repository_id) FROM resource_uses
        WHERE in_scope AND app_name IS NOT NULL GROUP BY app_name
    """,
    "image": """
        SELECT present_image, count(DISTINCT repository_id) FROM image_uses
        WHERE in_scope AND present_image IS NOT NULL GROUP BY present_image
    """,
    "repository_id": "SELECT repository_id, coalesce(stars_count, 0) FROM repository_overview",
    "kind": "SELECT api_group, kind, repositories FROM kinds",
    "setting": """
        SELECT families.chart_name, families.family_url, settings.path, CAST(sum(repositories) AS BIGINT)
        FROM value_popularity AS settings
        JOIN chart_families AS families USING (chart_name, chart_url) GROUP BY ALL
    """,
}
"""By the sort of a page: the number by which its line is sorted, behind the key of the page."""

_SHOWN_AS = {"repository_id": "repository"}
_DETAILS = {"chart": "family_url", "kind": "api_group", "setting": "chart_name", "repository_id": "description"}
"""The column that tells a page from others with its title."""

LONGEST_DETAIL = 100


def names_of(connection: duckdb.DuckDBPyConnection, pages: Sequence[Page]) -> bytes:
    """The lines of all pages that a name leads to."""
    uses: dict[str, dict[Key, int]] = {sort: _counted(connection, query) for sort, query in USES.items()}
    lines = []
    for page in pages:
        counts = uses.get(page.kind.sort)
        if counts is not None:
            used = counts.get(page.key, 0)
            detail = str(page.known.get(_DETAILS.get(page.kind.sort, ""), "") or "")[:LONGEST_DETAIL]
            shown = _SHOWN_AS.get(page.kind.sort, page.kind.sort)
            lines.append((-used, "\t".join(map(_plain, (shown, page.title, detail, page.address, str(used))))))
    return "".join(f"{line}\n" for _, line in sorted(lines)).encode()


def _counted(connection: duckdb.DuckDBPyConnection, query: str) -> dict[Key, int]:
    return {tuple(key): int(count or 0) for *key, count in read(connection, query).rows}


def _plain(text: str) -> str:
    """A text without what separates texts and lines."""
    return " ".join(text.split())
