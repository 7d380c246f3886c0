"""Links between the pages of the project lead to a file, and anchors to a heading of it."""

import os.path
import re

import pytest

from kubestats_pipeline_tests.pages import PAGES, ROOT, anchors_of, links_of

PACKAGE = ROOT / "kubestats_pipeline"
LINKS = [(page, link) for page in PAGES for link in links_of(page)]
NEWCOMERS = {"README.md", "ARCHITECTURE.md", "GLOSSARY.md", "CONTRIBUTING.md", "CHANGELOG.md"}


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_to_a_file_and_its_anchor_to_a_heading(page: str, link: str):
    path, _, anchor = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page  # noqa: PTH118, PTH120
    assert (ROOT / target).exists()
    if anchor:
        assert anchor in anchors_of(target)


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        folder = os.path.dirname(page)  # noqa: PTH120
        targets = {os.path.normpath(os.path.join(folder, link.partition("#")[0])) for link in links_of(page)}  # noqa: PTH118
        waiting += (targets & PAGES.keys()) - reached
    assert reached >= PAGES.keys() - {"data/README.md"}
    assert reached >= NEWCOMERS


NAMED = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|sql))?)`")
HISTORY = ("CHANGELOG.md", "docs/tables.md")
"""The changelog names what was; the dictionary is generated."""


def test_a_folder_or_file_of_the_code_that_a_page_names_exists():
    """Pages name files of the package without its own name."""
    named = {(page, name) for page, text in PAGES.items() if page not in HISTORY for name in NAMED.findall(text)}
    rooms = {path.name for folder in (ROOT, PACKAGE) for path in folder.iterdir() if path.is_dir()} - {"data"}
    own = {(page, name) for page, name in named if name.split("/")[0] in rooms}
    assert len(own) > 30
    assert {
        (page, name) for page, name in own if not any((folder / name).exists() for folder in (ROOT, PACKAGE))
    } == set()
