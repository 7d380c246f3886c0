"""The functions of the warehouse: what is a version, which of two is newer, and by how much."""

import json
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.orchestration.base.code_urls import code_url
from kubestats_pipeline.warehouse.marts import FUNCTIONS, Mart

DIGEST = "sha256:" + "0f" * 32


@pytest.fixture(scope="module")
def functions() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for function in FUNCTIONS:
            connection.execute(f"CREATE MACRO {function.signature} AS {function.sql}")
        yield connection


def call(connection: duckdb.DuckDBPyConnection, expression: str, *arguments: str | None):
    (value,) = connection.execute(f"SELECT {expression}", list(arguments)).fetchone()
    return value


CLASSES = {
    "1.2.3": "exact",
    "v1.2.3": "exact",
    "=1.2.3": "exact",
    " 1.2.3 ": "exact",
    "1.2.3-rc.1": "exact",
    "1.2.3-alpine": "exact",
    "1.2.3+build.5": "exact",
    "2024.6.1": "exact",
    "4.0.9.2244": "exact",
    "0.0.0": "exact",
    "10.0": "partial",
    "v2": "partial",
    "41": "partial",
    "18.6-bookworm": "partial",
    ">=1.0 <2": "range",
    ">= 1.0.0": "range",
    "^1.2.3": "range",
    "~1.2": "range",
    "1.x": "range",
    "1.2.x": "range",
    "v1.X": "range",
    "x": "range",
    "*": "range",
    "1.2.*": "range",
    "1.0.0 - 2.0.0": "range",
    "1.0 || 2.0": "range",
    "1.0, 2.0": "range",
    "1.0 2.0": "range",
    "1-x": "range",
    "latest": "name",
    "main": "name",
    "HEAD": "name",
    "": "name",
    "1.2.3.4.5": "exact",
    "kube-prometheus-stack-39.8.0": "exact",
    "RELEASE.2024-06-01T10-20-30Z": "exact",
    "2024-06-01": "exact",
    "2.0.0b147": "exact",
    "v1.28.3+k3s1": "exact",
    "release-1.2": "partial",
    "b4567": "partial",
    "xenial": "name",
    "5f3a2c1": "name",
    "f5a3245": "name",
    "sha-1234567": "name",
    "main-5f3a2c1": "name",
    "test2": "partial",
    "1..2": "name",
    "９.1.0": "name",
    DIGEST: "digest",
    f"1.2.3@{DIGEST}": "exact",
    f"latest@{DIGEST}": "digest",
    "${VAR}": "placeholder",
    "v${VERSION:=1.2.3}": "placeholder",
    "{{ .version }}": "placeholder",
    "ENC[AES256_GCM,data:x]": "placeholder",
    None: None,
}


@pytest.mark.parametrize(("text", "expected"), CLASSES.items())
def test_what_stands_where_a_version_is_expected_is_called_by_its_name(functions, text, expected):
    assert call(functions, "version_class(?)", text) == expected


@pytest.mark.parametrize("text", [text for text, kind in CLASSES.items() if kind not in ("exact", "partial")])
def test_what_is_no_version_has_no_order(functions, text):
    assert call(functions, "version_key(?)", text) is None
    assert call(functions, "version_order(?)", text) is None
    assert call(functions, "version_scheme(?)", text) is None
    assert call(functions, "version_direction(?, '1.0.0')", text) == "unknown"
    assert call(functions, "version_direction('1.0.0', ?)", text) == "unknown"
    assert call(functions, "version_level('1.0.0', ?)", text) is None


ASCENDING = [
    "0.0.1",
    "0.9",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.2.3-rc.1",
    "v1.2.3",
    "1.2.3.1",
    "1.9",
    "1.10",
    "v1.10.1",
    "10.0",
    "10.0.1",
    "2024.6.1",
    "2024.10.0",
    "999999999999999.0.0",
]
"""The order of semantic versioning 2.0.0, section 11, and numbers that are no text."""


@pytest.mark.parametrize(("lower", "higher"), [(a, b) for i, a in enumerate(ASCENDING) for b in ASCENDING[i + 1 :]])
def test_numbers_count_as_numbers_and_a_release_is_above_its_candidates(functions, lower, higher):
    assert call(functions, "version_key(?) < version_key(?)", lower, higher) is True
    assert call(functions, "version_order(?) < version_order(?)", lower, higher) is True


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.2.3", "v1.2.3"), ("10.0", "10.0.0"), ("1.2.3", "=1.2.3"), ("1.2.3+a", "1.2.3+b"), ("2", "2.0")],
)
def test_what_differs_in_writing_alone_is_the_same_version(functions, one, other):
    assert call(functions, "version_key(?) = version_key(?)", one, other) is True
    assert call(functions, "version_direction(?, ?)", one, other) == "same"
    assert call(functions, "version_level(?, ?)", one, other) is None


