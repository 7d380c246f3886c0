"""Clone URLs that a host's API or another package gives: an address of the web, or the row says why it is not fetched.

Such an answer is a stranger's word, and git understands more than web addresses: a path or `file:` would publish what
lies on this machine, `ssh:` would use its keys. Entries of the user pass through `entries.py` instead. Sync holds
the same rule once more (`sync/transports.py`), for rows that earlier versions wrote.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kubestats_pipeline.discover.addresses import AddressError, is_scp_like, parse_address
from kubestats_pipeline.discover.records import Found, FoundRepository
from kubestats_pipeline.discover.sources import Source

WEB = ("https",)
"""The transports of a source that does not say otherwise. `http` is for an API that the user configured as such."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_REFUSED = re.compile(r"[a-z0-9+.-]+:")
_INSTEAD = "List it in `repositories` if it is to be fetched"


@dataclass(frozen=True)
class Screened:
    """A source whose clone URLs are a stranger's words."""

    source: Source

    def find(self) -> Found:
        """Ask it, and take the addresses that git may not fetch out of its answer."""
        found = self.source.find()
        return dataclasses.replace(found, repositories=tuple(map(_screen, found.repositories)))


def screened_url(url: str, schemes: Sequence[str] = WEB) -> str:
    """The clone URL as git may fetch it, or only its scheme and a colon, which git is never given.

    Names of users are refused too: they serve to make one host look like another (RFC 3986, section 7.6).
    """
    scheme = _scheme_of(url)
    try:
        address = parse_address(url)
    except AddressError:
        return f"{scheme}:"
    has_user = not is_scp_like(url) and "@" in urlsplit(url).netloc
    return address.clone_url if address.scheme in schemes and not has_user else f"{scheme}:"


def refusal(clone_url: str) -> str | None:
    """Why the repository of a clone URL that was screened is not fetched. None where it may be."""
    if not _REFUSED.fullmatch(clone_url):
        return None
    if clone_url.removesuffix(":") in ("https", "http"):
        return f"its host gives a clone URL that is not a plain address of the web. {_INSTEAD}"
    return f"its host gives a clone URL that begins with `{clone_url}`, and only https is fetched. {_INSTEAD}"


def _screen(repository: FoundRepository) -> FoundRepository:
    return dataclasses.replace(repository, clone_url=screened_url(repository.clone_url))


def _scheme_of(url: str) -> str:
    if is_scp_like(url):
        return "ssh"
    match = _SCHEME.match(url)
    return match[0].lower() if match else "file"
