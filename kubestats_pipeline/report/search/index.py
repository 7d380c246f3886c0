"""The files of words of a site: all of them made anew, or those changed whose words came to a page or left it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.report.parts.site_folder import NewSite
from kubestats_pipeline.report.search import words

PAGES = "search/pages.txt"
"""One line a repository: the folder of its pages, and how many pages of resources there are."""

STARTS = "search/words.txt"
"""One line a file of words: the characters by which its words begin."""


class Gathered:
    """The words of the pages that a build makes, gathered from their rows while these are at hand.

    Attributes:
        numbers: the number of each page of resources, by its address.
        made: the pages whose words are here.
        postings: their numbers, by word, in the order in which they were made.
    """

    def __init__(self, pages: Sequence[str]) -> None:
        self.numbers = {page: number for number, page in enumerate(pages)}
        self.made: set[str] = set()
        self.postings = defaultdict[str, list[int]](list)

    def add(self, page: str, found: Collection[str]) -> None:
        """Add the words of one page."""
        self.made.add(page)
        number, postings = self.numbers[page], self.postings
        for word in found:
            postings[word].append(number)


def write_index(site: NewSite, gathered: Gathered, *, anew: bool) -> None:
    """Write the files of words.

    Args:
        site: the site that is being built, whose pages are written.
        gathered: the pages of resources, those of one repository in their order, and the words of those that were
            made by this build. The others are those of the last site.
        anew: true if nothing of the last site counts.
    """
    listed = _listed(tuple(gathered.numbers))
    last = site.last / "site" if site.last else None
    if last is None or anew or not (last / PAGES).is_file() or (last / PAGES).read_bytes() != listed:
        _write_all(site, gathered)
    else:
        _write_changed(site, last, gathered)
    site.write(PAGES, listed)


def file_of(start: str) -> str:
    """The file of the words that begin with some characters."""
    return f"search/words/w-{start}.txt"


def _listed(pages: Sequence[str]) -> bytes:
    folders = ((page.rpartition("/")[0], page) for page in pages)
    groups = ((folder, sum(1 for _ in some)) for folder, some in groupby(folders, key=lambda pair: pair[0]))
    return "".join(f"{folder} {count}\n" for folder, count in groups).encode()


def _write_all(site: NewSite, gathered: Gathered) -> None:
    for page in gathered.numbers.keys() - gathered.made:
        gathered.add(page, words.words_of_page(_json_of(site.path, page)))
    for numbers in gathered.postings.values():
        numbers.sort()
    starts = []
    for start, some in words.in_files(gathered.postings):
        site.write(file_of(start), some)
        starts.append(start)
    site.write(STARTS, "".join(f"{start}\n" for start in starts).encode())


def _write_changed(site: NewSite, last: Path, gathered: Gathered) -> None:
    """Change the words of the pages that were made anew, unless a file comes, goes or becomes too large."""
    changes = defaultdict[str, dict[int, bool]](dict)
    for page in gathered.made:
        before, after = (words.words_of_page(_json_of(root, page)) for root in (last, site.path))
        for word in before ^ after:
            changes[word][gathered.numbers[page]] = word in after
    starts = (last / STARTS).read_text().split()
    changed = {start: dict[str, list[int]]() for start in starts}
    for word in changes:
        start = _start_of(word, changed)
        if start is None:
            _write_all(site, gathered)
            return
        changed[start][word] = []
    contents = {start: _changed(last / file_of(start), changes, some) for start, some in changed.items() if some}
    if not all(_keeps_its_place(start, contents, starts, last) for start in contents):
        _write_all(site, gathered)
        return
    for start in starts:
        if start in contents:
            site.write(file_of(start), contents[start])
        else:
            site.keep(file_of(start))
    site.keep(STARTS)


def _keeps_its_place(start: str, contents: Mapping[str, bytes], starts: Sequence[str], last: Path) -> bool:
    """True if an index that is made anew has this file too: it has words, fits, and is still worth a split."""
    if not contents[start] or len(contents[start]) > words.MOST_BYTES:
        return False
    if len(start) <= words.FIRST_CHARACTERS:
        return True
    is_whole_word = any(other != start and other.startswith(start) for other in starts)
    group = [other for other in starts if other.startswith(start if is_whole_word else start[:-1])]
    sizes = (len(contents[one]) if one in contents else (last / file_of(one)).stat().st_size for one in group)
    return sum(sizes) > words.MOST_BYTES


def _changed(file: Path, changes: dict[str, dict[int, bool]], some: Collection[str]) -> bytes:
    postings = words.read_back(file.read_bytes())
    for word in some:
        kept = set(postings.get(word, ())) - changes[word].keys()
        now = sorted(kept | {number for number, is_there in changes[word].items() if is_there})
        if now:
            postings[word] = now
        else:
            postings.pop(word, None)
    return words.written(postings)


def _start_of(word: str, starts: Collection[str]) -> str | None:
    """The start of the file that a word belongs to, or None before it exists."""
    plain = word.removeprefix(words.NAMED)
    start = next((plain[:end] for end in range(len(plain), 0, -1) if plain[:end] in starts), None)
    is_split = start is not None and any(other != start and other.startswith(start) for other in starts)
    return None if is_split and start != plain else start


def _json_of(root: Path, page: str) -> bytes:
    return (root / addresses.beside(page, ".json")).read_bytes()
