"""The data dictionary as Markdown, made from the table contracts and the headers of the views."""

from collections.abc import Iterable, Iterator

from kubestats_pipeline.tables import TABLES, Table
from kubestats_pipeline.warehouse.marts import MARTS, Mart

INTRODUCTION = """# Data dictionary

Tables lie in the lake as Parquet and in the warehouse under the same names; views are in the warehouse alone. Times are
UTC. In Parquet, JSON is text and a map is a list of key and value. This page is made by `kubestats tables`.
"""


def describe_tables() -> str:
    """All tables, then all views, each with what a row is and its columns."""
    sections = [*map(_describe_table, TABLES.values()), "# Views\n", *map(_describe_mart, sorted(MARTS, key=_name))]
    return "\n".join([INTRODUCTION, *sections])


def _name(mart: Mart) -> str:
    return mart.name


def _describe_table(table: Table) -> str:
    key = ", ".join(f"`{column}`" for column in table.key)
    columns = (
        (each.name, each.type.value + ("" if each.nullable else ", required"), each.meaning) for each in table.columns
    )
    about = f"{table.grain.capitalize()}. Key: {key}. Partitioned by: {table.partitioning.value}."
    return "\n".join(
        [f"## {table.name}\n", f"{about}\n", "| column | type | meaning |", "| --- | --- | --- |", *_rows(columns), ""]
    )


def _describe_mart(mart: Mart) -> str:
    return "\n".join(
        [
            f"## {mart.name}\n",
            f"{mart.description}\n",
            "| column | meaning |",
            "| --- | --- |",
            *_rows(mart.columns),
            "",
        ]
    )


def _rows(columns: Iterable[tuple[str, ...]]) -> Iterator[str]:
    return (
        f"| `{name}` | {' | '.join(text.replace('|', chr(92) + '|') for text in rest)} |" for name, *rest in columns
    )
