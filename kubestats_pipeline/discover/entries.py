"""The `repositories` setting as a source: each entry is a name on GitHub, a git URL, or a path on this machine.

`read_entry` decides which one from the text and the file system alone. `ListSource` then asks GitHub about the names
and searches the folders.
"""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kubestats_pipeline.discover.addresses import AddressError, GitAddress, is_scp_like, parse_address, url_identity
from kubestats_pipeline.discover.github import Connect, NameLookup
from kubestats_pipeline.discover.local import DEPTH, find_repositories, from_file_url
from kubestats_pipeline.discover.local import to_record as local_record
from kubestats_pipeline.discover.records import LIST_TAG, Found, FoundRepository, SourceFailure, join_found

PUBLIC_GITHUB = ("github.com", "www.github.com", "ssh.github.com")
_OWNER_NAME = re.compile(r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]*)/(?P<name>[A-Za-z0-9._-]+)")
_PAGE_OF_GITHUB = re.compile(
    r"(?<=/)(?P<name>[^/]+)/(?:tree|blob|raw|edit|commits?|branches|tags|releases|pulls?|issues)\b.*"
)
_PAGE_OF_OTHERS = re.compile(r"(?<=[^/])/(?:-/|src/(?:branch|commit|tag)/).*")
"""Pages of GitLab, and of Forgejo and Gitea, inside a repository's own."""
_WITHOUT_SCHEME = re.compile(r"(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}(?::\d+)?/[^/\s]+/\S+")
"""An address as people copy it, such as github.com/owner/name."""
_EXPECTED = "owner/name, a git URL, a path, or a directory of repositories"


class EntryError(ValueError):
    """An entry cannot be understood or found. The text says what would be right and holds no credential."""


@dataclass(frozen=True)
class GitHubName:
    """A repository on the GitHub of the settings."""

    owner: str
    name: str


Entry = GitHubName | GitAddress | Path
"""The things that an entry can be. A path exists."""


@dataclass(frozen=True)
class ListSource:
    """The `repositories` setting: names on GitHub, git URLs, paths, directories of repositories."""

    entries: tuple[str, ...]
    git_url: str
    connect: Connect

    def find(self) -> Found:
        """Look up each entry, in the given order. One that fails does not stop the others."""
        with self.connect() as client:
            names = NameLookup(client, self.git_url)
            found = join_found([self._find_entry(text, names) for text in self.entries])
        asked = frozenset({LIST_TAG})
        return dataclasses.replace(found, asked=asked, complete=asked if names.is_answered else frozenset())

    def _find_entry(self, text: str, names: NameLookup) -> Found:
        try:
            entry = read_entry(text, git_url=self.git_url)
        except EntryError as error:
            return _failed(shown_entry(text), str(error))
        return _look_up(entry, shown_entry(text), names)


def read_entry(text: str, *, git_url: str) -> Entry:
    """Read an entry. A path that exists wins over `owner/name`.

    Args:
        text: the entry as the user wrote it.
        git_url: the `github.git_url` setting. URLs below it are names on GitHub.

    Raises:
        EntryError: it cannot be understood, or is a path that does not exist.
    """
    entry = text.strip()
    try:
        if entry.lower().startswith("file://"):
            return _existing(from_file_url(f"file://{entry[len('file://') :]}"))
        if _WITHOUT_SCHEME.fullmatch(entry) and not Path(entry).exists():
            entry = f"https://{entry}"
        if "://" in entry or (not entry.startswith((".", "/", "~")) and is_scp_like(entry)):
            return _read_address(parse_address(entry), git_url)
        return _read_path_or_name(entry)
    except AddressError as error:
        raise EntryError(f"{error}. Give {_EXPECTED}") from None
    except (OSError, RuntimeError) as error:  # pathlib raises RuntimeError for a home or a link that leads nowhere
        raise EntryError(f"the path cannot be looked up ({type(error).__name__}). Give {_EXPECTED}") from None


def is_github_name(text: str, *, git_url: str) -> bool:
    """True for an entry about which GitHub is asked."""
    try:
        return isinstance(read_entry(text, git_url=git_url), GitHubName)
    except EntryError:
        return False


def shown_entry(text: str) -> str:
    """An entry for messages: without what may be a credential, be it oddly placed."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        return scheme
    return scheme + separator + re.split(r"[?#]", rest.rpartition("@")[2])[0]


def _read_path_or_name(entry: str) -> Entry:
    if entry.startswith((".", "/", "~")):
        return _existing(Path(entry).expanduser())
    if entry and Path(entry).exists():
        return Path(entry)
    match = _OWNER_NAME.fullmatch(entry)
    if not match:
        raise EntryError(f"it is neither a path that exists nor a name. Give {_EXPECTED}")
    return _to_name(match["owner"], match["name"])


def _to_name(owner: str, name: str) -> GitHubName:
    short = name.removesuffix(".git")
    if short in ("", ".", ".."):
        raise EntryError("it names no repository. Give owner/name")
    return GitHubName(owner, short)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise EntryError("the path does not exist. Correct or remove it")
    return path


def _read_address(address: GitAddress, git_url: str) -> Entry:
    path = _path_on_github(address, git_url)
    if path is None:
        is_web = address.scheme in ("http", "https")
        return parse_address(_PAGE_OF_OTHERS.sub("", address.clone_url)) if is_web else address
    match = _OWNER_NAME.fullmatch(_PAGE_OF_GITHUB.sub(r"\1", path))
    if not match:
        raise EntryError("GitHub has no repository at this address. Give it as owner/name")
    return _to_name(match["owner"], match["name"])


def _path_on_github(address: GitAddress, git_url: str) -> str | None:
    """The path below GitHub's root where the address lies on GitHub, else None."""
    if address.host in PUBLIC_GITHUB:
        return address.path
    if urlsplit(git_url).scheme not in ("http", "https"):
        return None
    github = urlsplit(git_url)
    is_web = address.scheme in ("http", "https")
    port = None if github.port in (80, 443) else github.port
    if address.host != github.hostname or (is_web and address.port != port):
        return None
    prefix = github.path.strip("/")
    return address.path.removeprefix(f"{prefix}/") if prefix and is_web else address.path


def _look_up(entry: Entry, shown: str, names: NameLookup) -> Found:
    if isinstance(entry, GitHubName):
        return names.find(f"{entry.owner}/{entry.name}", shown)
    if isinstance(entry, GitAddress):
        return Found((_remote_record(entry),))
    return _find_local(entry, shown)


def _remote_record(address: GitAddress) -> FoundRepository:
    return FoundRepository(
        repository_id=url_identity(address.normalised),
        host=address.host,
        full_name=f"{address.host}/{address.owner}/{address.name}",
        owner=address.owner,
        name=address.name,
        clone_url=address.clone_url,
        html_url=address.page,
        discovery_tags=(LIST_TAG,),
    )


def _find_local(path: Path, shown: str) -> Found:
    search = find_repositories(path)
    failures = [
        SourceFailure(shown, f"{folder} cannot be read. Allow it or remove the entry") for folder in search.unreadable
    ]
    if not search.repositories and not failures:
        reason = f"it is not a git repository and there is not one within {DEPTH} levels. Correct or remove it"
        failures = [SourceFailure(shown, reason)]
    return Found(tuple(local_record(path, tag=LIST_TAG) for path in search.repositories), tuple(failures))


def _failed(source: str, reason: str) -> Found:
    return Found(failures=(SourceFailure(source, reason),))
