"""The formats in which `kubestats sql` prints rows: a word of its call, and so apart from what prints them."""

from enum import StrEnum


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
