"""Planted secrets that come out of the pipeline, and the share of real repositories that it withholds.

`planted.py` makes the secrets. The repository gets a commit before and one after the first run, so that histories and
increments are both read. Retention moves the older half into the archive. Then all files and output of the pipeline are
searched for the core of every secret, raw and in base64. URL encoding does not change cores.
"""

import base64
import datetime
import io
import os
import re
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.inputs import find_newest
from benchmarks.planted import CORE, MARK, Planted, plant, subject
from kubestats_pipeline.git import command as git
from kubestats_pipeline.lake.lake import read_file
from kubestats_pipeline.redaction.texts import redact_text
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.file import read_documents
from kubestats_pipeline.storage.folder import FolderStore

GOAL_SHARE = 1 / 1000
"""Share of all scalars that a shape or the form of words may withhold."""

SHOWN = 4
"""Characters of a withheld value that are shown."""

_CORE = re.compile(rf"{MARK}[0-9a-f]{{{CORE - len(MARK)}}}", re.IGNORECASE)
_IN_BASE64 = [
    base64.b64encode(b" " * shift + mark.encode())[4 if shift else 0 : -4]
    for mark in (MARK, MARK.upper())
    for shift in range(3)
]
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")


@dataclass(frozen=True)
class Leak:
    """A secret that was found, and the place."""

    planted: Planted
    where: str


def find_leaks(
    folder: Path, *, kinds: int | None = None, places: int | None = None
) -> tuple[list[Planted], list[Leak]]:
    """Plant, run, retire and search, and return all planted secrets, and the leaks."""
    planted: list[Planted] = []
    output = ""
    for commit in range(2):
        planted += _commit(folder / "ann" / "home", commit, kinds, places)
        output += _run(folder, ["run"])
    output += _run(folder, ["retire"]) + _run(folder, ["status"])
    by_core = {each.core: each for each in planted}
    leaks = {
        Leak(by_core[core], where)
        for where, content in _everything(folder / "data", output)
        for core in cores_in(content)
        if core in by_core
    }
    return planted, sorted(leaks, key=lambda each: (each.planted.place, each.planted.kind, each.where))


def cores_in(content: bytes) -> Iterator[str]:
    """The cores in some bytes, as they are or in base64."""
    yield from (each.casefold() for each in _CORE.findall(content.decode("utf-8", "replace")))
    if any(each in content for each in _IN_BASE64):
        for run in _BASE64.findall(content):
            yield from _cores_in_base64(run)


