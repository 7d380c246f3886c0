"""The resources of one page, each with its life and its document, as the template shows them."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import orjson
from markupsafe import Markup, escape

from kubestats_pipeline.report.parts import addresses, cells, documents
from kubestats_pipeline.report.parts.links import Links
from kubestats_pipeline.report.parts.page import Known
from kubestats_pipeline.report.parts.published import Row, Rows

CHANGES_EACH = 25
"""Field changes of one event that are shown."""

LONGEST_VALUE = 160
"""Characters of a value before or after a change that are shown."""


@dataclass(frozen=True, slots=True)
class ShownChange:
    """One changed field, as text."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """One event in the life of a resource. `commit` is a link or a short hash."""

    event_type: str
    at: str
    commit: Markup
    subject: str | None
    author: str
    version_before: str | None
    version_after: str | None
    changes: str
    moved_from: str | None
    fields: tuple[ShownChange, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Life:
    """A resource with everything that is shown of it."""

    anchor: str
    facts: dict[str, Any]
    chart: Markup
    kind: Markup
    source: Markup
    events: tuple[LifeEvent, ...]
    document: str


def lives_of(resources: Rows, events: Rows, known: Known, links: Links) -> list[Life]:
    """The resources of a page in its order."""
    by_resource: dict[str, list[LifeEvent]] = defaultdict(list)
    for row in events.rows:
        by_resource[row[0]].append(_event(row, known["html_url"]))
    return [_life(dict(zip(resources.columns, row, strict=True)), by_resource, links) for row in resources.rows]


def _life(facts: dict[str, Any], events: dict[str, list[LifeEvent]], links: Links) -> Life:
    chart = facts["chart_name"]
    linked = links.anchor("chart", (chart, facts["chart_url"]), escape(chart)) if chart else ""
    kind = links.anchor("kind", (facts["api_group"], facts["kind"]), escape(facts["kind"]))
    source = cells.outside(facts["source_url"]) if facts["source_url"] else ""
    return Life(
        anchor=addresses.resource_anchor(facts["resource_id"]),
        facts=facts,
        chart=Markup(linked),  # noqa: S704 - made of escaped texts
        kind=Markup(kind),  # noqa: S704 - made of escaped texts
        source=Markup(source),  # noqa: S704 - made of escaped texts
        events=tuple(events.get(facts["resource_id"], ())),
        document=documents.as_yaml(facts["data"]),
    )


def _event(row: Row, html_url: str | None) -> LifeEvent:
    _, _, event_type, at, commit, subject, author, before, after, changes, earlier, _, fields = row
    parsed = orjson.loads(fields) if fields else []
    return LifeEvent(
        event_type,
        at,
        commit_link(html_url, commit),
        subject,
        author,
        before,
        after,
        ", ".join(changes or ()),
        earlier,
        tuple(_change(one) for one in parsed[:CHANGES_EACH]),
        max(len(parsed) - CHANGES_EACH, 0),
    )


def commit_link(html_url: str | None, commit: str) -> Markup:
    """A commit, as a link to it on its host where the repository has a page on the web."""
    shown = Markup("<code>{}</code>").format(commit[:10])
    linked = cells.outside(f"{html_url}/commit/{commit}", commit[:10]) if html_url else cells.NOTHING
    return shown if linked == cells.NOTHING else Markup(linked)  # noqa: S704 - `outside` escapes


def _change(one: Any) -> ShownChange:
    return ShownChange(str(one.get("path", "")), _shown(one, "before"), _shown(one, "after"))


def _shown(one: dict[str, Any], side: str) -> str | None:
    value = one.get(side)
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
