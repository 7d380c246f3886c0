"""The changelog and the page of the data directory name what the code has."""

import re
from pathlib import Path

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.scan.store.scanner_version import SCANNER_VERSION
from kubestats_pipeline_tests.pages import PAGES

CHANGELOG = PAGES["CHANGELOG.md"]
NEWEST = CHANGELOG.split("\n## ")[1]


def test_the_newest_version_of_the_scanner_is_in_the_changelog():
    assert re.findall(r"`SCANNER_VERSION` is (\d+)", CHANGELOG)[0] == SCANNER_VERSION


def test_the_newest_entry_names_columns_that_exist():
    named = re.findall(r"^- `(\w+)\.(\w+)`", NEWEST.split("### Columns")[1].split("###")[0], re.MULTILINE)
    assert named
    assert [
        (table, column) for table, column in named if column not in {each.name for each in TABLES[table].columns}
    ] == []


def test_every_place_below_the_data_directory_is_explained():
    layout = Layout(Path("/data"))
    properties = [name for name, value in vars(Layout).items() if isinstance(value, property)]
    places = {getattr(layout, name).relative_to("/data").parts[0] for name in properties}
    assert places == {name.rstrip("/") for name in re.findall(r"^\| `([^`]+)`", PAGES["data/README.md"], re.MULTILINE)}
