"""The address of a repository's code on the web, for the pages of its partitions."""

from urllib.parse import urlsplit

from kubestats_pipeline.hosts.forges import tree_page
from kubestats_pipeline.lake.repositories import Repository


def code_url(repository: Repository, commit: str) -> str | None:
    """The page of the repository's files at a commit. None for one that is not fetched over HTTP."""
    address = urlsplit(repository.clone_url)
    if address.scheme not in ("https", "http") or not address.hostname:
        return None
    page = repository.clone_url.rstrip("/").removesuffix(".git")
    return tree_page(page, repository.repository_id, commit)
