"""Rows of `repositories` and failures of sources without what has the shape of a secret, before anything is written.

Descriptions, topics and names are strangers' words. A repository whose name or address has such a shape cannot be
fetched under the name that is left: it gets a name of its own, by its number, and is blocked with the reason.
"""

from typing import Any

from kubestats_pipeline.discover.records import SourceFailure, unique_suffix
from kubestats_pipeline.redaction.secrets import REDACTED
from kubestats_pipeline.redaction.texts import withhold_shapes

Row = dict[str, Any]

UNFIT = "its name or address has the shape of a secret, which is not stored. It can be watched once it is renamed"
"""The `status_reason` of a repository that cannot be fetched under the name that is left."""

_ADDRESS = ("host", "owner", "name", "full_name", "clone_url")


def fit_to_store(row: Row) -> Row:
    """The row without secrets. Names that differ in these alone go on to differ."""
    fit = {name: _fit(value) for name, value in row.items()}
    fit["previous_names"] = [name for name in row["previous_names"] or () if withhold_shapes(name) == name] or None
    if any(fit[name] != row[name] for name in _ADDRESS):
        suffix = unique_suffix(row["repository_id"])
        fit |= {name: fit[name] + suffix for name in ("name", "full_name")}
        fit["html_url"] = None
    if row["retired_at"] is None and REDACTED in fit["full_name"] + fit["clone_url"]:
        fit |= {"status": "blocked", "status_reason": UNFIT}
    return fit


def fit_failure(failure: SourceFailure) -> SourceFailure:
    """The failure without secrets, because a host's answer or an entry of the list may hold one."""
    return SourceFailure(withhold_shapes(failure.source), withhold_shapes(failure.reason))


def _fit(value: Any) -> Any:
    if isinstance(value, list):
        return list(dict.fromkeys(map(withhold_shapes, value)))
    return withhold_shapes(value) if isinstance(value, str) else value
