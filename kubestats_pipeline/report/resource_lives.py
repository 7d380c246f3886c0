"""The resources of one page as HTML, each with its facts, its life and its document.

It is the largest part of a site by far, so it is not made by a template, which would take four times as long. Every
text goes through `escape`, and a test reads it with hostile ones.
"""

import html
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from markupsafe import Markup
from markupsafe import escape as escape_once

from kubestats_pipeline.hosts.forges import commit_page
from kubestats_pipeline.report.parts import addresses, cells, documents
from kubestats_pipeline.report.parts.escaping import escape
from kubestats_pipeline.report.parts.links import Links
from kubestats_pipeline.report.parts.page import Known
from kubestats_pipeline.report.parts.published import Row, Rows

CHANGES_EACH = 12
"""Field changes of one event that are shown."""

LONGEST_VALUE = 160
"""Characters of a value before or after a change that are shown."""

Facts = Mapping[str, Any]


def lives_of(resources: Rows, events: Rows, known: Known, links: Links) -> Markup:
    """The resources of a page in its order."""
    by_resource: dict[str, list[str]] = defaultdict(list)
    commits = _Commits(known)
    for row in events.rows:
        by_resource[row[0]].append(_event(row, commits))
    columns = resources.columns
    lives = [dict(zip(columns, row, strict=True)) for row in resources.rows]
    return Markup("".join([_life(one, by_resource.get(one["resource_id"], []), links) for one in lives]))  # noqa: S704


def contents_of(resources: Rows) -> Markup:
    """The links to the resources of a page, each in a line of its own."""
    identity, kind, name = (resources.columns.index(column) for column in ("resource_id", "kind", "name"))
    rows = [(addresses.resource_anchor(row[identity]), f"{row[kind]} {row[name]}") for row in resources.rows]
    return Markup("".join([f'<li><a href="#{anchor}">{escape_once(title)}</a></li>\n' for anchor, title in rows]))  # noqa: S704


def _life(facts: Facts, events: list[str], links: Links) -> str:
    anchor = addresses.resource_anchor(facts["resource_id"])
    kind, name = escape(facts["kind"]), escape(facts["name"])
    gone = ' <span class="badge gone">deleted</span>' if facts["status"] == "DELETED" else ""
    shown = "".join(
        [f"<div{extra}><dt>{title}</dt><dd>{value}</dd></div>" for title, value, extra in _facts(facts, links)]
    )
    life = f'<ol class="life">{"".join(events)}</ol>' if events else ""
    return f"""<article class="resource" id="{anchor}" aria-labelledby="{anchor}-title">
<h2 id="{anchor}-title"><span class="kind">{kind}</span> {name}{gone}</h2>
<dl class="facts">{shown}</dl>
{life}
<details class="document"><summary>Document<span class="unseen"> of {kind} {name}</span></summary>
<pre tabindex="0"><code>{html.escape(documents.as_yaml(facts["data"]), quote=False)}</code></pre></details>
</article>
"""


def _facts(facts: Facts, links: Links) -> Iterator[tuple[str, str, str]]:
    """Title and HTML of each fact that is known, and an attribute."""
    kind = links.anchor("kind", (facts["api_group"], facts["kind"]), escape(facts["kind"]))
    group = escape(f"{facts['api_group']}/{facts['api_version']}".lstrip("/"))
    yield "kind", f'{kind} <span class="dim">{group}</span>', ""
    if facts["namespace"] is not None:
        yield "namespace", escape(facts["namespace"]), ""
    source = f" {cells.outside(facts['source_url'])}" if facts["source_url"] else ""
    line = f":{facts['line']}" if facts["line"] is not None else ""
    yield "file", f"<code>{escape(facts['file_path'])}{line}</code>{source}", ' class="wide"'
    if (chart := facts["chart_name"]) is not None:
        yield "chart", links.anchor("chart", (chart, facts["chart_url"]), escape(chart)), ""
    if facts["version"] is not None:
        yield "version", escape(facts["version"]), ""
    if (app := facts["app_name"]) is not None:
        yield "app", links.anchor("app", (app,), escape(app)), ""
    if facts["resolution_reason"] is not None:
        yield "chart reference", escape(f"{facts['resolution']}: {facts['resolution_reason']}"), ""
    if facts["context"] != "active":
        yield "context", escape(facts["context"]), ""
    if facts["is_applied"] is False:
        yield "applied", "no cluster of this repository applies it", ""
    end = f" to {facts['deleted_at'][:10]}" if facts["deleted_at"] else ""
    yield "since", f"{'at least ' if facts['is_lower_bound'] else ''}{facts['created_at'][:10]}{end}", ""


def _event(row: Row, commits: Mapping[str, str]) -> str:
    _, _, event_type, at, commit, subject, author, before, after, changes, earlier, _, fields = row
    name = escape(event_type.lower())
    step = f" {escape(before or '')} → {escape(after or 'none')}" if before != after else ""
    changed = f"{escape(', '.join(changes))}, " if changes else ""
    told = f"by {escape(author)}</span> {commits[commit]} {escape(subject or '')}</p>"
    moved = f'<p class="dim">moved from <code>{escape(earlier)}</code></p>' if earlier else ""
    return (
        f'<li class="{name}"><p><time datetime="{at}">{at[:10]}</time> <b>{name}</b>{step} '
        f'<span class="dim">{changed}{told}{moved}{_changes(fields) if fields else ""}</li>'
    )


class _Commits(dict[str, str]):
    """The commits of a page, each as a link to it where the form of the repository's host is known."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def __missing__(self, commit: str) -> str:
        page = commit_page(self._known["html_url"], self._known["repository_id"], commit)
        linked = cells.outside(page, commit[:10]) if page else cells.NOTHING
        self[commit] = f"<code>{escape(commit[:10])}</code>" if linked == cells.NOTHING else linked
        return self[commit]


def _changes(fields: str) -> str:
    changes = orjson.loads(fields)
    if not changes:
        return ""
    more = len(changes) - CHANGES_EACH
    items = "".join([f"<li>{_change(one)}</li>" for one in changes[:CHANGES_EACH]])
    rest = f"<li>and {more} more</li>" if more > 0 else ""
    return f'<details><summary>{len(changes)} changed</summary><ul class="changes">{items}{rest}</ul></details>'


def _change(one: dict[str, Any]) -> str:
    path = escape(str(one.get("path", "")))
    return f"<code>{path}</code> {_side(one.get('before'))} → {_side(one.get('after'))}"


def _side(value: Any) -> str:
    if value is None:
        return "<i>nothing</i>"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return f"<code>{escape(text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + '…')}</code>"