STEPS = [
    ("1.9.0", "1.10.0", "upgrade", "minor"),
    ("1.10", "1.9", "downgrade", "minor"),
    ("v1.2.3", "2.0.0", "upgrade", "major"),
    ("1.2.3", "1.2.4", "upgrade", "patch"),
    ("4.0.9.1", "4.0.9.2", "upgrade", "patch"),
    ("1.2.3-rc.1", "1.2.3", "upgrade", "prerelease"),
    ("2024.6.1", "2024.12.0", "upgrade", "minor"),
    ("2024.12.3", "2025.1.0", "upgrade", "major"),
    ("kube-prometheus-stack-39.8.0", "kube-prometheus-stack-39.10.0", "upgrade", "minor"),
    ("kube-prometheus-stack-39.8.0", "grafana-39.9.0", "unknown", None),
    ("RELEASE.2023-12-31T23-59-59Z", "RELEASE.2024-01-01T00-00-00Z", "upgrade", "major"),
    ("RELEASE.2024-01-01T00-00-00Z", "RELEASE.2024-01-01T00-00-01Z", "upgrade", "patch"),
    ("2024-12-24-debian-rootless", "2025-07-10-alpine-rootless", "upgrade", "major"),
    ("1.2.3.4.5", "1.2.3.4.10", "upgrade", "patch"),
    ("2.0.0b147", "2.0.0b1000", "upgrade", "prerelease"),
    ("2.0.0b147", "2.0.0", "upgrade", "prerelease"),
    ("1.0.0-rc9", "1.0.0-rc10", "upgrade", "prerelease"),
    ("1.0.0-rc10-alpine", "1.0.0-alpine", "upgrade", "prerelease"),
    ("v1.28.3+k3s1", "v1.28.3+k3s2", "upgrade", "revision"),
    ("v1.28.3+k3s2", "v1.28.4+k3s1", "upgrade", "patch"),
    ("1.24.0", "1.24.0-alpine", "same", None),
    ("1.24.0-alpine", "1.24.0", "same", None),
    ("1.24.0-alpine", "1.24.1", "upgrade", "patch"),
    ("1.24.0-alpine3.18", "1.24.0-alpine3.19", "upgrade", "revision"),
    ("10.9.8-ls12", "10.9.8-ls9", "downgrade", "revision"),
    ("b4567", "b4600", "upgrade", "major"),
    (f"1.2.3@{DIGEST}", "1.2.4", "upgrade", "patch"),
    ("20240601", "20240715", "upgrade", "major"),
    ("20240601", "1.0.0", "unknown", None),
    ("main-5f3a2c1", "main-6f3a2c1", "unknown", None),
    ("2024.6.1", "1.0.0", "unknown", None),
    ("1.0.0", "2024.6.1", "unknown", None),
    ("1.0.0", None, "unknown", None),
]


@pytest.mark.parametrize(("before", "after", "direction", "level"), STEPS)
def test_a_step_has_a_direction_and_a_level(functions, before, after, direction, level):
    assert call(functions, "version_direction(?, ?)", before, after) == direction
    assert call(functions, "version_level(?, ?)", before, after) == level


@pytest.mark.parametrize(
    ("version", "scheme"),
    [
        ("2024.6.1", "calver"),
        ("v1990.1.1", "calver"),
        ("1.2024.0", "semver"),
        ("24.6.1", "semver"),
        ("20240601", "serial"),
        ("kube-prometheus-stack-39.8.0", "kube-prometheus-stack- semver"),
        ("RELEASE.2024-06-01T10-20-30Z", "release. calver"),
    ],
)
def test_a_year_makes_a_calendar_version(functions, version, scheme):
    assert call(functions, "version_scheme(?)", version) == scheme


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("v1.2.3", "1.2.3"),
        ("= v1.2", "1.2"),
        (" 1.0 ", "1.0"),
        (f"v1.2.3@{DIGEST}", "1.2.3"),
        (DIGEST, DIGEST),
        ("latest", "latest"),
        ("vault-1", "vault-1"),
        (None, None),
    ],
)
def test_a_plain_version_lacks_only_what_makes_no_difference(functions, written, plain):
    assert call(functions, "plain_version(?)", written) == plain


NUMBERS = st.lists(st.integers(0, 10**14), min_size=1, max_size=4)
WORDS = st.lists(st.from_regex(r"[0-9A-Za-z-]{1,6}", fullmatch=True), max_size=3)


