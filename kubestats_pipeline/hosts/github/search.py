"""Finds all repositories that a query matches: pages, incomplete answers, and more hits than one search can reach.

The client (`github/client.py`) does the calls and their retries. Discovery wraps this as a source. A query with too
many hits is cut by creation time until each slice fits. Results that could not be had are reported as shortfalls beside
what was found.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import ceil

from pydantic import BaseModel, Field, ValidationError

from kubestats_pipeline.hosts.errors import HostError, MisdirectedError, UnavailableError
from kubestats_pipeline.hosts.github.client import GitHubClient
from kubestats_pipeline.hosts.github.payload import PayloadError, RepositoryPayload, read_payload
from kubestats_pipeline.hosts.messages import Answer

REACHABLE = 1000
"""Results that one search can give, whatever its total (GitHub REST documentation, "search")."""

PER_PAGE = 100
INCOMPLETE_ATTEMPTS = 3
"""Times that a page marked `incomplete_results` is asked for."""

ORDERS = (("stars", "desc"), ("forks", "desc"), ("updated", "desc"))
"""In which order a slice is read, and read again while hits are missing: those that GitHub drops differ by order.

Stars change least from one page to the next. By update time, results slip between pages, so it comes last.
"""

GIVE_UP_AFTER = 2
"""Slices in a row that got no answer, after which no more are asked for: each costs all its retries."""

FIRST_DAY = datetime.datetime(2007, 10, 1, tzinfo=datetime.UTC)
"""GitHub's first commit. No repository there is older."""

CLOCK_SKEW = datetime.timedelta(days=1)
"""How far GitHub's clock may be ahead of ours, so that the newest repositories lie in a slice too."""

NEXT_TIME = "The next discovery asks again"
FULL_ENOUGH = 0.8
"""How full a slice is planned, because its size is an estimate from one page. A full one would often be too full."""

SECOND = datetime.timedelta(seconds=1)


@dataclass(frozen=True)
class SearchAnswer:
    """The repositories that a search found, each once, and the reasons why there may be more."""

    repositories: tuple[RepositoryPayload, ...]
    shortfalls: tuple[str, ...]


