"""`kubestats backup`, `restore` and `fetch`: all that is known or published, into a folder and back."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubestats_pipeline.cli import terminal
from kubestats_pipeline.cli.explained import explained
from kubestats_pipeline.cli.loaded import load_settings

if TYPE_CHECKING:
    from kubestats_pipeline.backup.inventory import Inventory


def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="a folder of backups, on another disk")],
    keep: Annotated[int | None, typer.Option("--keep", min=1, help="remove all but so many of the newest")] = None,
) -> None:
    """Back up all that is known, while stages may write on, into a new folder in TARGET that its time names.

    Files that have not changed are shared with the backup before. The settings file is copied as it is, so keep TARGET
    to yourself if that has a token.
    """
    from kubestats_pipeline.backup.backup import make_backup
    from kubestats_pipeline.lake.lake import Lake
    from kubestats_pipeline.settings import config_file

    with explained():
        layout = load_settings().layout
        Lake(layout).pulled()
        made = make_backup(layout, config_file(), target, lambda: datetime.datetime.now(datetime.UTC), keep)
        shared = f", {made.linked} of them shared with the backup before" if made.linked else ""
        removed = f". Older ones that were removed: {made.removed}" if made.removed else ""
        terminal.show_line(f"{made.folder}: {_size(made.inventory)}{shared}{removed}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="a backup, or a folder of them: its newest one")],
) -> None:
    """Put a backup into the empty data directory. It is read and compared before anything is written."""
    from kubestats_pipeline.backup.restore import restore_backup
    from kubestats_pipeline.settings import config_file

    with explained():
        config = config_file()
        layout = load_settings().layout
        restored = restore_backup(layout, config, source)
        whence = restored.folder or "an interrupted restore"
        terminal.show_line(f"{layout.data_dir}: {_size(restored.inventory)}, from {whence}")
        if restored.has_written_config:
            terminal.show_line(f"{config} was put back, too")
        terminal.show_line("`kubestats run` fetches the repositories again and publishes")


def fetch(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="a folder, which is made where it is missing")],
) -> None:
    """Bring the published file and its pages from the bucket of `lake_url` into TARGET: all of one publication.

    Files that TARGET has already are not asked for again.
    """
    from kubestats_pipeline.settings import SettingsError
    from kubestats_pipeline.storage.bucket import LakeBucket
    from kubestats_pipeline.storage.fetched import fetch_publication

    with explained():
        settings = load_settings()
        if not settings.lake_url:
            raise SettingsError(f"lake_url is not set: what is published lies in {settings.data_dir}")
        fetched = fetch_publication(LakeBucket(settings.lake_url), target)
        told = f"{fetched.files} files, {fetched.transferred} of them new, {fetched.size / 1e6:.1f} MB"
        terminal.show_line(f"{target}: {told}")


def _size(inventory: "Inventory") -> str:
    made_at = inventory.made_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{len(inventory.files)} files of {made_at}, {inventory.size / 1e6:.1f} MB"
