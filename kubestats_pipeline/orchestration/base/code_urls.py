"""Addresses of a repository's code on the web: the page of its tree at one commit, as its host addresses it.

Nothing is asked of a host. The forge is known from the repository's identity or from the host's name.
Otherwise the repository's own page is the best that can be said.
"""

import re
from urllib.parse import urlsplit

from kubestats_pipeline.lake.repositories import Repository

FORGES = (
    (re.compile(r"github"), "tree/{commit}"),
    (re.compile(r"gitlab|framagit|salsa\.debian|invent\.kde"), "-/tree/{commit}"),
    (re.compile(r"codeberg|gitea|forgejo|disroot"), "src/commit/{commit}"),
    (re.compile(r"bitbucket"), "src/{commit}"),
    (re.compile(r"git\.sr\.ht"), "tree/{commit}"),
)
"""How each forge addresses a tree, by what the host's name or the identity's prefix holds."""


def code_url(repository: Repository, commit: str) -> str | None:
    """The page of the repository's files at a commit. None for one that is not fetched over HTTP."""
    address = urlsplit(repository.clone_url)
    if address.scheme not in ("https", "http") or not address.hostname:
        return None
    page = repository.clone_url.rstrip("/").removesuffix(".git")
    known_as = f"{repository.repository_id.partition(':')[0]} {address.hostname}"
    path = next((path for pattern, path in FORGES if pattern.search(known_as)), None)
    return f"{page}/{path.format(commit=commit)}" if path else page
