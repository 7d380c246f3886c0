"""A data directory that is backed up and restored, and everything that it keeps."""

import datetime
import hashlib
from pathlib import Path

from kubestats_pipeline.backup.backup import Made, make_backup
from kubestats_pipeline.backup.kept import kept_places
from kubestats_pipeline.backup.restore import Restored, restore_backup
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline_tests.scan.world import NOW

TIMES = tuple(NOW + datetime.timedelta(hours=number) for number in range(9))


def back_up(layout: Layout, target: Path, *, at: datetime.datetime = NOW, keep: int | None = None) -> Made:
    """A backup with the settings file beside the data directory."""
    return make_backup(layout, layout.data_dir.parent / "kubestats.yaml", target, lambda: at, keep)


def restore(source: Path, folder: Path) -> Layout:
    """The data directory of a new installation in a folder, with a backup in it."""
    return put_back(source, folder)[1]


def put_back(source: Path, folder: Path) -> tuple[Restored, Layout]:
    """The same, with what the restore says."""
    folder.mkdir(parents=True, exist_ok=True)
    layout = Layout(folder / "data")
    return restore_backup(layout, folder / "kubestats.yaml", source), layout


def kept(layout: Layout) -> dict[str, str]:
    """Every file that a backup keeps, with its content, and every folder without one."""
    found = {}
    for place in kept_places(layout):
        for path in (place, *place.rglob("*")):
            if path.is_file():
                found[layout.name_of(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
            elif path.is_dir() and not any(path.iterdir()):
                found[layout.name_of(path)] = "a folder"
    return found


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
