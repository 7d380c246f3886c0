"""A repository's code on the web, as each forge addresses it."""

import pytest

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.orchestration.base.code_urls import code_url

COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def repository(clone_url: str, identity: str = "git:0123456789abcdef") -> Repository:
    return Repository(identity, "owner/name", "host", "owner", "name", clone_url)


@pytest.mark.parametrize(
    ("clone_url", "page"),
    [
        ("https://github.com/ann/cluster.git", f"https://github.com/ann/cluster/tree/{COMMIT}"),
        ("https://gitlab.com/ann/sub/cluster.git", f"https://gitlab.com/ann/sub/cluster/-/tree/{COMMIT}"),
        ("https://gitlab.example.org/ann/cluster", f"https://gitlab.example.org/ann/cluster/-/tree/{COMMIT}"),
        ("https://codeberg.org/ann/cluster.git", f"https://codeberg.org/ann/cluster/src/commit/{COMMIT}"),
        ("https://gitea.example.org/ann/cluster", f"https://gitea.example.org/ann/cluster/src/commit/{COMMIT}"),
        ("https://bitbucket.org/ann/cluster.git", f"https://bitbucket.org/ann/cluster/src/{COMMIT}"),
        ("https://git.example.org/ann/cluster.git", "https://git.example.org/ann/cluster"),
    ],
)
def test_each_forge_has_its_own_address_of_a_tree_and_an_unknown_one_the_repositorys_page(clone_url, page):
    assert code_url(repository(clone_url), COMMIT) == page


def test_an_enterprise_server_is_known_by_the_identity_that_it_gave():
    found = code_url(repository("https://code.example.org/ann/cluster.git", "github:42"), COMMIT)
    assert found == f"https://code.example.org/ann/cluster/tree/{COMMIT}"


@pytest.mark.parametrize("clone_url", ["/srv/git/cluster.git", "file:///srv/git/cluster.git", "git@host.org:ann/x.git"])
def test_what_is_not_fetched_over_http_has_no_page(clone_url):
    assert code_url(repository(clone_url), COMMIT) is None