@dataclass(frozen=True)
class Slice:
    """The repositories created between two times, both in whole seconds and both inclusive."""

    first: datetime.datetime
    last: datetime.datetime

    @property
    def condition(self) -> str:
        """The word of the query that asks for them."""
        return f"created:{self.first:%Y-%m-%dT%H:%M:%SZ}..{self.last:%Y-%m-%dT%H:%M:%SZ}"

    def cut(self, created: Iterable[datetime.datetime], parts: int) -> list["Slice"]:
        """Slices that share no second and leave none out, about equally full if the others are created as these are.

        Creation times cluster: halves of the time since 2007 would be empty or too full again and again. Times that
        say nothing give two halves. A single second is the whole answer.
        """
        if self.first >= self.last:
            return [self]
        sample = sorted(time.replace(microsecond=0) for time in created if self.first <= time < self.last)
        middle = self.first + datetime.timedelta(seconds=(self.last - self.first) // SECOND // 2)
        ends = {sample[len(sample) * part // parts] for part in range(1, parts)} if sample else {middle}
        bounds = [*sorted(ends), self.last]
        return [Slice(*pair) for pair in zip([self.first, *(end + SECOND for end in bounds)], bounds, strict=False)]


def search_repositories(
    client: GitHubClient, query: str, *, now: datetime.datetime, reachable: int = REACHABLE
) -> SearchAnswer:
    """All repositories that a query matches, private ones that the token may see included.

    Args:
        client: makes the calls.
        query: in GitHub's grammar, without `created:`.
        now: aware. Nothing is created later than a day after it.
        reachable: results that one search can give.
    """
    search = _SlicedSearch(client, query, reachable)
    search.run(Slice(FIRST_DAY, (now + CLOCK_SKEW).astimezone(datetime.UTC).replace(microsecond=0)))
    return SearchAnswer(tuple(search.found.values()), tuple(dict.fromkeys(search.shortfalls)))


class _Page(BaseModel):
    total_count: int = Field(ge=0)
    incomplete_results: bool = False
    items: list[object] = Field(default_factory=list)


@dataclass
class _Reading:
    """The results of one part of a search so far, in one order or several."""

    total: int = 0
    pages: int = 0
    found: dict[int, RepositoryPayload] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    is_incomplete: bool = False
    failure: str | None = None

    def begin_again(self) -> None:
        """Forget all but what was found, because the same hits come again in another order."""
        self.pages, self.unreadable, self.is_incomplete = 0, [], False

    def add(self, page: _Page) -> None:
        """Take a page. The last one knows the total best."""
        self.total = page.total_count
        self.pages += 1
        self.is_incomplete |= page.incomplete_results
        for item in page.items:
            try:
                payload = read_payload(item)
            except PayloadError as error:
                self.unreadable.append(f"one search result is {error}. It was left out")
            else:
                self.found[payload.id] = payload

    def missing(self, reachable: int) -> int:
        """Hits that GitHub counts and could have listed, but did not."""
        return max(min(self.total, reachable) - len(self.found) - len(self.unreadable), 0)


class _SlicedSearch:
    """One query with all its slices."""

    def __init__(self, client: GitHubClient, query: str, reachable: int) -> None:
        self.found: dict[int, RepositoryPayload] = {}
        self.shortfalls: list[str] = []
        self._client = client
        self._query = query
        self._reachable = reachable
        self._failures_in_a_row = 0

    def run(self, whole: Slice) -> None:
        """Read the query as it is, or slice by slice, oldest first, where it has too many hits."""
        waiting: list[Slice | None] = [None]  # None is the query without a slice, which most often fits
        while waiting:
            if self._failures_in_a_row >= GIVE_UP_AFTER:
                self.shortfalls.append(f"{len(waiting)} parts of the search were not asked for. {NEXT_TIME}")
                return
            part = waiting.pop()
            can_cut = (part or whole).first < (part or whole).last
            reading = self._read_part(part, can_cut=can_cut)
            self._keep(reading)
            if can_cut and reading.total > self._reachable:
                waiting += reversed(self._cut(part or whole, reading))
            else:
                self.shortfalls += self._shortfalls_of(reading, part)

    def _cut(self, part: Slice, reading: _Reading) -> list[Slice]:
        created = (payload.created_at for payload in reading.found.values())
        parts = ceil(reading.total / (self._reachable * FULL_ENOUGH))
        return part.cut((time for time in created if time), parts)

    def _read_part(self, part: Slice | None, *, can_cut: bool) -> _Reading:
        """Read a part in one order after the other until nothing is missing. Only its size, where that is too much."""
        query = f"{self._query} {part.condition}" if part else self._query
        reading = _Reading()
        for sort, order in ORDERS:
            reading.begin_again()
            parameters = {"q": query, "sort": sort, "order": order, "per_page": str(PER_PAGE)}
            self._read_pages(parameters, reading, can_cut=can_cut)
            is_too_much = reading.total > self._reachable
            if is_too_much or reading.failure or not reading.missing(self._reachable):
                break
        return reading

    def _read_pages(self, parameters: dict[str, str], reading: _Reading, *, can_cut: bool) -> None:
        address: str | None = "/search/repositories"
        asked: set[str] = set()
        try:
            while address:
                if address in asked:
                    raise MisdirectedError("its link to the next page points back. Check github.api_url")
                asked.add(address)
                page, following = self._read_page(address, None if reading.pages else parameters)
                reading.add(page)
                address = None if can_cut and reading.total > self._reachable else following
        except HostError as error:
            reading.failure = f"page {reading.pages + 1} of the search failed: {error}"

    def _read_page(self, address: str, parameters: dict[str, str] | None) -> tuple[_Page, str | None]:
        """One page, asked for again while GitHub calls it incomplete."""
        for attempt in range(1, INCOMPLETE_ATTEMPTS):
            answer = self._client.get(address, parameters)
            page = _to_page(answer)
            if not page.incomplete_results:
                return page, answer.next_url
            self._client.back_off(attempt)
        answer = self._client.get(address, parameters)
        return _to_page(answer), answer.next_url

    def _keep(self, reading: _Reading) -> None:
        self.found |= reading.found
        self._failures_in_a_row = self._failures_in_a_row + 1 if reading.failure else 0

    def _shortfalls_of(self, reading: _Reading, part: Slice | None) -> Iterator[str]:
        yield from reading.unreadable
        if reading.failure:
            yield reading.failure
        if reading.is_incomplete:
            tried = f"GitHub called its search results incomplete {INCOMPLETE_ATTEMPTS} times"
            yield f"{tried}. The results that came were taken. {NEXT_TIME}"
        where = f" {part.condition}" if part else ""
        missing, beyond = reading.missing(self._reachable), reading.total - self._reachable
        if missing and not reading.failure:
            yield f"GitHub counts {missing} repositories{where} that it did not list in any order. {NEXT_TIME}"
        if beyond > 0:
            remedy = "Name the missing ones in `repositories` or search a narrower topic"
            yield f"{reading.total} repositories match{where}, {beyond} are out of reach of one search. {remedy}"


def _to_page(answer: Answer) -> _Page:
    try:
        return _Page.model_validate(answer.content)
    except ValidationError:
        raise UnavailableError("the answer is not a page of search results. Check github.api_url") from None
