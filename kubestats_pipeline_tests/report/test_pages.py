"""Pages say what the SQL under them says, lead somewhere, and ask nothing of another host."""

import gzip
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubestats_pipeline.report import build
from kubestats_pipeline.report.digests import share_views
from kubestats_pipeline.report.pages.all_pages import KINDS_OF_PAGES
from kubestats_pipeline.report.parts.cells import UNSEEN
from kubestats_pipeline.report.parts.page import want
from kubestats_pipeline.report.parts.published import open_published, read
from kubestats_pipeline.report.render import POLICY
from kubestats_pipeline_tests.report.site_reader import ReadSite

SAMPLE = 2
"""Pages of each kind whose queries are run."""


@pytest.fixture(params=["demo", "small"])
def site(request: pytest.FixtureRequest) -> ReadSite:
    found: ReadSite = request.getfixturevalue(f"{request.param}_site")
    return found


@pytest.fixture
def file(site: ReadSite, request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(f"{request.node.callspec.params['site']}_file")
    return found


def sort_of(address: str) -> str:
    """The kind of page by its address."""
    name = address.rpartition("/")[2]
    folder = address.split("/")[0] if "/" in address else address
    inner = "" if address.count("/") < 2 else re.sub(r"\d+", "", name)
    return f"{folder} {inner}"


def sample_of(site: ReadSite) -> list[str]:
    """Some pages of each kind: those with most to show."""
    by_sort = defaultdict(list)
    for address in sorted(site.addresses, key=lambda one: -(site.folder / one).stat().st_size):
        by_sort[sort_of(address)].append(address)
    assert len(by_sort) >= 17, "a kind of page is missing"
    return [address for some in by_sort.values() for address in some[:SAMPLE]]


def as_json(value: Any) -> Any:
    """A value of DuckDB as the JSON beside a page has it, told by Python's own types."""
    if hasattr(value, "tzinfo"):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, list):
        return [as_json(one) for one in value]
    if isinstance(value, dict):
        return {str(name): as_json(one) for name, one in value.items()}
    return pytest.approx(value) if isinstance(value, float) else value


def test_every_number_is_what_the_query_under_it_gives(site: ReadSite, file: Path):
    seen = set()
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for address in sample_of(site):
            page = site.page(address)
            for section in site.data(address)["sections"]:
                found = connection.execute(section["query"])
                kinds = {name: str(kind) for name, kind, *_ in found.description or ()}
                rows = [[as_json(value) for value in row] for row in found.fetchall()]
                assert list(kinds) == section["columns"], (address, section["title"])
                if "JSON" not in kinds.values():
                    assert section["rows"] == rows, (address, section["title"])
                if rows and "resources-" not in address:
                    assert section["query"] in page.queries, (address, section["title"])
                    seen |= {(sort_of(address), section["title"])} if shows_integers(page, section) else set()
    assert len(seen) > 40


def test_pages_of_few_repositories_have_the_rows_that_they_have_among_all(demo_file: Path):
    compared = 0
    with open_published(demo_file) as connection:
        for kind in (kind for kind in KINDS_OF_PAGES if kind.key):
            pages = build._pages_of(connection, kind)
            few = {page.key[0] for page in pages[:2]}
            want(connection, kind, [page for page in pages if page.key[0] in few])
            for section in kind.queries:
                restricted = read(connection, section.bulk(kind.key, everything=False, few=sorted(few, key=str)))
                assert restricted == read(connection, section.bulk(kind.key, everything=False)), section.title
                compared += len(restricted.rows)
    assert compared > 100


@pytest.mark.parametrize("file", ["demo_file", "small_file"])
def test_the_order_of_a_section_leaves_no_two_rows_to_chance(file: str, request: pytest.FixtureRequest):
    """Ties would come in another order from build to build, and with a limit as other rows."""
    with open_published(request.getfixturevalue(file)) as connection:
        share_views(connection, everything=True)
        for kind in KINDS_OF_PAGES:
            for section in (section for section in kind.queries if section.order):
                keys = [f"key_{number}" for number, _ in enumerate(section.key or kind.key)]
                ordered = [*keys, *re.sub(r" (DESC|ASC)| NULLS (FIRST|LAST)", "", section.order).split(", ")]
                rows = re.split(r"\n(?:QUALIFY|ORDER BY) ", section.bulk(kind.key, everything=True))[0]
                grouped = f"SELECT {', '.join(ordered)} FROM ({rows}) AS row GROUP BY ALL"
                ties = connection.execute(f"{grouped} HAVING count(DISTINCT row::VARCHAR) > 1").fetchall()
                assert ties == [], (kind.sort, section.title)


