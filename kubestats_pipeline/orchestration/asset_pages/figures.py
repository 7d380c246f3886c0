"""The page of a table or mart shows, of the published file, its first rows, numbers to plot, and its page.

Rows are those of the published file and not of the lake, because the file holds nothing that is withheld. They are
table metadata, whose cells Dagster shows as text: no word of a stranger becomes markup or a link.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from kubestats_pipeline.warehouse.describe import Cell, Description

ROWS = "dagster/row_count"
FIRST = "first_rows"


def figures(description: "Description", before: int | None, page: str | None) -> dict[str, Any]:
    """The metadata of a table or mart.

    Args:
        description: of the published file.
        before: its rows in the publication before, or None before the first.
        page: the address of the page in the report that shows it, or None where none does.
    """
    numbers: dict[str, Any] = {ROWS: description.rows}
    if description.repositories is not None:
        numbers["repositories"] = description.repositories
    if before is not None:
        numbers["growth"] = description.rows - before
    if page:
        numbers["page"] = dg.MetadataValue.url(page)
    if description.first:
        numbers[FIRST] = table_of(description.first)
    return numbers


def table_of(rows: "Sequence[Mapping[str, Cell]]") -> dg.TableMetadataValue:
    """Rows as a table of texts and numbers. The type of a column is that of its first value."""
    kinds = {"str": "string", "int": "int", "float": "float", "bool": "bool"}
    columns = []
    for name in rows[0]:
        value = next((row[name] for row in rows if row[name] is not None), "")
        columns.append(dg.TableColumn(name, kinds[type(value).__name__]))
    records = [dg.TableRecord(dict(row)) for row in rows]
    return dg.MetadataValue.table(records=records, schema=dg.TableSchema(columns=columns))


def numbers_before(instance: dg.DagsterInstance, assets: Iterable[str]) -> dict[str, dict[str, int]]:
    """The whole numbers that the last materialization of each asset told, by their names. Nothing of a new asset."""
    told = dict[str, dict[str, int]]()
    for record in instance.get_asset_records([dg.AssetKey(asset) for asset in assets]):
        last = record.asset_entry.last_materialization
        known = last.asset_materialization.metadata if last and last.asset_materialization else {}
        told[record.asset_entry.asset_key.to_user_string()] = {
            name: number.value
            for name, number in known.items()
            if isinstance(number, dg.IntMetadataValue) and number.value is not None
        }
    return told


def page_finder(base: str) -> Callable[[str], str | None]:
    """Find the page of the report that shows a table or mart, by the queries of all pages.

    A page of its own is best, at the section that reads it. Else it is the list above the pages that do.

    Args:
        base: the address of the report.
    """
    addresses = list(_sections())

    def find(name: str) -> str | None:
        reads = re.compile(rf"\b(?:FROM|JOIN)\s+{name}\b")
        return next((f"{base.rstrip('/')}/{address}" for sql, address in addresses if reads.search(sql)), None)

    return find


def _sections() -> Iterator[tuple[str, str]]:
    """The queries of all pages with addresses to look them up at: pages with few sections first, the start last."""
    from kubestats_pipeline.report.pages.all_pages import KINDS_OF_PAGES  # duckdb: only the run pays for it
    from kubestats_pipeline.report.pages.repositories import REPOSITORIES
    from kubestats_pipeline.report.pages.start import START

    alone = [kind for kind in KINDS_OF_PAGES if not kind.key]
    for kind in sorted(alone, key=lambda kind: (kind is START, len(kind.sections))):
        for section in kind.queries:
            yield section.sql, f"{kind.address({})}#{section.anchor}"
    for kind in KINDS_OF_PAGES:
        if kind.key:
            above = REPOSITORIES.address({}) if "repository_id" in kind.key else kind.up({})[1]
            yield from ((section.sql, above) for section in kind.queries)
