"""Addresses of what a message tells: the commit as its host shows it, and the page of what has changed.

No host is asked. Where the form of a host's addresses is not known, or a page does not exist, the link is left out.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from kubestats_pipeline.hosts.forges import commit_page
from kubestats_pipeline.report.parts import addresses
from kubestats_pipeline.watch.changes import WatchedChange

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class ReportSite:
    """The published pages.

    Attributes:
        folder: where they lie on this machine.
        url: where they are reached, or None.
    """

    folder: Path
    url: str | None

    def link(self, change: WatchedChange) -> str | None:
        """The page of what changed, where there is one that others reach."""
        page = _page_of(change)
        if self.url is None or page is None or not (self.folder / page).is_file():
            return None
        return f"{self.url.rstrip('/')}/{page.removesuffix('index.html')}"


def commit_link(change: WatchedChange) -> str | None:
    """The commit on its host's pages."""
    if not change.html_url or any(map(str.isspace, change.html_url)) or not _COMMIT.fullmatch(change.commit_sha):
        return None
    return commit_page(change.html_url.rstrip("/"), change.repository_id, change.commit_sha)


def _page_of(change: WatchedChange) -> str | None:
    if change.kind == "chart":
        return addresses.chart_page(change.subject, change.address) if change.address else None
    if change.kind == "repository":
        return addresses.repository_page(change.full_name)
    return {"app": addresses.app_page, "image": addresses.image_page}[change.kind](change.subject)
