"""Hashes of one repository's events, brought in step with documents that have been redacted.

An event's `file_hash_after` is that of its own document, or where retention has archived that, of the archived one. The
last event of an active resource has the hash of the resource. `file_hash_before` is that of the event before. The
result depends on the files alone, so that after a crash the same is simply done again.
"""

from collections.abc import Sequence

import polars as pl

_AFTER, _BEFORE = "file_hash_after", "file_hash_before"
NEEDED = ("event_id", "resource_id", "sequence", _AFTER, "resource_data")


def true_hashes(log: Sequence[pl.DataFrame], archived: Sequence[pl.DataFrame], resources: pl.DataFrame) -> pl.DataFrame:
    """The hashes after and before each event, null where the files do not hold them.

    Args:
        log: the events that are left, and whole ones from the archive, with the columns `NEEDED`.
        archived: events from the archive whose documents the log has lost.
        resources: `resource_id` and `content_hash` of the active ones.
    """
    events = pl.concat([frame.select(NEEDED) for frame in log]).unique("event_id", keep="first")
    documents = [frame.filter(pl.col("resource_data").is_not_null()).select("event_id", _AFTER) for frame in archived]
    kept = pl.concat([events.select("event_id", _AFTER).clear(), *documents]).unique("event_id", keep="first")
    found = events.join(kept.rename({_AFTER: "archived"}), on="event_id", how="left")
    found = found.join(resources.rename({"content_hash": "present"}), on="resource_id", how="left")
    is_last = pl.col("sequence") == pl.col("sequence").max().over("resource_id")
    own = pl.when(pl.col("resource_data").is_not_null()).then(pl.col(_AFTER)).otherwise(pl.col("archived"))
    present = pl.when(is_last).then(pl.col("present"))
    told = pl.when(pl.col(_AFTER).is_not_null()).then(pl.coalesce(present, own, pl.col(_AFTER)))
    found = found.with_columns(told.alias("after")).sort("resource_id", "sequence")
    before = pl.col("after").forward_fill().shift(1).over("resource_id")
    return found.select("event_id", "after", before.alias("before"))


def in_step(rows: pl.DataFrame, hashes: pl.DataFrame) -> pl.DataFrame:
    """Rows of events with the hashes that `true_hashes` gave. One that is null stays so."""
    joined = rows.join(hashes, on="event_id", how="left", maintain_order="left")
    renewed = (
        pl.when(pl.col(name).is_not_null()).then(pl.coalesce(new, name)).alias(name)
        for name, new in ((_AFTER, "after"), (_BEFORE, "before"))
    )
    return joined.with_columns(*renewed).select(rows.columns)
