"""The administrator's decisions about repositories: `decisions.yaml`, read, checked, and changed in place.

The file is the administrator's own: it may be edited by hand, and its comments stay when a command changes it. A file
that cannot be understood is an error and is never written over. `discover/rules.py` defines what follows for a
repository's row, `discover/decide.py` makes the decisions.
"""

import contextlib
import datetime
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from kubestats_pipeline.errors import ExplainedError
from kubestats_pipeline.locks import locked
from kubestats_pipeline.storage.bucket import StoreError
from kubestats_pipeline.storage.folder import FolderStore
from kubestats_pipeline.storage.objects import ObjectStore, StaleError

Kind = Literal["approved", "blocked", "deleted"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LOCK_SECONDS = 10.0

HEADER = """\
# What the administrator decided about repositories. Commands of kubestats write here, and so may you: an entry is
# `owner/name`, or its fields `repository`, `id`, `reason` and `at`. The next discovery acts on it.
"""


class DecisionsError(ExplainedError):
    """The file cannot be read, understood or written. The text names it and what to do. It is as it was."""


@dataclass(frozen=True)
class Decision:
    """One decision about one repository.

    Attributes:
        repository: its full name when it was decided.
        repository_id: its identity. None where the administrator gave only a name.
        reason: for people.
        decided_at: aware.
    """

    repository: str
    repository_id: str | None = None
    reason: str | None = None
    decided_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Decisions:
    """All decisions by what was decided, in the order of the file."""

    approved: tuple[Decision, ...] = ()
    blocked: tuple[Decision, ...] = ()
    deleted: tuple[Decision, ...] = ()

    def of(self, kind: Kind) -> tuple[Decision, ...]:
        """Those of one kind."""
        found: tuple[Decision, ...] = getattr(self, kind)
        return found


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    repository: str = Field(min_length=1)
    id: str | None = None
    reason: str | None = None
    at: AwareDatetime | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    approved: list[str | _Entry] | None = None
    blocked: list[str | _Entry] | None = None
    deleted: list[str | _Entry] | None = None


def read_decisions(path: Path) -> Decisions:
    """The decisions of the file, empty if it does not exist.

    Raises:
        DecisionsError: it cannot be read, is not YAML, or holds something else than decisions.
    """
    return _checked(path, _load(path, YAML(typ="safe", pure=True)))


def record_decision(
    path: Path, kind: Kind, decision: Decision, *, lifts: Sequence[Kind] = (), store: ObjectStore | None = None
) -> None:
    """Add a decision, or replace the one of this kind about the same repository. Decisions of the kinds `lifts` end.

    `store` is where the file is kept, if that is not the folder alone in which it lies.

    Raises:
        DecisionsError: the file cannot be understood or written.
    """
    with _editing(path, store) as content:
        for lifted in (kind, *lifts):
            _take_out(content, lifted, decision)
        if content.get(kind) is None:
            content[kind] = []
        content[kind].append(_entry_of(decision))


def lift_decision(path: Path, kind: Kind, decision: Decision, *, store: ObjectStore | None = None) -> bool:
    """End the decisions of a kind about a repository. False if nothing was found. `store` as above.

    Raises:
        DecisionsError: the file cannot be understood or written.
    """
    with _editing(path, store) as content:
        return _take_out(content, kind, decision)


def _load(path: Path, yaml: YAML) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8")) if path.exists() else None
    except (YAMLError, UnicodeDecodeError, OSError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}," if mark else ""
        raise DecisionsError(f"{path}{where} cannot be read ({type(error).__name__}). Correct it by hand") from None


def _checked(path: Path, content: Any) -> Decisions:
    try:
        file = _File.model_validate({} if content is None else content)
    except ValidationError as error:
        raise DecisionsError(f"{path}: {_explain(error)}. Correct it by hand") from None
    return Decisions(**{kind: tuple(map(_decision_of, getattr(file, kind) or ())) for kind in KINDS})


def _explain(error: ValidationError) -> str:
    """The first thing that is wrong, by its place in the file."""
    place = [part for part in error.errors()[0]["loc"] if part not in ("str", "_Entry")]
    if not place:
        return f"it must hold lists under {', '.join(KINDS)}"
    section, *rest = place
    if section not in KINDS:
        return f"{section} is not a kind of decision. Known are {', '.join(KINDS)}"
    number = f", entry {rest[0] + 1}" if rest and isinstance(rest[0], int) else ""
    field = f", {rest[-1]}" if len(rest) > 1 else ""
    return f"{section}{number}{field}: give owner/name, or the fields repository, id, reason and at (with a time zone)"


def _decision_of(entry: str | _Entry) -> Decision:
    if isinstance(entry, str):
        return Decision(entry.strip())
    return Decision(entry.repository.strip(), entry.id, entry.reason, entry.at)


def _entry_of(decision: Decision) -> dict[str, Any]:
    values = {
        "repository": decision.repository,
        "id": decision.repository_id,
        "reason": decision.reason,
        "at": decision.decided_at.replace(microsecond=0) if decision.decided_at else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _take_out(content: Any, kind: Kind, decision: Decision) -> bool:
    """Only entries go, so that the comments beside the others stay."""
    entries = content.get(kind) or []
    places = [place for place, entry in enumerate(entries) if _is_about(entry, decision)]
    for place in reversed(places):
        del entries[place]
    return bool(places)


def _is_about(entry: Any, decision: Decision) -> bool:
    name, identity = (entry, None) if isinstance(entry, str) else (entry["repository"], entry.get("id"))
    if identity is not None and decision.repository_id is not None and identity == decision.repository_id:
        return True
    return bool(str(name).strip().casefold() == decision.repository.casefold())


@contextlib.contextmanager
def _editing(path: Path, store: ObjectStore | None) -> Iterator[Any]:
    """The file's content to be changed. It is written in one step when the block ends, if anything changed."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # never breaks a line of the administrator's
    try:
        with locked(path, LOCK_SECONDS):
            read_decisions(path)
            content = _load(path, yaml)
            opening = "" if content is not None else path.read_text() if path.exists() else HEADER
            content = CommentedMap() if content is None else content
            before = _dumped(yaml, content)
            yield content
            after = _dumped(yaml, content)
            if after != before:
                (store or FolderStore(path.parent)).put(path.name, (opening + after).encode())
    except StaleError as error:
        raise DecisionsError(f"{path} was changed on another machine just now. Run the command again") from error
    except StoreError as error:
        raise DecisionsError(str(error)) from error
    except OSError as error:
        raise DecisionsError(f"cannot write {path}: {error.strerror}. Free or unlock the disk") from error


def _dumped(yaml: YAML, content: Any) -> str:
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()
