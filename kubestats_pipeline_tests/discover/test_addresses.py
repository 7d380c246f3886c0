"""One repository has one identity, however its URL is spelt, and no credential gets past the parser."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubestats_pipeline.discover.addresses import AddressError, is_scp_like, parse_address, url_identity
from kubestats_pipeline.discover.local import from_file_url, to_file_url

LABEL = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
HOST = st.builds(lambda parts: ".".join(parts), st.lists(LABEL, min_size=2, max_size=4))
PART = st.from_regex(r"[A-Za-z0-9_~][A-Za-z0-9_.~-]{0,9}", fullmatch=True)
PATH = st.builds(lambda parts: "/".join(parts), st.lists(PART, min_size=1, max_size=5))
PORT = st.one_of(st.none(), st.sampled_from([22, 80, 443, 3000, 9418]))
SCHEME = st.sampled_from(["http", "https", "ssh", "git"])
USER = st.one_of(st.none(), st.sampled_from(["git", "alice"]))


def is_repository_path(path: str) -> bool:
    return any(part.replace(".git", "") for part in path.split("/"))


def spell(scheme: str, user: str | None, host: str, port: int | None, path: str) -> str:
    return f"{scheme}://{f'{user}@' if user else ''}{host}{f':{port}' if port else ''}/{path}"


@settings(deadline=None)
@given(SCHEME, USER, HOST, PORT, PATH.filter(is_repository_path))
def test_normalising_twice_is_normalising_once(scheme, user, host, port, path):
    once = parse_address(spell(scheme, user, host, port, path)).normalised
    assert parse_address(once).normalised == once


@settings(deadline=None)
@given(SCHEME, USER, HOST, PORT, PATH.filter(is_repository_path))
def test_the_clone_url_leads_to_the_same_identity(scheme, user, host, port, path):
    address = parse_address(spell(scheme, user, host, port, path))
    assert parse_address(address.clone_url).normalised == address.normalised


@settings(deadline=None)
@given(
    HOST,
    PATH.filter(lambda path: is_repository_path(path) and not path.endswith(".git")),
    st.sampled_from(["http://", "https://", "HTTPS://", "https://me:s3cret@", "ssh://git@", "git://"]),
    st.sampled_from(["", ".git", "/", ".git/", "//"]),
    st.booleans(),
)
def test_spellings_of_one_url_have_one_identity(host, path, scheme, ending, shouted):
    spelt = f"{scheme}{host.upper() if shouted else host}/{path}{ending}"
    plain = f"https://{host}/{path}"
    assert url_identity(parse_address(spelt).normalised) == url_identity(parse_address(plain).normalised)


@settings(deadline=None)
@given(HOST, PATH.filter(is_repository_path), PATH.filter(is_repository_path))
def test_different_paths_have_different_identities(host, one, other):
    first, second = (parse_address(f"https://{host}/{path}") for path in (one, other))
    assert (first.normalised == second.normalised) == (first.path == second.path)


@pytest.mark.parametrize(
    ("text", "clone_url", "owner", "name"),
    [
        ("https://gitlab.com/group/sub/ops.git", "https://gitlab.com/group/sub/ops.git", "group/sub", "ops"),
        ("https://me:s3cret@codeberg.org/ada/ops", "https://codeberg.org/ada/ops", "ada", "ops"),
        ("https://s3cret@codeberg.org/ada/ops", "https://codeberg.org/ada/ops", "ada", "ops"),
        ("https://codeberg.org/ada/ops?private_token=s3cret#s3cret", "https://codeberg.org/ada/ops", "ada", "ops"),
        ("http://Git.Example.org:3000/ada/ops/", "http://git.example.org:3000/ada/ops", "ada", "ops"),
        ("ssh://git:s3cret@git.example.org:2222/ada/ops", "ssh://git@git.example.org:2222/ada/ops", "ada", "ops"),
        ("git@codeberg.org:ada/ops.git", "git@codeberg.org:ada/ops.git", "ada", "ops"),
        ("codeberg.org:ada/ops.git", "codeberg.org:ada/ops.git", "ada", "ops"),
        ("alice@nas:/srv/git/ops.git", "alice@nas:/srv/git/ops.git", "srv/git", "ops"),
        ("git://git.example.org/ops.git", "git://git.example.org/ops.git", "-", "ops"),
        ("http://[::1]:3000/ada/ops", "http://[::1]:3000/ada/ops", "ada", "ops"),
        ("git@[::1]:ada/ops", "git@[::1]:ada/ops", "ada", "ops"),
    ],
)
def test_an_address_is_freed_of_credentials_and_named(text, clone_url, owner, name):
    address = parse_address(text)
    assert (address.clone_url, address.owner, address.name) == (clone_url, owner, name)
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("https://me:s3cret@codeberg.org/ada/ops.git", "https://codeberg.org/ada/ops"),
        ("http://git.example.org:3000/ada/ops/", "http://git.example.org:3000/ada/ops"),
        ("https://[::1]/ada/ops", "https://[::1]/ada/ops"),
        ("git@codeberg.org:ada/ops.git", "https://codeberg.org/ada/ops"),
        ("ssh://git@gitlab.com/group/sub/ops.git", "https://gitlab.com/group/sub/ops"),
        ("ssh://git@git.example.org:2222/ada/ops", None),
        ("alice@nas:/srv/git/ops.git", None),
        ("git://git.example.org/ops.git", None),
    ],
)
def test_an_address_of_the_web_or_of_a_forge_has_a_page(text, page):
    assert parse_address(text).page == page


@pytest.mark.parametrize(
    "text",
    [
        "https://me:s3/cret@example.org/ada/ops",
        "https://me:12/s3cret@example.org/ada/ops",
        "https://me:s3 cret@example.org/ada/ops",
        "https://example.org",
        "https://example.org/.git",
        "https://example.org/../s3cret",
        "https:///s3cret/ops",
        "ftp://example.org/s3cret/ops",
        "ext::sh -c s3cret",
        "ssh://-oProxyCommand=s3cret/ops",
        "ssh://-s3cret@example.org/ada/ops",
        "-s3cret@example.org:ada/ops",
        "https://[s3cret/ada/ops",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_quoting_it(text):
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("text", ["owner/name", "ada/ops:main", "ops", "nas:ops", "ext::sh", "helper.x::y"])
def test_other_texts_are_not_taken_for_ssh_addresses(text):
    assert not is_scp_like(text)


def test_people_on_one_host_have_their_own_repositories():
    alice, bob = (parse_address(f"{user}@nas:ops.git").normalised for user in ("alice", "bob"))
    assert alice != bob


@pytest.mark.parametrize("folder", ["plain", "with space", "per%20cent", "hash#mark?", "Füße+@~", "comma,semi;"])
def test_git_itself_understands_the_file_url_of_any_folder(tmp_path, folder):
    repository = tmp_path / folder
    subprocess.run(["git", "init", "-q", str(repository)], check=True, timeout=20)
    url = to_file_url(repository)
    subprocess.run(["git", "ls-remote", url], check=True, timeout=20, capture_output=True)
    assert from_file_url(url) == repository
