"""The formats in which commands print rows: a word of their calls, and so apart from what prints them."""

from enum import StrEnum


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    VERTICAL = "vertical"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class AnswerFormat(StrEnum):
    """How an answer of several sections is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