def _cores_in_base64(run: bytes) -> Iterator[str]:
    for shift in range(4):
        part = run[shift:].translate(bytes.maketrans(b"-_", b"+/"))
        decoded = base64.b64decode(part[: len(part) // 4 * 4], validate=False)
        yield from (each.casefold() for each in _CORE.findall(decoded.decode("latin-1")))


def _commit(repository: Path, commit: int, kinds: int | None, places: int | None) -> list[Planted]:
    """One commit with files, and one for each secret in a subject, months before now."""
    planted = []
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=200 - 60 * commit)
    if not (repository / ".git").exists():
        repository.mkdir(parents=True)
        _git(repository, at, "init", "--quiet", "--initial-branch=main")
    for each, path, text in plant(commit, kinds=kinds, places=places):
        planted.append(each)
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    _git(repository, at, "add", "--all")
    in_subjects, subjects = subject(commit, kinds)
    for number, text in enumerate(subjects):
        (repository / "last.yaml").write_text(
            f'{{"apiVersion": "v1", "kind": "Note", "metadata": {{"name": "n{number}"}}}}'
        )
        _git(repository, at, "add", "--all")
        _git(repository, at, "commit", "--quiet", f"--message={text}")
    return [*planted, *in_subjects]


def _git(repository: Path, at: datetime.datetime, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _WHO.items()}
    times = {f"GIT_{role}_DATE": at.isoformat() for role in ("AUTHOR", "COMMITTER")}
    environment = {**os.environ, **who, **times, "GIT_CONFIG_GLOBAL": os.devnull}
    subprocess.run(["git", "-C", str(repository), *arguments], check=True, env=environment)


_WHO = {"NAME": "ann", "EMAIL": "ann@example.org"}


def _run(folder: Path, arguments: list[str]) -> str:
    settings = {
        "DATA_DIR": str(folder / "data"),
        "REPOSITORIES": str(folder / "ann"),
        "HISTORY_DAYS": "all",
        "RETENTION__EVENT_DAYS": "160",
        "RETENTION__PAYLOAD_DAYS": "30",
        "LOG_FORMAT": "json",
    }
    environment = os.environ | {f"KUBESTATS_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "kubestats_pipeline.cli", *arguments]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"`kubestats {' '.join(arguments)}` failed: {finished.stderr[-2000:]}")
    return finished.stdout + finished.stderr


def _everything(data: Path, output: str) -> Iterator[tuple[str, bytes]]:
    """All results of the pipeline, part by part, with names. Mirrors are left out, as the owner's own publication."""
    yield "output", output.encode()
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        part = path.relative_to(data).parts[0]
        if part not in ("git", "http"):
            yield part, str(path.relative_to(data)).encode() + b"\n" + path.read_bytes()
        if path.suffix == ".parquet":
            rows, metadata = read_file(FolderStore(path.parent), path.name)
            table = path.relative_to(data).parts[1]
            for column in rows.columns:
                yield f"{part}: {table}.{column}", repr(rows[column].unique().to_list()).encode()
            yield f"{part}: footer of {table}", repr(metadata).encode()
    with duckdb.connect(str(data / "kubestats.duckdb"), read_only=True) as connection:
        names = "SELECT view_name FROM duckdb_views() WHERE NOT internal UNION SELECT table_name FROM duckdb_tables()"
        for (name,) in connection.execute(names).fetchall():
            yield f"published: {name}", repr(connection.table(name).fetchall()).encode()


@dataclass(frozen=True)
class Withheld:
    """One scalar of real repositories, before and after a shape or a form of words withholds something."""

    where: str
    before: str
    after: str


def find_withheld(remotes: Iterable[Path]) -> tuple[int, list[Withheld]]:
    """The number of scalars in the newest trees of some repositories, and the texts of which something is withheld."""
    scalars, found = 0, []
    for remote in remotes:
        for path, blob in _yaml_files(remote):
            for _, document in read_documents(blob, Bounds()).documents:
                for text in _texts(document.content):
                    scalars += 1
                    if isinstance(text, str) and (after := redact_text(text)) != text:
                        found.append(Withheld(f"{_shown(remote)} {path}", text, after))
    return scalars, found


def _shown(remote: Path) -> str:
    return (remote.parent if remote.name == ".git" else remote).name


def _yaml_files(remote: Path) -> Iterator[tuple[str, bytes]]:
    packed = git.run(["archive", "--format=tar", "HEAD"], directory=remote)
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        for member in files:
            content = files.extractfile(member) if member.name.endswith((".yaml", ".yml")) else None
            if content is not None:
                yield member.name, content.read()


def _texts(value: Any) -> Iterator[Any]:
    """The scalars that are neither a value of a Secret nor ciphertext."""
    if isinstance(value, dict):
        for item in value.values() if value.get("kind") != "Secret" else ():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif not (isinstance(value, str) and value.startswith("ENC[")):
        yield value


def masked(withheld: Withheld) -> str:
    """The first line that differs, from shortly before the difference on, with a few characters of what is hidden."""
    lines = zip(withheld.before.splitlines(), withheld.after.splitlines(), strict=False)
    before, after = next(((one, other) for one, other in lines if one != other), (withheld.before, withheld.after))
    same = next((place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    return f"{before[max(same - 30, 0) : same]}{before[same : same + SHOWN]}…"


def show_secrets(folder: Path, corpus: Path, console: Console) -> bool:
    """Print both tables, and return True if both goals were reached."""
    planted, leaks = find_leaks(folder / "planted")
    kinds, places = {each.kind for each in planted}, {each.place for each in planted}
    console.print(f"{len(planted)} secrets of {len(kinds)} kinds in {len(places)} places: {len(leaks)} found again")
    if leaks:
        console.print(_table_of(leaks))
    remotes, notes = find_newest(corpus, folder)
    scalars, withheld = find_withheld(remotes)
    share = len(withheld) / max(scalars, 1)
    console.print(
        f"{len(withheld)} of {scalars:,} scalars of real repositories withheld for what they say: {share:.5f}"
    )
    for shown, count in Counter(f"{each.where}: {masked(each)}" for each in withheld).items():
        console.print(f"  {count} × {shown}", markup=False, highlight=False, soft_wrap=True)
    for note in notes:
        console.print(note)
    return not leaks and share <= GOAL_SHARE


def _table_of(leaks: Iterable[Leak]) -> Table:
    found: dict[tuple[str, str], set[str]] = {}
    for leak in leaks:
        found.setdefault((leak.planted.kind, leak.planted.place), set()).add(leak.where)
    table = Table("kind", "planted in", "found in")
    for (kind, place), where in sorted(found.items()):
        table.add_row(kind, place, ", ".join(sorted(where)))
    return table
