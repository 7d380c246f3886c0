"""The pages of the project, as readers see them on the web: the README, the pages beside it, and those in folders."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in ("", "docs", "data", "deploy", "deploy/kubernetes", "findings")
    for path in sorted((ROOT / folder).glob("*.md"))
}
"""Text of each page by its path from the root of the repository."""

_CODE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")


def links_of(page: str) -> list[str]:
    """Targets of the links of a page that stay inside the project, anchors included."""
    return _LINK.findall(_CODE.sub("", PAGES[page]))


def anchors_of(page: str) -> set[str]:
    """Anchors of a page's headings, by the rule of GitHub: lower case, blanks to hyphens, other signs left out."""
    headings = _HEADING.findall(_CODE.sub("", PAGES[page]))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