def shows_integers(page: Any, section: dict[str, Any]) -> bool:
    """Compare the integers of a table of the page with the rows. True if there were some."""
    anchor = re.sub(r"[^a-z0-9]+", "-", section["title"].lower())
    shown = [name for name in section["columns"] if name not in UNSEEN]
    cells = page.tables.get(anchor)
    if cells is None:
        return False
    assert len(cells) == len(section["rows"]), section["title"]
    compared = 0
    for texts, row in zip(cells, section["rows"], strict=True):
        values = dict(zip(section["columns"], row, strict=True))
        for text, name in zip(texts, shown, strict=True):
            if isinstance(values[name], int) and not isinstance(values[name], bool):
                assert text == f"{values[name]:,}", (section["title"], name)
                compared += 1
    return compared > 0


def test_every_link_leads_to_a_page_and_every_anchor_to_a_place(site: ReadSite):
    links = 0
    places = {address: {value for _, value in site.page(address).attributes("id")} for address in site.addresses}
    for address in site.addresses:
        for target in site.links(address):
            path, _, anchor = target.partition("#")
            assert (site.folder / path).is_file(), f"{address} leads to {target}"
            assert not anchor or anchor in places[path], f"{address} leads to {target}"
            links += 1
    assert links > 500


def test_no_page_stands_alone(site: ReadSite):
    reached, waiting = {"index.html"}, ["index.html"]
    while waiting:
        for target in site.links(waiting.pop()):
            path = target.partition("#")[0]
            if path.endswith(".html") and path not in reached:
                reached.add(path)
                waiting.append(path)
    assert set(site.addresses) - reached == set()


def test_every_page_forbids_what_it_does_not_need_and_asks_no_other_host(site: ReadSite):
    for address in site.addresses:
        page = site.page(address)
        policies = [tag.attributes["content"] for tag in page.tags if tag.attributes.get("http-equiv")]
        assert policies == [POLICY], address
        assert not list(page.attributes("style")), address
        assert [tag.name for tag in page.tags if tag.name == "style"] == []
        assert not any("://" in target for _, target in page.attributes("src")), address
        assert not any("://" in target for name, target in page.attributes("href") if name == "link"), address
        assert not any(name.startswith("on") for tag in page.tags for name in tag.attributes), address


def test_every_page_can_be_read_aloud(site: ReadSite):
    for address in site.addresses:
        page = site.page(address)
        names = [tag.name for tag in page.tags]
        assert (names.count("h1"), names.count("main"), names.count("title") >= 1) == (1, 1, True), address
        ids = [value for _, value in page.attributes("id")]
        assert len(ids) == len(set(ids)), address
        assert names.count("svg") * 2 == names.count("desc") + names.count("title") - 1, address


def test_the_numbers_of_the_start_page_are_those_of_the_small_lake(small_site: ReadSite):
    start = small_site.page("index.html")
    totals = dict(
        zip(small_site.data("index.html")["sections"][0]["columns"], start.facts["all-together"], strict=True)
    )
    assert (totals["repositories"], totals["stars"]) == ("2", "17")


def test_the_first_page_is_light(demo_site: ReadSite):
    assert len(gzip.compress((demo_site.folder / "index.html").read_bytes())) < 60_000


def test_a_resource_has_its_life_and_its_document_at_an_address_of_its_own(demo_site: ReadSite):
    address = "repositories/local/tidewater/home-ops/resources-1.html"
    resources, events = demo_site.data(address)["sections"]
    (podinfo,) = [
        dict(zip(resources["columns"], row, strict=True))
        for row in resources["rows"]
        if row[resources["columns"].index("name")] == "podinfo" and row[2] == "HelmRelease"
    ]
    assert podinfo["data"]["metadata"]["name"] == "podinfo"
    anchors = [value for _, value in demo_site.page(address).attributes("id")]
    assert f"r-{podinfo['resource_id']}"[:42] in anchors
    assert [row for row in events["rows"] if row[0] == podinfo["resource_id"]]
    text = "".join(demo_site.page(address).text)
    assert "kind: HelmRelease" in text
