"""The pages in a real browser: silent, on their own, accessible, usable on a phone and by keyboard."""

import re
from collections.abc import Iterator

import pytest

from kubestats_pipeline_tests.report.browser import Served, examine, in_browser, needs_browser, one_of_each_kind
from kubestats_pipeline_tests.report.site_reader import ReadSite

pytestmark = needs_browser


@pytest.fixture(scope="module")
def pages(demo_site: ReadSite) -> Iterator[Served]:
    with in_browser(demo_site.folder) as served:
        yield served


def test_every_kind_of_page_is_silent_accessible_and_fits_a_phone(pages: Served, demo_site: ReadSite) -> None:
    assert examine(pages, one_of_each_kind(demo_site)) == {}


def test_pages_keep_their_own_policy_and_ask_no_other_host(pages: Served) -> None:
    pages.said.clear()
    with pages.page() as page:
        page.wait_for_load_state("networkidle")
        assert (pages.said, pages.elsewhere) == ([], [])
        page.evaluate("fetch('https://example.org/').catch(() => {})")
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: 'x = 1' }))")
        assert page.evaluate("typeof x") == "undefined"
    refused = " ".join(pages.said)
    assert "Connecting to 'https://example.org/' violates" in refused
    assert "script-src 'self'" in refused
    pages.said.clear()


def test_everything_is_reached_by_keyboard(pages: Served) -> None:
    with pages.page("charts/index.html") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        first = page.locator("table.data tbody tr td").first.inner_text()
        heading = page.locator("table.data thead th button").first
        heading.focus()
        page.keyboard.press("Enter")
        assert page.locator("table.data thead th").first.get_attribute("aria-sort") == "ascending"
        page.keyboard.press("Enter")
        assert page.locator("table.data thead th").first.get_attribute("aria-sort") == "descending"
        assert page.locator("table.data tbody tr td").first.inner_text() != first
        page.keyboard.press("/")
        page.wait_for_url("**/index.html#search-words")
        assert page.evaluate("document.activeElement.id") == "search-words"


def test_a_search_finds_names_and_then_lines_of_documents(pages: Served) -> None:
    with pages.page() as page:
        page.keyboard.press("/")
        page.keyboard.type("jellyfin")
        results = page.locator("#search-results")
        results.get_by_text("found.").wait_for()
        headings = results.locator("h2").all_inner_texts()
        assert [re.sub(r" \d+$", "", heading) for heading in headings] == ["Apps", "Images", "Documents"]
        assert "18: repository: ghcr.io/jellyfin/jellyfin" in results.inner_text()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.textContent") == "jellyfin"
        page.keyboard.press("Enter")
        page.wait_for_url("**/apps/jellyfin/index.html")


def test_the_beginnings_of_words_are_enough_and_parts_of_names_too(pages: Served) -> None:
    with pages.page("?q=helmrel+jelly") as page:
        page.locator("#search-results").get_by_text("found.").wait_for()
        assert page.locator("#search-results .found a").first.inner_text() == "HelmRelease jellyfin"
        page.locator("#search-results .found a").first.click()
        page.wait_for_url("**/resources-*.html#r-*")
    with pages.page("?q=ellyfi") as page:
        page.locator("#search-results").get_by_text("ghcr.io/jellyfin/jellyfin", exact=True).wait_for()


def test_a_search_without_a_result_says_so_and_escape_clears_it(pages: Served) -> None:
    with pages.page("?q=qqqqzzzz") as page:
        page.locator("#search-results").get_by_text("0 found.").wait_for()
        assert "No name has this." in page.locator("#search-results").inner_text()
        page.keyboard.press("Escape")
        assert page.locator("#search-words").input_value() == ""
        assert page.locator("#search-results").is_hidden()


def test_tables_are_complete_without_script(pages: Served) -> None:
    with pages.page("charts/index.html") as page:
        rows = page.locator("table.data tbody tr").count()
    with pages.page("charts/index.html", java_script_enabled=False) as page:
        assert page.locator("table.data tbody tr").count() == rows > 5
