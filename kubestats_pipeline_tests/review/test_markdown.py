"""Strangers' names in a review are text: rendered by a real CommonMark library, they make no markup and no links."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from kubestats_pipeline.review.changes import Component, Place, VersionChange
from kubestats_pipeline.review.ecosystem import Ecosystem, Reception, UserOfVersion
from kubestats_pipeline.review.markdown import MOST_CHANGES, code, render

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "a | b",
    "`; **bold** @everyone #1",
    "``` \n# title",
    "[click](https://evil.example)",
    "https://evil.example",
    "back\\slash\\",
    "\u202eright to left",
    "\x1b[31mred",
    "",
]


def received(name: str, page: str | None = None) -> Reception:
    runner = UserOfVersion(name, page, 2.0, name)
    return Reception(1, 1, 1, 0, 1.0, None, 1, 0, None, (runner,), (runner,))


def shown(name: str, page: str | None = None) -> str:
    """The table of a review in which every name is this one, as HTML."""
    change = VersionChange(Component("chart", name, None), name, name, (Place(name, "HelmRelease", name, name),))
    ecosystem = Ecosystem((received(name, page),), 1, "2026-01-01 00:00:00")
    review = render([change], ecosystem, [("unknown", change)], [name])
    return MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(review)


def assert_only_text(html: str) -> None:
    tags = {part.split(">")[0].split(" ")[0].strip("/") for part in html.split("<")[1:]}
    assert tags <= {"h3", "table", "thead", "tbody", "tr", "th", "td", "code", "p", "ul", "li", "strong"}
    assert html.count("<td>") == 5


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_makes_no_markup_and_no_further_cell(name: str):
    assert_only_text(shown(name))


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_name_makes_markup(name: str):
    assert_only_text(shown(name))


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "http://plain.example/a", "https://a.example/b)c", "https://a b/c"]
)
def test_only_an_ordinary_https_page_is_a_link(page: str):
    assert "<a " not in shown("ann/home", page)
    assert '<a href="https://github.com/ann/home"><code>ann/home</code></a>' in shown(
        "ann/home", "https://github.com/ann/home"
    )


def test_code_shows_what_cannot_be_seen():
    assert code("a\u202eb\nc") == "`a\\u202eb␊c`"


def test_of_many_changes_the_first_are_shown_and_all_are_counted():
    place = (Place("one", "Deployment", None, "web"),)
    changes = [VersionChange(Component("image", f"web{number:04}", None), None, "1", place) for number in range(250)]
    review = render(changes, Ecosystem((received("x"),) * 250, 1, "2026-01-01"), [], [])
    assert review.count("\n| image ") == MOST_CHANGES
    assert f"These are {MOST_CHANGES} of 250 changes." in review
    assert review.startswith("### Kubestats: 250 changes of versions in 1 cluster\n")
