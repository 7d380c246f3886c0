"""Where the code of an asset is, and the version of that code, as its page shows them."""

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg

from kubestats_pipeline.warehouse.marts import STORED, VIEWS, Mart

REFERENCES = "dagster/code_references"

T = TypeVar("T")


def code_version(text: str) -> str:
    """A short version of a text of code. Dagster calls a mart unsynced until it was published with the present one."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def sql_of(mart: Mart) -> Mapping[str, Any]:
    """The metadata with the SQL file of a mart."""
    file = (STORED if mart.is_stored else VIEWS) / f"{mart.name}.sql"
    return {REFERENCES: _quietly(lambda: _reference(file))}


def with_references(assets: Sequence[Any]) -> list[Any]:
    """The assets with a reference to the function that materializes them, beside the ones that they have."""
    return _quietly(lambda: list(dg.with_source_code_references(assets)))


def _reference(file: Path) -> dg.CodeReferencesMetadataValue:
    reference = dg.LocalFileCodeReference(file_path=str(file), line_number=1, label=file.name)
    return dg.CodeReferencesMetadataValue(code_references=[reference])


def _quietly(make: Callable[[], T]) -> T:
    """References are in beta. Dagster would say so at every start, and no more than their display hangs on them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return make()
