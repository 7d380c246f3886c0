"""`${name}` and its bash forms, as Flux replaces them after a build."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubestats_pipeline.scan.substitute import MAX_TEXT, substitute

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


def test_a_text_that_would_explode_stays() -> None:
    text = "${a//x/" + "y" * 100 + "}"
    assert substitute(text, {"a": "x" * 1000}) == text
    assert len(substitute("${a}" * 100, {"a": "x" * 1000})) <= MAX_TEXT


@given(st.text("${}:=-/#%^,\\abv01*[", max_size=40))
def test_any_text_comes_to_an_end(text: str) -> None:
    assert isinstance(substitute(text, {"a": "b/a", "b": "", "v": "v1"}), str)
