"""The data dictionary as Markdown, made from the table contracts and the headers of marts and macros."""

from collections.abc import Iterable, Iterator

from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.marts import FUNCTIONS, MACROS, MARTS, Mart

INTRODUCTION = """# Data dictionary

Tables lie in the lake as Parquet and in the warehouse under the same names. Views, macros and functions only in the
warehouse. Views are computed when they are asked, stored ones once, when the warehouse is built.
Times are UTC. In Parquet, JSON is text and a map is a list of key and value. This page is made by `kubestats tables`.
"""


def describe_tables() -> str:
    """All tables, then all marts and macros, each with what a row is and its columns."""
    tables = map(_describe_table, TABLES.values())
    views = (_describe_mart(mart, mart.name) for mart in sorted(MARTS, key=_name) if not mart.is_stored)
    stored = (_describe_mart(mart, mart.name) for mart in sorted(MARTS, key=_name) if mart.is_stored)
    macros = (_describe_mart(macro, macro.signature) for macro in sorted(MACROS, key=_name))
    functions = map(_describe_function, sorted(FUNCTIONS, key=_name))
    headed = ["# Views\n", *views, "# Stored views\n", *stored, "# Macros\n", *macros, "# Functions\n", *functions]
    return "\n".join([INTRODUCTION, *tables, *headed])


def _name(mart: Mart) -> str:
    return mart.name


def _describe_table(table: Table) -> str:
    key = ", ".join(f"`{column}`" for column in table.key)
    columns = (
        (column.name, column.type.value + ("" if column.nullable else ", required"), column.meaning)
        for column in table.columns
    )
    about = f"{table.grain.capitalize()}. Key: {key}. Partitioned by: {table.partitioning.value}."
    return "\n".join(
        [f"## {table.name}\n", f"{about}\n", "| column | type | meaning |", "| --- | --- | --- |", *_rows(columns), ""]
    )


def _describe_mart(mart: Mart, title: str) -> str:
    parameters = [f"- `{parameter.name}`: {parameter.meaning}" for parameter in mart.parameters]
    return "\n".join(
        [
            f"## {title}\n",
            f"{mart.description}\n",
            *([*parameters, ""] if parameters else []),
            "| column | meaning |",
            "| --- | --- |",
            *_rows(mart.columns),
            "",
        ]
    )


def _describe_function(function: Mart) -> str:
    parameters = (f"- `{parameter.name}`: {parameter.meaning}" for parameter in function.parameters)
    return "\n".join([f"## {function.signature}\n", f"{function.description}\n", *parameters, ""])


def _rows(columns: Iterable[tuple[str, ...]]) -> Iterator[str]:
    return (
        f"| `{name}` | {' | '.join(text.replace('|', chr(92) + '|') for text in rest)} |" for name, *rest in columns
    )
