"""Addresses of code on the web, as each sort of host forms them: a tree at a commit, and the commit itself.

Nothing is asked of a host. Its sort is known from the repository's identity or from its name. `file_link.sql` addresses
lines of files by the same rules.
"""

import functools
import re
from typing import NamedTuple
from urllib.parse import urlsplit


class Forge(NamedTuple):
    """One sort of host.

    Attributes:
        known_as: what the prefix of an identity, or the host's name, holds.
        tree: the path from a repository's page to its files at a commit.
        commit: the path to a commit, or None where it does not follow from the page.
    """

    known_as: re.Pattern[str]
    tree: str
    commit: str | None


FORGES = (
    Forge(re.compile(r"github"), "tree/{}", "commit/{}"),
    Forge(re.compile(r"gitlab|framagit|salsa\.debian|invent\.kde"), "-/tree/{}", "-/commit/{}"),
    Forge(re.compile(r"codeberg|gitea|forgejo|disroot"), "src/commit/{}", "commit/{}"),
    Forge(re.compile(r"bitbucket\.org"), "src/{}", "commits/{}"),
    Forge(re.compile(r"bitbucket"), "src/{}", None),
    Forge(re.compile(r"git\.sr\.ht"), "tree/{}", "commit/{}"),
)


def tree_page(page: str, identity: str, commit: str) -> str:
    """The files of a repository at a commit. Its own page where its host is of no known sort.

    Args:
        page: of the repository, over HTTP.
        identity: its `repository_id`.
        commit: the whole id.
    """
    forge = _forge_of(page, identity)
    return f"{page}/{forge.tree.format(commit)}" if forge else page


def commit_page(page: str | None, identity: str, commit: str) -> str | None:
    """A commit, by the same arguments. None where its address is not known."""
    forge = _forge_of(page, identity) if page and urlsplit(page).scheme in ("https", "http") else None
    return f"{page}/{forge.commit.format(commit)}" if forge and forge.commit else None


@functools.lru_cache(4096)
def _forge_of(page: str, identity: str) -> Forge | None:
    known_as = f"{identity.partition(':')[0]} {urlsplit(page).hostname or ''}"
    return next((forge for forge in FORGES if forge.known_as.search(known_as)), None)
