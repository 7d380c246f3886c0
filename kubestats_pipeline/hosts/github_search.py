"""Finds repositories by GitHub topic: pages, incomplete answers and the end of what a search can reach.

The client (`github.py`) does the calls and their retries; `sources.py` wraps this as a source. A failure in the midst
of the pages keeps what the earlier ones gave. Forks are left out, which is GitHub's default.
"""

from pydantic import BaseModel, Field, ValidationError

from kubestats_pipeline.discover.records import Found, FoundRepository, SourceFailure
from kubestats_pipeline.hosts.errors import GitHubError, MisdirectedError, UnavailableError
from kubestats_pipeline.hosts.github import Answer, GitHubClient
from kubestats_pipeline.hosts.github_payload import PayloadError, read_payload, to_record

REACHABLE = 1000
"""Results that one search can give, whatever its total (GitHub REST documentation, "search")."""

PER_PAGE = 100
INCOMPLETE_ATTEMPTS = 3
"""Times that a page marked `incomplete_results` is asked for."""


class _Page(BaseModel):
    total_count: int
    incomplete_results: bool = False
    items: list[object] = Field(default_factory=list)


def search_topic(client: GitHubClient, topic: str, *, git_url: str) -> Found:
    """All public repositories with a topic that one search can reach.

    What is missing stands in the failures: pages that could not be read, results past the 1,000th, incomplete answers.
    """
    source = f"topic:{topic}"
    pages, reasons = _read_pages(client, topic)
    found: list[FoundRepository] = []
    for item in (item for page in pages for item in page.items):
        try:
            payload = read_payload(item)
        except PayloadError as error:
            reasons.append(f"one search result is {error}; it was left out")
            continue
        if not payload.private:  # a token may see its owner's private repositories, which are nobody's example
            found.append(to_record(payload, git_url=git_url, tag=topic))
    reasons += _shortfall(pages)
    if not found and not reasons:
        reasons.append("GitHub knows no public repository with this topic; correct github.topics")
    return Found(tuple(found), tuple(SourceFailure(source, reason) for reason in dict.fromkeys(reasons)))


def _read_pages(client: GitHubClient, topic: str) -> tuple[list[_Page], list[str]]:
    """The pages that could be read, in order, and why there are no more of them."""
    pages: list[_Page] = []
    # stars change least from one page to the next; by update time, results would slip between pages
    parameters = {"q": f"topic:{topic}", "sort": "stars", "order": "desc", "per_page": str(PER_PAGE)}
    address: str | None = "/search/repositories"
    asked: set[str] = set()
    try:
        while address and len(pages) < REACHABLE:
            if address in asked:
                raise MisdirectedError("its link to the next page points back; check github.api_url")
            asked.add(address)
            page, address = _read_page(client, address, None if pages else parameters)
            pages.append(page)
    except GitHubError as error:
        return pages, [f"page {len(pages) + 1} of the search failed: {error}"]
    return pages, []


def _read_page(client: GitHubClient, address: str, parameters: dict[str, str] | None) -> tuple[_Page, str | None]:
    """One page, asked for again while GitHub calls it incomplete."""
    for attempt in range(1, INCOMPLETE_ATTEMPTS):
        answer = client.get(address, parameters)
        page = _to_page(answer)
        if not page.incomplete_results:
            return page, answer.next_url
        client.back_off(attempt)
    answer = client.get(address, parameters)
    return _to_page(answer), answer.next_url


def _to_page(answer: Answer) -> _Page:
    try:
        return _Page.model_validate(answer.content)
    except ValidationError:
        raise UnavailableError("the answer is no page of search results; check github.api_url") from None


def _shortfall(pages: list[_Page]) -> list[str]:
    reasons = []
    if any(page.incomplete_results for page in pages):
        tried = f"GitHub called its search results incomplete {INCOMPLETE_ATTEMPTS} times"
        reasons.append(f"{tried}; what came was taken, the next discovery asks again")
    total = max((page.total_count for page in pages), default=0)
    if total > REACHABLE:
        remedy = "name the missing ones in `repositories` or search a narrower topic"
        reasons.append(f"{total} repositories match, {total - REACHABLE} are out of reach of one search; {remedy}")
    return reasons
