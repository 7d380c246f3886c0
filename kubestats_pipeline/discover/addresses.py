"""Git URLs: taken apart, freed of credentials, and normalised so that one repository has one identity.

Every spelling that git accepts for a remote host passes through here before anything else sees it. `entries.py` decides
which host is GitHub. Paths on this machine are the business of `local.py`.
"""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

SCHEMES = ("https", "http", "ssh", "git")
_USUAL_PORTS = {"https": (80, 443), "http": (80, 443), "ssh": (22,), "git": (9418,)}
_SCP = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+|\[[0-9a-fA-F:]+\]):(?P<path>[^:\s][^\s]*)")
_HOST = re.compile(r"\w[\w.-]*|[0-9a-f]*:[0-9a-f:.]+")


class AddressError(ValueError):
    """A text is not a git URL that can be used. The message says why and never holds the text."""


@dataclass(frozen=True)
class GitAddress:
    """A repository on another host.

    Attributes:
        scheme: https, http, ssh or git.
        user: the login of an ssh URL. None for all other schemes, where it would be a credential.
        host: in lower case.
        port: None where it is one that the scheme implies.
        path: folders and name, without slashes at the ends and without `.git`.
        clone_url: what git fetches from, free of credentials.
    """

    scheme: str
    user: str | None
    host: str
    port: int | None
    path: str
    clone_url: str

    @property
    def normalised(self) -> str:
        """One text for all spellings: http = https = ssh as `git`, no `.git`, no usual port, host in lower case."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = f"{host}:{self.port}/{self.path}" if self.port else f"{host}/{self.path}"
        if self.scheme == "ssh" and self.user not in (None, "git"):
            return f"ssh://{self.user}@{place}"  # a person's login can mean a path below that person's home
        unlike_web = self.port and self.scheme in ("ssh", "git")
        return f"{self.scheme if unlike_web else 'https'}://{place}"

    @property
    def page(self) -> str | None:
        """The page for people: the address itself on the web, or that of a forge for `git@host`. None for others."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.scheme in ("http", "https"):
            return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}/{self.path}"
        is_forge = self.scheme == "ssh" and self.user == "git" and self.port is None
        return f"https://{host}/{self.path}" if is_forge else None

    @property
    def owner(self) -> str:
        """All folders above the repository, or `-`, which no forge allows as an owner."""
        return self.path.rpartition("/")[0] or "-"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def url_identity(normalised_url: str) -> str:
    """The identity of a repository whose host gives it none: `git:` and 16 hex digits of the URL's SHA-256."""
    return f"git:{hashlib.sha256(normalised_url.encode()).hexdigest()[:16]}"


def is_scp_like(text: str) -> bool:
    """True if git would read a text as `user@host:path`. Without a user the host needs a dot (else a typo)."""
    match = _SCP.fullmatch(text)
    return bool(match and "://" not in text and (match["user"] or "." in match["host"]))


def parse_address(text: str) -> GitAddress:
    """Take a git URL or an scp-like address apart.

    User and password are dropped (of an ssh URL only the password), so are query and fragment, which may hold tokens.

    Raises:
        AddressError: not an address, or one in which a credential cannot be recognised.
    """
    if is_scp_like(text):
        return _parse_scp(text)
    parts, port = _split(text)
    host = _clean_host(parts.hostname or "")
    path = parts.path.strip("/")
    if "@" in path and parts.scheme != "ssh":
        raise AddressError("an @ after the host may be part of a password. Write it as %40")
    user = _clean_user(parts.username) if parts.scheme == "ssh" else None
    shown_host = f"[{host}]" if ":" in host else host
    place = f"{user}@{shown_host}" if user else shown_host
    clone_url = f"{parts.scheme}://{place}:{port}/{path}" if port else f"{parts.scheme}://{place}/{path}"
    unusual = None if port in _USUAL_PORTS[parts.scheme] else port
    return GitAddress(parts.scheme, user, host, unusual, _clean_path(path), clone_url)


def _parse_scp(text: str) -> GitAddress:
    place, _, path = text.rpartition("]:") if "]:" in text else text.partition(":")
    user, _, host = place.rpartition("@")
    host = _clean_host(host.strip("[]"))
    login = _clean_user(user or None)
    shown_host = f"[{host}]" if ":" in host else host
    clone_url = f"{login}@{shown_host}:{path}" if login else f"{shown_host}:{path}"
    return GitAddress("ssh", login, host, None, _clean_path(path), clone_url)


def _split(text: str) -> tuple[SplitResult, int | None]:
    if re.search(r"\s|[\x00-\x1f\x7f\\]", text):
        raise AddressError("it holds blanks, control characters or backslashes. Write them percent-encoded")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise AddressError("host or port cannot be read. A `/` or `@` in a password is written %2F or %40") from None
    if parts.scheme not in SCHEMES:
        raise AddressError(f"git URLs start with {', '.join(SCHEMES)} or file, followed by ://")
    return parts, port


def _clean_host(host: str) -> str:
    cleaned = host.lower().rstrip(".")
    if not _HOST.fullmatch(cleaned):
        raise AddressError("it names no host")
    return cleaned


def _clean_user(user: str | None) -> str | None:
    if user and not re.fullmatch(r"\w[\w.+-]*", user):
        raise AddressError("its ssh user is not a name that a host could have")
    return user or None


def _clean_path(path: str) -> str:
    joined = "/".join(part for part in path.split("/") if part)
    while joined.endswith((".git", "/")):
        joined = joined.removesuffix(".git").rstrip("/")
    if not joined or any(part in (".", "..") for part in joined.split("/")):
        raise AddressError("its path names no repository")
    return joined
