"""`kubestats tables NAME`: one table, view, macro or function, for people: what a row is, its columns, its SQL."""

import textwrap
from collections.abc import Iterable

from kubestats_pipeline.errors import ExplainedError, did_you_mean
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.marts import FUNCTIONS, MACROS, MARTS, Mart

LEAST_MEANING = 30
"""Cells that the meaning of a column has at least, however narrow the terminal is."""


class UnknownTableError(ExplainedError):
    """Nothing in the warehouse is called so. The text names what may be meant."""


def describe(name: str, width: int) -> list[str]:
    """The lines about one table, view, macro or function.

    Raises:
        UnknownTableError: nothing is called so.
    """
    marts = {mart.name: mart for mart in (*MARTS, *MACROS, *FUNCTIONS)}
    wanted = name.strip().lower().partition("(")[0]
    if wanted in TABLES:
        return _table_lines(TABLES[wanted], width)
    if wanted in marts:
        return _mart_lines(marts[wanted], width)
    near = did_you_mean(wanted, [*TABLES, *marts]) or " `kubestats tables` describes all there are."
    raise UnknownTableError(f"no table, view or macro is called {name}.{near}")


def _table_lines(table: Table, width: int) -> list[str]:
    about = f"{table.grain.capitalize()}. Key: {', '.join(table.key)}. Partitioned by: {table.partitioning.value}."
    columns = (
        (column.name, f"{column.type.value}{'' if column.nullable else ', required'}: {column.meaning}")
        for column in table.columns
    )
    return [table.name, "", *textwrap.wrap(about, width), "", *_meanings(columns, width)[:-1]]


def _mart_lines(mart: Mart, width: int) -> list[str]:
    title = mart.signature if mart.parameters else mart.name
    parameters = (
        [*_meanings(((one.name, one.meaning) for one in mart.parameters), width), ""] if mart.parameters else []
    )
    columns = [*_meanings(mart.columns, width), ""] if mart.columns else []
    return [title, "", *textwrap.wrap(mart.description, width), "", *parameters, *columns, *mart.sql.splitlines()]


def _meanings(named: Iterable[tuple[str, str]], width: int) -> list[str]:
    """Names on the left, what they mean on the right, over as many lines as it takes, and an empty one at the end."""
    pairs = list(named)
    label = max((len(name) for name, _ in pairs), default=0) + 2
    lines = list[str]()
    for name, meaning in pairs:
        first, *more = textwrap.wrap(meaning, max(width - label, LEAST_MEANING)) or [""]
        lines += [f"{name:<{label}}{first}", *(" " * label + line for line in more)]
    return [*lines, ""] if lines else []
