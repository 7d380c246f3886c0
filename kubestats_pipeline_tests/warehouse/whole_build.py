"""Compares a published file with one that is built as a whole from the same lake."""

import os
import shutil
import tempfile
from pathlib import Path

import duckdb

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.marts import MARTS

RELATIONS = (*TABLES, *(mart.name for mart in MARTS))


def link(folder: Path, copy: Path) -> None:
    """Copy a folder of files that are never changed but replaced: linked ones are the same files."""
    shutil.copytree(folder, copy, symlinks=True, copy_function=os.link)


def differences(lake: Lake) -> dict[str, int]:
    """The rows by relation in which the published file differs from one that is built as a whole."""
    with tempfile.TemporaryDirectory(dir=lake.layout.data_dir) as folder:
        link(lake.layout.lake, Layout(Path(folder)).lake)
        whole = build_warehouse(Lake(Layout(Path(folder))))
        assert whole.whole_because == "nobody knows from what the published file was built"
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{lake.layout.warehouse}' AS kept (READ_ONLY)")
            connection.execute(f"ATTACH '{whole.path}' AS whole (READ_ONLY)")
            connection.execute("SET TimeZone = 'UTC'")
            found = {}
            for name in RELATIONS:
                sides = (f"FROM kept.{name}", f"FROM whole.{name}")
                unlike = " UNION ALL ".join(f"(({one}) EXCEPT ALL ({other}))" for one, other in (sides, sides[::-1]))
                ((found[name],),) = connection.execute(f"SELECT count(*) FROM ({unlike})").fetchall()
    return {name: count for name, count in found.items() if count}
