"""Names, messages and documents of strangers are text on the pages, whatever they hold."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest

from kubestats_pipeline.lake.tables import REPOSITORIES, SCAN_PROBLEMS
from kubestats_pipeline.report.build import build_site
from kubestats_pipeline.report.parts.cells import outside
from kubestats_pipeline.warehouse.build import build_warehouse, schema_version
from kubestats_pipeline_tests.report.browser import in_browser, needs_browser
from kubestats_pipeline_tests.report.site_reader import ReadSite, files_of
from kubestats_pipeline_tests.warehouse.small_lake import (
    APP_TEMPLATE,
    Story,
    day,
    image,
    repository,
    write_small_lake,
    write_story,
)

SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "\"'><img src=x onerror=alert(1)>"
CLOSING = "</code></pre></details></section></main><style>*{display:none}</style>"
TEMPLATE = "{{ 7 * 7 }}{% raw %}"
QUOTE = "it's '); DROP TABLE resources; --"
HOSTILE = [
    SCRIPT,
    BREAKOUT,
    CLOSING,
    TEMPLATE,
    QUOTE,
    "../../../etc/passwd",
    "\x00\x1b[2J\ud7ff\ufffe",
    "javascript:alert(1)",
]

NAMES = "(all) => all.map((one) => one.tagName)"

KNOWN_TAGS = {
    *("html", "head", "meta", "title", "link", "script", "body", "a", "header", "nav", "ul", "li", "main", "div", "p"),
    *("h1", "h2", "section", "details", "summary", "pre", "code", "span", "table", "thead", "tbody", "tr", "th", "td"),
    *("dl", "dt", "dd", "footer", "form", "label", "input", "button", "figure", "svg", "desc", "path", "text", "rect"),
    *("ol", "b", "i", "time", "article"),
}
"""The tags that our own templates make."""


def story(number: int, text: str) -> Story:
    """Resources whose every text that a person may write is hostile."""
    changes: dict[str, Any] = {
        **APP_TEMPLATE,
        "kind": f"Kind{text}",
        "namespace": text,
        "chart_name": text,
        "chart_url": f"https://charts.example/{number}/{text}",
        "app_name": text,
        "file_path": f"apps/{text}.yaml",
        "images": [image(text, text)],
        "data": '{"kind": "x", "text": ' + json.dumps(text) + "}",
    }
    return {text: ([("CREATED", day(3, 2), text), ("MODIFIED", day(3, 3), f"{text}2")], changes)}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> ReadSite:
    lake = write_small_lake(tmp_path_factory.mktemp("hostile"))
    known = lake.read(REPOSITORIES, None).rows.to_dicts()
    for number, text in enumerate(HOSTILE, 10):
        name = f"mallory/m{number}"
        known.append(
            repository(
                number,
                name,
                description=text,
                language=text,
                topics=[text],
                license_name=text,
                html_url="javascript:alert(1)" if number % 2 else f"https://host.example/{text}",
            )
        )
        write_story(lake, number, name, story(number, text))
        problem = dict.fromkeys(SCAN_PROBLEMS.column_names) | {
            "repository_id": f"github:{number}",
            "full_name": name,
            "file_path": text,
            "problem": "syntax",
            "message": text,
            "commit_sha": "c1",
            "first_seen_at": day(3, 1),
        }
        lake.write(SCAN_PROBLEMS, name, [problem])
    lake.write(REPOSITORIES, None, known)
    build_warehouse(lake)
    build_site(lake.layout.warehouse, lake.layout.report, schema_version())
    return ReadSite(lake.layout.report)


def every_page(site: ReadSite) -> Iterator[tuple[str, Any]]:
    return ((address, site.page(address)) for address in site.addresses)


def test_only_our_own_tags_are_on_the_pages_and_none_runs_or_styles(site: ReadSite):
    for address, page in every_page(site):
        assert {tag.name for tag in page.tags} <= KNOWN_TAGS, address
        scripts = [tag.attributes for tag in page.tags if tag.name == "script"]
        assert {tuple(sorted(attributes)) for attributes in scripts} == {("defer", "src")}, address
        assert {(attributes["src"] or "").rpartition("/")[2] for attributes in scripts} <= {"site.js", "search.js"}
        assert not [name for tag in page.tags for name in tag.attributes if name.startswith("on") or name == "style"]


def test_links_of_strangers_are_web_addresses_only(site: ReadSite):
    for address, page in every_page(site):
        for tag in page.tags:
            target = tag.attributes.get("href") or ""
            is_outside = ":" in target.split("/")[0]
            assert not is_outside or target.startswith("https://"), (address, target)
            assert not is_outside or tag.attributes["rel"] == "noopener nofollow", (address, target)


def test_the_texts_are_there_as_they_are(site: ReadSite):
    shown = "".join("".join(page.text) for _, page in every_page(site))
    for text in (SCRIPT, BREAKOUT, CLOSING, TEMPLATE, QUOTE):
        assert text in shown


def test_every_hostile_name_has_a_page_inside_the_site(site: ReadSite):
    for folder in ("apps", "images", "kinds", "charts"):
        pages = [address for address in site.addresses if address.startswith(f"{folder}/") and address.count("/") > 1]
        assert len(pages) >= len(HOSTILE), folder
    assert all(path.resolve().is_relative_to(site.folder.resolve()) for path in site.folder.rglob("*"))


def test_feeds_and_the_sitemap_are_well_formed(site: ReadSite):
    feeds = [content for address, content in files_of(site.folder).items() if address.endswith(".xml")]
    assert len(feeds) > len(HOSTILE)
    for content in feeds:
        ElementTree.fromstring(content)  # noqa: S314 - we wrote it


def test_the_queries_shown_for_hostile_names_run_and_change_nothing(site: ReadSite):
    (address,) = [one for one in site.addresses if one.startswith("apps/") and "drop-table" in one]
    with duckdb.connect(str(site.folder.with_name("kubestats.duckdb")), read_only=True) as connection:
        for section in site.data(address)["sections"]:
            rows = connection.execute(section["query"]).fetchall()
            assert len(rows) == len(section["rows"]), section["title"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        'https://a"onclick=b',
        "https://a b",
        "https://a\nb",
        "ftp://a",
        "HTTPS:/x",
        None,
        7,
        ["https://a"],
    ],
)
def test_what_no_browser_should_follow_is_no_link(url: object):
    assert "<a" not in outside(url)


def test_a_web_address_is_a_link_that_gives_nothing_away():
    assert outside("https://a.example/x?y=1&z=2") == (
        '<a href="https://a.example/x?y=1&amp;z=2" rel="noopener nofollow">open</a>'
    )


def test_the_site_of_hostile_names_is_built_again_without_writing(site: ReadSite, tmp_path: Path):
    published = shutil.copy(site.folder.with_name("kubestats.duckdb"), tmp_path)
    target = tmp_path / "report"
    build_site(Path(published), target, schema_version())
    assert files_of(target) == files_of(site.folder)


@needs_browser
def test_no_page_and_no_search_runs_or_styles_anything_in_a_browser(site: ReadSite):
    named = [address for address in site.addresses if "mallory" in address or address.startswith(("charts/", "apps/"))]
    with in_browser(site.folder) as pages, pages.page() as page:
        page.on("dialog", lambda dialog: pages.said.append(dialog.message))
        for address in named:
            page.goto(pages.root + address)
            assert page.locator("h1").is_visible(), address
        for words in ("<script>alert", "onerror=alert", "javascript:alert", "DROP TABLE"):
            page.goto(pages.root)
            page.fill("#search-words", words)
            page.locator("#search-results").get_by_text("found.").wait_for()
            assert words.lower() in page.locator("#search-results").inner_text().lower()
            assert {tag.lower() for tag in page.eval_on_selector_all("#search-results *", NAMES)} <= KNOWN_TAGS
            targets = page.eval_on_selector_all("#search-results a", "(all) => all.map((one) => one.href)")
            assert targets
            assert all(target.startswith(pages.root) for target in targets)
    assert (pages.said, pages.elsewhere) == ([], [])
