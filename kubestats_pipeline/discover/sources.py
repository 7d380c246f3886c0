"""The two ways in which discovery asks a host: a source finds repositories, a witness is asked about known ones.

A source answers with what it found and what it could not find out, and never raises for a host that fails. A witness is
asked by ids, which is how a rename, a lost topic and a deletion are distinguished from a search that left something
out. A host without a witness never has a repository retired. `configured.py` decides which sources a run asks,
`membership.py` decides what follows from the answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kubestats_pipeline.discover.records import Found, FoundRepository

CONFIRMATIONS = 100
"""Repositories of one discovery that are asked for one by one. The next discovery asks for the others."""


class Source(Protocol):
    """One place where repositories come from."""

    def find(self) -> Found:
        """Ask it now."""


@dataclass(frozen=True)
class Known:
    """A repository that was found before, or just now.

    Attributes:
        is_listed: the user named it, so that it counts although it may be private.
    """

    repository_id: str
    full_name: str
    is_listed: bool = False


@dataclass
class Testimony:
    """The answers of a host.

    Attributes:
        found: repositories that it has, under their present names.
        gone: ids of those that it says it has no more, with the reason.
        failures: the reasons why others got no answer.
    """

    found: list[FoundRepository] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Witness(Protocol):
    """One host that is asked about repositories by their ids."""

    @property
    def name(self) -> str:
        """The name under which its failures are reported."""

    def knows(self, repository_id: str) -> bool:
        """True if this host gave the id."""

    @property
    def gives_watchers(self) -> bool:
        """True if `describe` gives numbers that a search does not, so that found repositories are asked for too."""

    def describe(self, known: Sequence[Known]) -> Testimony:
        """The present facts of many, in few calls. It may leave some out. Whom it calls gone must be confirmed."""

    def confirm(self, known: Sequence[Known]) -> Testimony:
        """Ask for each by its id alone."""
