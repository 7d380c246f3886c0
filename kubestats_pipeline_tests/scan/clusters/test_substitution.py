"""`${name}` and its bash forms, as Flux replaces them after a build."""

import fnmatch
import re
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.scan.clusters.appliers import glob, substitution
from kubestats_pipeline.scan.documents.budget import MAX_LONG_TEXT, MAX_TEXT, Budget


def substitute(text: str, variables: substitution.VariableValues, budget: Budget | None = None) -> str:
    """The text with a budget of its own."""
    return substitution.substitute(text, variables, budget or Budget())


VARIABLES = {
    "v": "v1.2.3",
    "empty": "",
    "path": "apps/web/app.yaml",
    "name": "Web",
    "other": "x",
    "n": "2",
    "secret": None,
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${v}", "v1.2.3"),
        ("a-${other}-${name}-b", "a-x-Web-b"),
        ("$v and $ stay", "$v and $ stay"),
        ("${#v}", "6"),
        ("${v:=d}", "v1.2.3"),
        ("${gone:=d}", "d"),
        ("${gone:-d}", "d"),
        ("${gone=d}", "d"),
        ("${gone:?d}", "d"),
        ("${empty:=d}", "d"),
        ("${empty:=}", ""),
        ("${gone:=}", ""),
        ("${empty}", ""),
        ("${gone:=${v}}", "v1.2.3"),
        ("${gone:=a-${gone:-${other}}-b}", "a-x-b"),
        ("${v:1}", "1.2.3"),
        ("${v:1:3}", "1.2"),
        ("${v:0:99}", "v1.2.3"),
        ("${v:9}", ""),
        ("${v:-3}", "v1.2.3"),
        ("${v:1:-2}", "1.2"),
        ("${v:${n}}", ".2.3"),
        ("${v:x}", "v1.2.3"),
        ("${name^^}", "WEB"),
        ("${name,,}", "web"),
        ("${name,}", "web"),
        ("${other^}", "X"),
        ("${v/./-}", "v1-2.3"),
        ("${v//./-}", "v1-2-3"),
        ("${v//./}", "v123"),
        ("${v/#v/}", "v1.2.3"),
        ("${v/#v/r}", "r1.2.3"),
        ("${v/%3/4}", "v1.2.4"),
        ("${v/#/pre-}", "pre-v1.2.3"),
        (r"${path//\//-}", "apps-web-app.yaml"),
        ("${path#*/}", "web/app.yaml"),
        ("${path##*/}", "app.yaml"),
        ("${path%/*}", "apps/web"),
        ("${path%%/*}", "apps"),
        ("$${v}", "${v}"),
        ("$${v}${other}", "${v}x"),
        ("a $${b=${other}}", "a ${b=x}"),
    ],
)
def test_a_form_means_what_it_means_to_flux(text: str, result: str) -> None:
    assert substitute(text, VARIABLES) == result


@pytest.mark.parametrize(
    "text", ["${gone}", "${gone^^}", "${#gone}", "${gone/a/b}", "${gone:1}", "${gone:=${gone}}", "${secret}"]
)
def test_a_variable_without_a_value_stays_as_written(text: str) -> None:
    assert substitute(text, VARIABLES) == text


def test_a_default_does_not_stand_in_for_a_value_that_is_set_but_not_told() -> None:
    assert substitute("${secret:=d}", VARIABLES) == "${secret:=d}"


@pytest.mark.parametrize("text", ["${v", "${}", "${v-d}", "${v+d}", "${v/a}", "${ v }", "${v|lower}", "${v:=a", "${"])
def test_what_flux_rejects_stays_as_written(text: str) -> None:
    assert substitute(text, VARIABLES) == text


def test_a_value_is_no_expression_itself() -> None:
    assert substitute("${a}", {"a": "${a}${b}", "b": "x"}) == "${a}${b}"


LONG = {"a": "x" * 4000, "b": "x" * MAX_TEXT, "c": "x" * (MAX_TEXT + 1), "one": "x"}

GROWING = [
    "${a//x/${a}}",
    "${a//x/" + "y" * 100 + "}",
    "${a}${a}",
    "${one}" * 5 + "${a}" * 3,
    "${gone:=${a}${a}}",
    "${gone:=${other:=${a}${a}}}",
    "${a/x/${b}}",
    "${a/#x/${b}}",
    "${a/%x/${b}}",
    "${c}",
    "${c:0:1}",
    "${c#x}",
    "${#c}",
]


@pytest.mark.parametrize("text", GROWING, ids=[each[:30] for each in GROWING])
def test_a_text_that_is_or_would_become_too_long_stays_and_is_noted(text: str) -> None:
    budget = Budget()
    tracemalloc.start()
    assert substitute(text, LONG, budget) == text
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(budget.notes) == [substitution.TOO_LONG]
    assert peak < 100 * MAX_TEXT
    assert budget.spent < 10 * MAX_TEXT


def test_a_text_may_be_long_but_not_longer_than_any_file() -> None:
    budget = Budget()
    dashboard = "y" * 300_000 + "${one}"
    assert substitute(dashboard, LONG, budget) == "y" * 300_000 + "x"
    assert substitute("y" * MAX_LONG_TEXT + "${one}", LONG, budget).endswith("${one}")
    assert list(budget.notes) == [substitution.TOO_LONG]


@pytest.mark.parametrize(
    "text", ["${b}", "${a}${a:0:96}", "${b//x/y}", "${b/x/}", "${b,,}", "y" * (MAX_TEXT - 6) + "${one}"]
)
def test_a_text_of_the_longest_length_is_made(text: str) -> None:
    budget = Budget()
    assert "$" not in substitute(text, LONG, budget)
    assert not budget.notes


@pytest.mark.parametrize("text", ["${a##*y}", "${a%%y*x*y}", "${a#x*x*x*y}", "${a%[!x]}", "${a#" + "*x" * 1000 + "y}"])
def test_a_pattern_that_fits_nothing_is_compared_once_with_each_character(text: str) -> None:
    budget = Budget()
    assert substitute(text, LONG, budget) == LONG["a"]
    assert budget.spent < 40 * MAX_TEXT


@settings(max_examples=300, derandomize=True)
@given(st.text("ab*?[]!-c", max_size=8), st.text("abc]", max_size=8))
@example("[]", "[]")
@example("[[]a", "[a")
@example("[!]]*", "ab")
@example("*a*", "bab")
def test_a_pattern_fits_what_it_fits_in_a_shell(pattern: str, text: str) -> None:
    matches = re.compile(fnmatch.translate(pattern)).match
    lengths = range(1, len(text) + 1)
    assert [*glob.beginnings(pattern, text)] == [each for each in lengths if matches(text[:each])]
    assert [*glob.ends(pattern, text)] == [each for each in lengths if matches(text[len(text) - each :])]


@given(st.text("${}:=-/#%^,\\abv01*[", max_size=40))
def test_any_text_comes_to_an_end(text: str) -> None:
    assert isinstance(substitute(text, {"a": "b/a", "b": "", "v": "v1"}), str)
