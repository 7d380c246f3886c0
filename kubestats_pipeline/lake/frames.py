"""Rows as frames: the Parquet type of every declared type, frames from rows, and rows of earlier versions completed.

Tables are declared in `contract.py`, files of frames are read and written in `lake.py`.
"""

import datetime
import io
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
import polars as pl

from kubestats_pipeline.lake.contract import Table, Type

PARQUET_TYPES: dict[Type, pl.DataType] = {
    Type.TEXT: pl.String(),
    Type.INTEGER: pl.Int64(),
    Type.BOOLEAN: pl.Boolean(),
    Type.DATE: pl.Date(),
    Type.TIME: pl.Datetime("us", "UTC"),
    Type.TEXTS: pl.List(pl.String()),
    Type.JSON: pl.String(),
    Type.COUNTS: pl.List(pl.Struct({"key": pl.String(), "value": pl.Int64()})),
    Type.IMAGES: pl.List(
        pl.Struct(dict.fromkeys(("image", "tag", "digest", "role", "registry", "repository", "raw"), pl.String()))
    ),
}
"""The Parquet type of each declared type. JSON is text there, and a map is a list of key and value, which any engine
reads.
"""

COMPRESSION_LEVEL, PAGE_BYTES = 6, 8_000_000
"""Documents of a log differ in a line: it is 9 % smaller than with level 3 and pages of 1 MB, for 7 ms a thousand
events.
"""


def parquet_schema(table: Table) -> pl.Schema:
    """The Parquet schema of a table."""
    return pl.Schema({column.name: PARQUET_TYPES[column.type] for column in table.columns})


def frame_of(rows: Sequence[Mapping[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    """Build it by columns: from rows, polars takes the number 1.10 as the text `1.1` and drops unknown names."""
    names = [*schema, *sorted(set().union(*rows) - schema.keys())]
    if any(len(row) < len(names) for row in rows):
        rows = [{**dict.fromkeys(names), **row} for row in rows]
    return pl.DataFrame([_column_of(name, list(map(itemgetter(name), rows)), schema.get(name)) for name in names])


def to_parquet(frame: pl.DataFrame, metadata: Mapping[str, str]) -> memoryview:
    """The bytes of a frame as one Parquet file, with its metadata in the footer."""
    packed = io.BytesIO()
    frame.write_parquet(
        packed,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        data_page_size=PAGE_BYTES,
        metadata=dict(metadata),
    )
    return packed.getbuffer()


def _column_of(name: str, values: list[Any], kind: pl.DataType | None) -> pl.Series:
    """Lists by way of JSON and times by way of numbers: polars itself takes many times as long."""
    if isinstance(kind, pl.Datetime):
        known = {time: (time - _EPOCH) // _MICROSECOND for time in set(values) if time is not None}
        return pl.Series(name, list(map(known.get, values)), pl.Int64()).cast(kind)
    if not isinstance(kind, pl.List):
        return pl.Series(name, values, kind, strict=True)
    if isinstance(kind.inner, pl.String) and not all(map(_are_texts, values)):
        raise TypeError(f"{name} has other items than texts")  # which JSON would make of them
    texts = [None if value is None else orjson.dumps(value).decode() for value in values]
    return pl.Series(name, texts, pl.String()).str.json_decode(kind)


_EPOCH, _MICROSECOND = datetime.datetime.fromtimestamp(0, datetime.UTC), datetime.timedelta(microseconds=1)


def _are_texts(items: list[Any] | None) -> bool:
    return items is None or all(item is None or isinstance(item, str) for item in items)


def completed(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Rows with the columns of the table before those that it does not know. New fields of structures are null."""
    schema = parquet_schema(table)
    if rows.schema == schema:  # nearly every file: a frame costs more to rebuild than a small one to read
        return rows
    missing = [column for column in table.columns if column.name not in rows.columns]
    new = [column for column in missing if column.nullable or column.earlier is not None]
    if len(new) < len(missing):  # a file of another table, which lacks what the expressions are about
        return rows
    rows = rows.with_columns(
        pl.sql_expr(column.earlier or "NULL").cast(schema[column.name]).alias(column.name) for column in new
    )
    known = rows.schema
    grown = [name for name, kind in schema.items() if _fields(kind) > _fields(known.get(name, kind))]
    rows = rows.with_columns(pl.Series(name, rows[name].to_list(), dtype=schema[name]) for name in grown)
    names = [name for name in schema.names() if name in rows.columns]
    return rows.select(*names, *(name for name in rows.columns if name not in schema))


def unknown_columns(found: pl.Schema, schema: pl.Schema) -> list[str]:
    """Columns, and columns with fields, that no table of this version has. Empty where it lacks some of the table's.

    No column ever goes, so a file that has all of today's and more was written by a later version.
    """
    if not {*schema} <= {*found}:
        return []
    return [name for name, kind in found.items() if name not in schema or _fields(kind) > _fields(schema[name])]


def _fields(kind: pl.DataType) -> set[str]:
    """The names of a list's structures, an empty set for any other type."""
    inner = kind.inner if isinstance(kind, pl.List) else None
    return {field.name for field in inner.fields} if isinstance(inner, pl.Struct) else set()
