"""The floors: the least that git and a stock YAML parser need for the same work.

They use nothing of the package, so that a change of the package cannot move them.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import IO

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

SUFFIXES = (b".yaml", b".yml")
TIMEOUT = 3600
_CHUNK = 200
_ASKED_AT_ONCE = 500


def scan_tip(repository: Path, revision: str) -> int:
    """List a commit's YAML files, read them, and parse those that look like Kubernetes', and return their number."""
    return parse_all(read_blobs(repository, _tree_oids(repository, revision)))


def read_with_ruamel(repository: Path, revision: str) -> int:
    """Read a commit's YAML files with ruamel.yaml, and return their number.

    The original's scanner does this first. The loader is the one in C, because the one in Python takes even longer.
    """
    return sum(map(_read_with_ruamel, read_blobs(repository, _tree_oids(repository, revision))))


def _read_with_ruamel(blob: bytes) -> bool:
    try:
        return bool(sum(1 for _ in YAML(typ="safe").load_all(blob)))
    except (YAMLError, ValueError):  # a file that it rejects has taken its time as well
        return False


def scan_history(repository: Path, revision: str, processes: int) -> int:
    """Walk all first-parent commits, read and parse each distinct blob once, and return the number of parsed ones."""
    blobs = read_blobs(repository, _history_oids(repository, revision))
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        pool.submit(int).result()  # the workers start now: later ones would hold git's pipe open, and git would not end
        return sum(pool.map(parse_all, _chunks(blobs)))


def read_step(repository: Path, revision: str) -> int:
    """Read the difference of one commit, parse its blobs, and return their number."""
    return parse_all(read_blobs(repository, _history_oids(repository, f"{revision}~1..{revision}")))


def list_remotes(urls: Sequence[str]) -> int:
    """Ask each remote for its HEAD, one after another, and return the number of answers."""
    command = ("git", "ls-remote", "--symref")
    return sum(bool(_output([*command, url, "HEAD"])) for url in urls)


def run_python(code: str) -> None:
    """Run a piece of code in a fresh interpreter, far from any settings file."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("KUBESTATS_")}
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/", env=env, timeout=120)


def parse_all(blobs: Iterable[bytes]) -> int:
    """Parse the blobs with `kind` and `apiVersion` with the stock C loader. Rejected ones take their time as well."""
    parsed = 0
    for blob in blobs:
        if b"kind:" in blob and b"apiVersion:" in blob:
            parsed += _parse(blob)
    return parsed


def read_blobs(repository: Path, oids: Sequence[str]) -> Iterator[bytes]:
    """The contents of blobs, through one git process that is asked for many at a time."""
    command = ["git", f"--git-dir={repository}", "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
        assert git.stdin is not None
        assert git.stdout is not None
        for start in range(0, len(oids), _ASKED_AT_ONCE):
            yield from _ask(git.stdin, git.stdout, oids[start : start + _ASKED_AT_ONCE])
        git.stdin.close()


def _ask(questions: IO[bytes], answers: IO[bytes], oids: Sequence[str]) -> Iterator[bytes]:
    """Ask for a few blobs, so that the questions fit into a pipe's buffer, because both sides could block otherwise."""
    questions.write("".join(f"{oid}\n" for oid in oids).encode())
    questions.flush()
    for _ in oids:
        _, kind, *size = answers.readline().split()
        if kind == b"blob":
            yield answers.read(int(size[0]) + 1)[:-1]


def _parse(blob: bytes) -> bool:
    try:
        for _ in yaml.load_all(blob, yaml.CSafeLoader):
            pass
    except (yaml.YAMLError, ValueError):  # ValueError: a date such as 2024-13-01
        return False
    return True


def _chunks(blobs: Iterator[bytes]) -> Iterator[list[bytes]]:
    chunk = []
    for blob in blobs:
        chunk.append(blob)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    yield chunk


def _tree_oids(repository: Path, revision: str) -> list[str]:
    listing = _output(["git", f"--git-dir={repository}", "ls-tree", "-r", "-z", revision])
    entries = (entry.partition(b"\t") for entry in listing.split(b"\0"))
    return [header.split()[2].decode() for header, _, path in entries if path.lower().endswith(SUFFIXES)]


def _history_oids(repository: Path, revisions: str) -> list[str]:
    options = ["--first-parent", "--diff-merges=first-parent", "--root", "--raw", "-z", "--no-renames", "--no-abbrev"]
    log = _output(["git", f"--git-dir={repository}", "log", *options, "--format=", revisions])
    tokens = log.split(b"\0")
    changes = ((header.split(), path) for header, path in zip(tokens[::2], tokens[1::2], strict=False))
    oids = (fields[3].decode() for fields, path in changes if path.lower().endswith(SUFFIXES))
    return [oid for oid in dict.fromkeys(oids) if oid.strip("0")]


def _output(command: Sequence[str]) -> bytes:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=TIMEOUT).stdout
