"""The marts, macros and functions of the warehouse: one SQL file each in the folders beside this module, read here.

A file opens with a comment: first what a row is, then one line `-- column: meaning` for each column. A SELECT follows.
A macro's header also has a line `-- parameter name: meaning` for each of its parameters, with `name = default` for one
that may be left out. A function is a macro that gives one value; its file holds an expression and lies in `functions/`.
Where another file lies says when its SELECT is run: in `views/` by each query, in `tables/` once, when the warehouse is
built. Put a mart there whose queries would take long over millions of events, or that several others read. The lake's
tables come from `tables.py` and are filled by `build.py`, which creates marts and macros last. This module does not
import duckdb, because every process that loads the definitions imports it.
"""

import graphlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.lake.tables import TABLES

VIEWS = Path(__file__).parent / "views"
STORED = Path(__file__).parent / "tables"
MACROS_FOLDER = Path(__file__).parent / "macros"
FUNCTIONS_FOLDER = Path(__file__).parent / "functions"

INFO = "warehouse_info"

_COLUMN = re.compile(r"(\w+): (\S.*)")
_PARAMETER = re.compile(r"parameter (\w+)(?: = ([^:]+))?: (\S.*)")
_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)|\b(\w+)\(", re.IGNORECASE)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a macro: its name, its description, and its default as SQL. Without one it must be given."""

    name: str
    meaning: str
    default: str | None = None


@dataclass(frozen=True)
class Mart:
    """One view or stored table, or one macro or function.

    Attributes:
        name: its name, also of its file and, but for a macro, of its Dagster asset.
        description: what a row is and what counts.
        columns: meaning of each column, in the order of the SELECT.
        sql: the SELECT, or the expression of a function, without comments before it.
        depends_on: the tables and marts that it reads, or the functions that a function calls, sorted.
        parameters: what a macro asks for, in the order of its call; none for a mart.
        is_stored: a table of the file, filled when the warehouse is built; a view else.
    """

    name: str
    description: str
    columns: tuple[tuple[str, str], ...]
    sql: str
    depends_on: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    is_stored: bool = False

    @property
    def signature(self) -> str:
        """The call of a macro as it is declared, such as `chart_page(chart, major := NULL)`."""
        declared = (f"{one.name} := {one.default}" if one.default else one.name for one in self.parameters)
        return f"{self.name}({', '.join(declared)})"

    @property
    def relation(self) -> str:
        """TABLE or VIEW, as SQL calls it."""
        return "TABLE" if self.is_stored else "VIEW"


def read_marts(*folders: Path) -> tuple[Mart, ...]:
    """Read all SQL files of some folders, each after those that it reads.

    Raises:
        ValueError: a file does not open with a description, or goes on with it after its columns, a name is taken, or
            some read each other in a circle.
    """
    files = sorted(file for folder in folders for file in folder.glob("*.sql"))
    names = [*TABLES, INFO, *(file.stem for file in files)]
    taken = sorted({name for name in names if names.count(name) > 1})
    if taken:
        raise ValueError(f"several tables or marts are called {', '.join(taken)}. Rename the SQL file")
    marts = {file.stem: _read_mart(file, names) for file in files}
    graph = {mart.name: [name for name in mart.depends_on if name in marts] for mart in marts.values()}
    return tuple(marts[name] for name in graphlib.TopologicalSorter(graph).static_order())


def _read_mart(file: Path, known: Iterable[str]) -> Mart:
    lines = file.read_text(encoding="utf-8").splitlines()
    start = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = [line.removeprefix("--").strip() for line in lines[:start]]
    sql = "\n".join(lines[start:]).strip().rstrip(";")
    parameters = tuple(
        Parameter(match[1], match[3], match[2]) for line in header if (match := _PARAMETER.fullmatch(line))
    )
    columns = tuple((match[1], match[2]) for line in header if (match := _COLUMN.fullmatch(line)))
    flags = [bool(_COLUMN.fullmatch(line) or _PARAMETER.fullmatch(line)) for line in header]
    if flags != sorted(flags):
        raise ValueError(f"{file} goes on after its columns. Each meaning is one line, what a row is comes before them")
    description = " ".join(line for line, is_meaning in zip(header, flags, strict=True) if not is_meaning)
    if not description or not sql:
        raise ValueError(f"{file} needs a comment that says what a row is, and a SELECT")
    sources = {name for names in _SOURCE.findall(sql) for name in names} & set(known)
    is_stored = file.parent == STORED
    return Mart(file.stem, description, columns, sql, tuple(sorted(sources)), parameters, is_stored=is_stored)


FUNCTIONS = read_marts(FUNCTIONS_FOLDER)
"""All functions in an order in which they can be created. Marts and macros may call them."""

MARTS = read_marts(VIEWS, STORED)
"""All views and stored tables in an order in which they can be created."""

MACROS = read_marts(MACROS_FOLDER)
"""All macros in an order in which they can be created."""
