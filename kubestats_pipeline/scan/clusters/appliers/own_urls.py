"""The URLs of the repository itself, by which its own sources are told from those of others."""

from collections.abc import Callable, Iterable, Mapping

from kubestats_pipeline.scan.facts.charts import canonical_url


class OwnUrls:
    """The URLs of the repository itself.

    A fork or a mirror has the sources of the repository that it came from. So if no source has a known URL, the one
    that has the name of the clone, and of which all applied paths exist here, is taken for this repository. Under
    another name it may be, and nobody can tell.

    Attributes:
        may_be_others: true if a source may be this repository, and nobody can tell.
        depends_on_folders: true if folders that come or go may make a difference.
    """

    def __init__(self, clone_url: str | None) -> None:
        is_told = clone_url is not None and "://" in clone_url and not clone_url.startswith("file:")
        self._cloned_from = frozenset({place_of(clone_url)} if clone_url and is_told else ())
        self._of_roots: frozenset[str] = frozenset()
        self._of_origin: frozenset[str] = frozenset()
        self.may_be_others = self.depends_on_folders = False

    def set_sources(
        self, of_roots: Iterable[str], paths: Mapping[str, Iterable[str]], is_here: Callable[[str], bool]
    ) -> bool:
        """Set the sources that the repository declares. Returns true if other URLs than before are its own.

        Args:
            of_roots: the URLs of the sources of the first appliers.
            paths: the paths that are applied of each source, by its place.
            is_here: true for a folder that exists here.
        """
        before = self._of_roots, self._of_origin
        self._of_roots = frozenset(place_of(url) for url in of_roots)
        known = self._cloned_from | self._of_roots
        self.depends_on_folders = bool(known) and known.isdisjoint(paths)
        sources = paths.items() if self.depends_on_folders else ()
        here = {place for place, applied in sources if any(applied) and all(map(is_here, applied))}
        origins = {place for place in here if _name(place) in {_name(each) for each in self._cloned_from}}
        self._of_origin = frozenset(origins if len(origins) == 1 else ())
        self.may_be_others = bool(here) and not self._of_origin
        return before != (self._of_roots, self._of_origin)

    @property
    def known(self) -> frozenset[str]:
        """The URLs as `place_of` gives them."""
        return self._cloned_from | self._of_roots | self._of_origin

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


def _name(place: str) -> str:
    return place.rpartition("/")[2].removesuffix(".git")
