"""The URLs of the repository itself, by which its own sources are told from those of others."""

from collections.abc import Iterable

from kubestats_pipeline.scan.facts.charts import canonical_url


class OwnUrls:
    """The URLs of the repository itself."""

    def __init__(self, clone_url: str | None) -> None:
        is_told = clone_url is not None and "://" in clone_url and not clone_url.startswith("file:")
        self._cloned_from = frozenset({place_of(clone_url)} if clone_url and is_told else ())
        self._of_roots: frozenset[str] = frozenset()

    def set_roots(self, urls: Iterable[str]) -> bool:
        """Set the URLs of the sources of the first appliers. Returns true if they are others than before."""
        found = frozenset(place_of(url) for url in urls)
        is_other = found != self._of_roots
        self._of_roots = found
        return is_other

    @property
    def known(self) -> frozenset[str]:
        """The URLs as `place_of` gives them."""
        return self._cloned_from | self._of_roots

    def is_cloned_from(self, url: str) -> bool:
        """True if the repository was cloned from a URL."""
        return place_of(url) in self._cloned_from

    def __contains__(self, url: str) -> bool:
        return is_own(url, self.known)


def is_own(url: str, known: frozenset[str]) -> bool:
    """True if a URL is one of the known ones, or if none is known."""
    return not known or place_of(url) in known


def place_of(url: str) -> str:
    """Host and path of a repository's URL in lower case, which are the same for https, ssh and git."""
    if "://" not in url and ":" in url:  # git@host:owner/name
        url = "ssh://" + url.replace(":", "/", 1)
    return canonical_url(url).partition("://")[2].lower()
