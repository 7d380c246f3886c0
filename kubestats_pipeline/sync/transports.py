"""The transports by which git may fetch a repository: those of its host's API, or those that a user can list.

Discovery refuses other clone URLs already (`discover/clone_urls.py`). This is the same rule where the network begins,
so that a row which an earlier version wrote is not fetched either, and a redirect leads to no other protocol.
"""

from kubestats_pipeline.git.command import PROTOCOLS
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.settings import Settings


def transports(repository: Repository, settings: Settings) -> tuple[str, ...]:
    """The protocols for `GIT_ALLOW_PROTOCOL`: the clone URL's own, `https` beside `http`, and nothing where it is
    refused.

    A redirect from `http` to `https` is everyday, and every other change of protocol is refused by git.
    """
    scheme = _scheme_of(repository.clone_url)
    if scheme not in _allowed(repository, settings):
        return ()
    return ("http", "https") if scheme == "http" else (scheme,)


def _allowed(repository: Repository, settings: Settings) -> tuple[str, ...]:
    """By the source that named the repository: an identity `git:…` is that of a URL or path, mostly one that the user
    listed.
    """
    told_by = repository.repository_id.partition(":")[0]
    if told_by == "git":
        return PROTOCOLS
    api = settings.gitlab.api_url if told_by == "gitlab" else settings.github.git_url
    if told_by == "github" and not repository.clone_url.startswith(f"{api.rstrip('/')}/"):
        return ("https",)
    return ("https", _scheme_of(api)) if told_by in ("github", "gitlab") else ("https",)


def _scheme_of(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return scheme.lower() if separator else "ssh"