@settings(deadline=None)  # one core may be busy with something else
@given(first=st.tuples(NUMBERS, st.integers(0, 10**6)), second=st.tuples(NUMBERS, st.integers(0, 10**6)))
def test_any_two_candidates_have_the_order_of_their_numbers(functions, first, second):
    one, other = (".".join(map(str, numbers)) + f".0-rc{number}" for numbers, number in (first, second))
    expected = semantic_order(first[0], [str(first[1])]) < semantic_order(second[0], [str(second[1])])
    assert call(functions, "version_order(?) < version_order(?)", one, other) == expected


def semantic_order(numbers: list[int], words: list[str]) -> tuple[object, ...]:
    """The order of semantic versioning in other words than the function's."""
    padded = numbers + [0] * (4 - len(numbers))
    return (*padded, not words, [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in words])


@settings(deadline=None)  # one core may be busy with something else
@given(first=st.tuples(NUMBERS, WORDS), second=st.tuples(NUMBERS, WORDS))
def test_any_two_versions_have_the_order_of_semantic_versioning(functions, first, second):
    one, other = (
        ".".join(map(str, numbers)) + ("-" + ".".join(words) if words else "") for numbers, words in (first, second)
    )
    classes = {call(functions, "version_class(?)", text) for text in (one, other)}
    if classes <= {"exact", "partial"}:
        found = call(functions, "version_key(?) < version_key(?)", one, other)
        assert found == (semantic_order(*first) < semantic_order(*second))


@settings(deadline=None)  # one core may be busy with something else
@given(st.text())
def test_no_text_makes_a_function_fail(functions, text):
    kind = call(functions, "version_class(?)", text)
    assert (call(functions, "version_order(?)", text) is not None) == (kind in ("exact", "partial"))
    call(functions, "plain_version(?)", text)
    call(functions, "version_level(?, '1.0.0')", text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("replicas: 3", "replicas"),
        ('image: "Ghcr.io/Org/web"', "ghcr.io/org/web"),
        (r"C:\\data", "data"),
        ("", ""),
        (": ,", ""),
    ],
)
def test_the_longest_word_of_a_text_is_in_a_document_that_has_the_text(functions, text, word):
    (found,) = functions.execute("SELECT longest_word(?)", [text]).fetchone()
    assert found == word
    assert found in json.dumps({"text": text}).lower()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_each_function_says_what_it_gives_and_what_it_takes(function: Mart):
    assert function.description
    assert all(parameter.meaning for parameter in function.parameters)
    assert function.columns == ()


LINKS = {
    ("https://github.com/ann/ops", "github:1"): "https://github.com/ann/ops/blob/c0/{path}#L{line}",
    ("https://code.example.org/ann/ops", "github:1"): "https://code.example.org/ann/ops/blob/c0/{path}#L{line}",
    ("https://github.example.org/ann/ops", "git:0f"): "https://github.example.org/ann/ops/blob/c0/{path}#L{line}",
    ("https://gitlab.com/ann/sub/ops", "gitlab:1"): "https://gitlab.com/ann/sub/ops/-/blob/c0/{path}#L{line}",
    (
        "https://code.example.org/ann/ops",
        "gitlab:1@code.example.org",
    ): "https://code.example.org/ann/ops/-/blob/c0/{path}#L{line}",
    ("https://codeberg.org/ann/ops", "git:0f"): "https://codeberg.org/ann/ops/src/commit/c0/{path}#L{line}",
    ("https://gitea.example.org/ann/ops", "git:0f"): "https://gitea.example.org/ann/ops/src/commit/c0/{path}#L{line}",
    ("https://bitbucket.org/ann/ops", "git:0f"): "https://bitbucket.org/ann/ops/src/c0/{path}#lines-{line}",
    ("https://bitbucket.example.org/scm/key/ops", "git:0f"): (
        "https://bitbucket.example.org/projects/key/repos/ops/browse/{path}?at=c0#{line}"
    ),
    ("https://git.sr.ht/~ann/ops", "git:0f"): "https://git.sr.ht/~ann/ops/tree/c0/item/{path}#L{line}",
    ("https://git.example.org/github/ops", "git:0f"): None,
    (None, "git:0f"): None,
}


@pytest.mark.parametrize(("place", "link"), LINKS.items())
def test_each_forge_has_its_own_address_of_a_line(functions: duckdb.DuckDBPyConnection, place, link):
    assert call(functions, "file_link(?, ?, 'c0')", *place) == link


@pytest.mark.parametrize(("page", "identity"), [place for place in LINKS if place[0]])
def test_a_forge_is_known_by_the_rules_by_which_its_folders_are_addressed(
    functions: duckdb.DuckDBPyConnection, page: str, identity: str
):
    tree = code_url(Repository(identity, "ann/ops", "host", "ann", "ops", f"{page}.git"), "c0")
    assert (call(functions, "file_link(?, ?, 'c0')", page, identity) is None) == (tree == page)
