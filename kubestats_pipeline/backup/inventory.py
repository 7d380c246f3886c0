"""`backup.json`: the list of a backup's files with their sizes and digests, and by which version it was made.

It is written last, into a folder that gets its name after that: a folder without it is incomplete. It tells everything
that a restore has to know before it writes anything.
"""

import datetime
import hashlib
import importlib.metadata
import re
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, field_validator

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.lake.lake import NEWER
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.scan.store.scanner_version import SCANNER_VERSION
from kubestats_pipeline.storage.folder import FolderStore

INVENTORY = "backup.json"
CONFIG = "kubestats.yaml"
"""The copy of the settings file, beside the folder `DATA`."""

DATA = "data"
"""The folder of a backup that holds what was in the data directory, under the same names."""

FORMAT = 1
"""Raised when a backup is laid out so that earlier versions cannot restore it."""

_DATED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")
_STAMP = "%Y-%m-%dT%H-%M-%SZ"


class BackupError(ExplainedError):
    """A backup cannot be made or used. The text says why and what to do."""


class KeptFile(BaseModel):
    """A file of a backup.

    Attributes:
        size: bytes.
        sha256: the digest of its content.
    """

    model_config = ConfigDict(frozen=True)

    size: int
    sha256: str


class Inventory(BaseModel):
    """The content of a backup.

    Attributes:
        format: of the backup's layout.
        kubestats: the version that made it, for people.
        scanner: the scanner's version, see `SCANNER_VERSION`.
        tables: the columns of each table, as the version that made it knows them.
        made_at: when its last file was copied.
        files: by their places in the backup's folder.
        folders: folders without files, which mean something in the archive.
    """

    model_config = ConfigDict(frozen=True)

    format: int
    kubestats: str
    scanner: int
    tables: dict[str, list[str]]
    made_at: datetime.datetime
    files: dict[str, KeptFile]
    folders: list[str]

    @field_validator("files", "folders")
    @classmethod
    def _lies_inside(cls, places: dict[str, KeptFile] | list[str]) -> dict[str, KeptFile] | list[str]:
        for place in map(PurePosixPath, places):
            if place.is_absolute() or ".." in place.parts or place.parts[0] not in (DATA, CONFIG):
                raise ValueError("a place outside of the backup")
        return places

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


def inventory_of(files: dict[str, KeptFile], folders: list[str], made_at: datetime.datetime) -> Inventory:
    """The inventory of files that this version has copied."""
    version = importlib.metadata.version("kubestats-pipeline")
    tables = {table.name: list(table.column_names) for table in TABLES.values()}
    scanner = int(SCANNER_VERSION)
    return Inventory(
        format=FORMAT,
        kubestats=version,
        scanner=scanner,
        tables=tables,
        made_at=made_at,
        files=files,
        folders=folders,
    )


def write_inventory(folder: Path, inventory: Inventory) -> None:
    """Put the inventory into a backup's folder, as its last file."""
    FolderStore(folder).put(INVENTORY, inventory.model_dump_json(indent=1).encode())
    (folder / INVENTORY).chmod(0o600)


def read_inventory(folder: Path) -> Inventory:
    """The inventory of a backup.

    Raises:
        BackupError: it is missing or damaged, or a newer version made the backup.
    """
    try:
        content = orjson.loads((folder / INVENTORY).read_bytes())
        _refuse_newer(folder, content)
        return Inventory.model_validate(content)
    except FileNotFoundError:
        raise BackupError(
            f"{folder} is not a complete backup, it has no {INVENTORY}. Take another one, or copy it again as a whole"
        ) from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BackupError(
            f"{folder / INVENTORY} cannot be read ({type(error).__name__}). Take another backup, or copy it again"
        ) from None


def _refuse_newer(folder: Path, content: dict[str, Any]) -> None:
    """By the numbers that say so, and by a column that is unknown here, which is how the lake itself tells."""
    known = {table.name: set(table.column_names) for table in TABLES.values()}
    numbers = {"format": FORMAT, "scanner": int(SCANNER_VERSION)}
    later = [name for name, number in numbers.items() if content.get(name, 0) > number]
    later += [name for name, columns in content.get("tables", {}).items() if not set(columns) <= known.get(name, set())]
    if later:
        raise BackupError(
            f"{folder} {NEWER} ({content.get('kubestats')}, by its {later[0]}). Install that version or a later one"
        )


def complete_backups(target: Path) -> list[Path]:
    """The complete backups in a folder of backups, the newest last."""
    return sorted(path for path in target.glob("*Z") if _DATED.fullmatch(path.name) and (path / INVENTORY).is_file())


def name_after(earlier: list[Path], now: datetime.datetime) -> str:
    """The name of the next backup: its time, or that of the last one and a second where the clock is not later."""
    times = [datetime.datetime.strptime(path.name, _STAMP).replace(tzinfo=datetime.UTC) for path in earlier[-1:]]
    second = datetime.timedelta(seconds=1)
    return max([now, *(time + second for time in times)]).strftime(_STAMP)


def digest_of(path: Path) -> str:
    """The digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
