"""Scans of long histories: of very many commits, and of long files that every commit edits.

No repository of the corpus is as long. The floor of a line is the same history with half the commits: a ratio of two
is linear in commits. Peak memory must stay within a bound at any length.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.inputs import mirror
from benchmarks.measure import Runs, measure
from benchmarks.report import Line, at_most, ratio_of
from benchmarks.scan import scan

GROUP = "long"
GROWTH_GOAL, MEMORY_GOAL_MB = 2.2, 600
FILES, LINES, LINES_EACH = 200, 10_000, 10
"""Files of the history of small files, lines of a long file, and those of each of its documents with the marker."""

FIRST_COMMIT_AT, SECONDS_BETWEEN = 1_500_000_000, 600


@dataclass(frozen=True)
class Lengths:
    """Numbers of commits: of the history of small files, and of each with a single long file."""

    small_files: int
    long_file: int


Edits = Callable[[int], Iterator[Mapping[str, str]]]
"""Gives the files that each of so many commits writes, by path."""


def long_lines(lengths: Lengths, folder: Path) -> Iterator[Line]:
    """The scan of each of the histories, with that of half its commits as the floor."""
    yield _line("first-parent commits of small files", edit_small_files, lengths.small_files, folder / "small")
    what = f"commits that edit one file of {LINES:,} lines"
    yield _line(f"{what}, many documents", edit_long_file, lengths.long_file, folder / "file")
    yield _line(f"{what}, one document", edit_long_document, lengths.long_file, folder / "document")


def make_history(path: Path, edits: Iterator[Mapping[str, str]]) -> Path:
    """Make a bare repository with a commit for each of the edits.

    Raises:
        subprocess.CalledProcessError: git cannot write there.
    """
    git = ["git", f"--git-dir={path}"]
    subprocess.run(["git", "init", "-q", "--bare", "--template=", "--initial-branch=main", str(path)], check=True)
    subprocess.run([*git, "config", "uploadpack.allowFilter", "true"], check=True)
    command = [*git, "fast-import", "--quiet", "--done"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        for number, files in enumerate(edits):
            process.stdin.write(_commit(number, files))
        process.stdin.write(b"done\n")
        process.stdin.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return path


def edit_small_files(commits: int) -> Iterator[Mapping[str, str]]:
    """The first commit writes all files, each later one another file."""
    yield {f"apps/app{each}.yaml": _document(each, 0) for each in range(FILES)}
    for number in range(1, commits):
        yield {f"apps/app{number % FILES}.yaml": _document(number % FILES, number)}


def edit_long_file(commits: int) -> Iterator[Mapping[str, str]]:
    """Each commit changes one line, of another document than the commit before."""
    count = LINES // LINES_EACH
    documents = [_document(each, 0) for each in range(count)]
    for number in range(commits):
        documents[number % count] = _document(number % count, number)
        yield {"all.yaml": "---\n".join(documents)}


def edit_long_document(commits: int) -> Iterator[Mapping[str, str]]:
    """Each commit changes another line of a single document."""
    lines = [f"  key{each}: 'value 0'" for each in range(LINES)]
    for number in range(commits):
        lines[number % LINES] = f"  key{number % LINES}: 'value {number}'"
        data = "\n".join(lines)
        yield {"all.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: long}}\ndata:\n{data}\n"}


def _document(name: int, version: int) -> str:
    """Nine lines."""
    return (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app{name}\n  namespace: apps\n"
        f"data:\n  replicas: '2'\n  version: '{version}'\n  mode: steady\n"
    )


def _commit(number: int, files: Mapping[str, str]) -> bytes:
    when = f"{FIRST_COMMIT_AT + number * SECONDS_BETWEEN} +0000"
    message = f"edit {number}"
    parts = [f"commit refs/heads/main\ncommitter Ann <ann@example.org> {when}\ndata {len(message)}\n{message}\n"]
    for path, text in files.items():
        parts.append(f"M 100644 inline {path}\ndata {len(text)}\n{text}\n")
    return "".join(parts).encode()


def _line(what: str, edits: Edits, commits: int, folder: Path) -> Line:
    half, whole = (_scan(edits(count), folder / str(count)) for count in (commits // 2, commits))
    growth = at_most(ratio_of(whole, half), GROWTH_GOAL, "× half the commits")
    memory = at_most(whole.peak_mb, MEMORY_GOAL_MB, "MB of memory")
    return Line(GROUP, f"{commits:,} {what}", whole, half, (growth, memory))


def _scan(edits: Iterator[Mapping[str, str]], folder: Path) -> Runs:
    folder.mkdir(parents=True)
    mirrored = mirror(make_history(folder / "made.git", edits), folder / "data", "all")
    return Runs((measure(scan, mirrored, mirrored.span.head, folder / "scanned").cost,))
