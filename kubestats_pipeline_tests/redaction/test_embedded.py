"""YAML and JSON inside texts: only the secrets change, whatever the style."""

import random

import pytest
import yaml

from kubestats_pipeline.redaction.embedded import DEEPEST, MOST_NODES, read_embedded
from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.redaction.texts import redact_text

STYLES = {
    "plain": ("password: hunter2", "password: <redacted>"),
    "double quotes": ('password: "hunter2"', 'password: "<redacted>"'),
    "single quotes": ("password: 'hunter2'", "password: '<redacted>'"),
    "a literal": ("password: |-\n  hunter2\n  more\nb: 1", "password: |-\n  <redacted>\nb: 1"),
    "a folded text": ("password: >-\n  hunter2\n  more\nb: 1", 'password: "<redacted>"\nb: 1'),
    "an anchor": ("password: &a hunter2\nb: *a", "password: &a <redacted>\nb: *a"),
    "a tag": ("password: !!str hunter2", "password: !!str <redacted>"),
    "a reference in a tag": ("password: !secret hunter2", "password: !secret hunter2"),
    "JSON": ('{"password": "hunter2", "n": 1}', '{"password": "<redacted>", "n": 1}'),
    "a number in JSON": ('{"pin": 1234}', '{"pin": "<redacted>"}'),
    "a key with a question mark": ("? password\n: hunter2", "? password\n: <redacted>"),
    "several documents": ("a: 1\n---\npassword: hunter2\n", "a: 1\n---\npassword: <redacted>\n"),
    "no ASCII": ("ä: ö€😀\npassword: hunter2\nß: ü", "ä: ö€😀\npassword: <redacted>\nß: ü"),
    "tabs and blanks": ("password:   hunter2   # x\n\n\nb:  1", "password:   <redacted>   # x\n\n\nb:  1"),
    "a part of a literal": ("x: |\n  [db]\n  token = hunter2\n", "x: |\n  [db]\n  token = <redacted>\n"),
}


@pytest.mark.parametrize(("text", "expected"), STYLES.values(), ids=STYLES)
def test_only_the_secret_changes(text: str, expected: str) -> None:
    text, expected = (each if each.startswith("{") else f"first: 1\n{each}" for each in (text, expected))
    assert redact_text(text) == expected


def random_value(source: random.Random, depth: int) -> object:
    if depth and source.random() < 0.6:
        keys = source.sample(["a", "b", "password", "c d", "token", "é"], source.randint(1, 4))
        return {key: random_value(source, depth - 1) for key in keys}
    if depth and source.random() < 0.5:
        return [random_value(source, depth - 1) for _ in range(source.randint(1, 3))]
    return source.choice(["plain", "a: b", "two\nlines\n", "# no comment", "", 7, True, None, "x " * 60, "'q'", "é\tü"])


def hidden(value: object, within: bool = False) -> object:
    """What the walk over documents would keep, told in another way: leaves below the two names are hidden."""
    if isinstance(value, dict):
        return {key: hidden(item, within or key in ("password", "token")) for key, item in value.items()}
    if isinstance(value, list):
        return [hidden(item, within) for item in value]
    if not within or value is None or isinstance(value, bool) or value == "":
        return value
    return "<redacted>"


@pytest.mark.parametrize("seed", range(60))
def test_a_text_reads_afterwards_as_the_redacted_document_would(seed: int) -> None:
    source = random.Random(seed)
    value = {"first": {"password": "x"}, "second": random_value(source, 4)}
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=source.choice([True, False, None]))
    assert yaml.safe_load(redact_text(text)) == hidden(value)


def test_what_is_too_deep_too_long_or_no_yaml_is_left_to_the_rules_for_lines() -> None:
    deep = "a: 1\npassword: " + "[" * (DEEPEST + 1) + "hunter2" + "]" * (DEEPEST + 1)
    many = "- 1\n" * (MOST_NODES + 1) + "- password: hunter2\n"
    for text in (deep, many, "a: 1\na: 2\npassword: hunter2", "a: {\npassword: hunter2"):
        assert read_embedded(text) is None
        assert "hunter2" not in redact_text(text)


def test_a_text_is_read_only_where_a_word_of_the_tables_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(text)

    monkeypatch.setattr("kubestats_pipeline.redaction.texts.read_embedded", refuse)
    assert (
        redact_text("image: nginx\nreplicas: 3\nhost: example.org\n")
        == "image: nginx\nreplicas: 3\nhost: example.org\n"
    )
    with pytest.raises(AssertionError):
        redact_text("image: nginx\ndbToken: x\n")


@pytest.mark.parametrize(
    "text",
    [
        "base: &a\n  ann: hunt3r2hunt3r2\n  b: [{c: hunt3r2hunt3r2}]\npasswords: *a\n",
        "base: &a {ann: hunt3r2hunt3r2}\npasswords:\n  <<: *a\n",
        "passwords: &a {ann: hunt3r2hunt3r2}\nother: *a\n",
        "passwords: &a {ann: hunt3r2hunt3r2 --token b}\nother: *a\n",
        "other: [&a {ann: hunt3r2hunt3r2 --token b}]\npasswords: [*a]\n",
        "base: &a\n  user: hunt3r2hunt3r2\nextra:\n  kind: Secret\n  data: *a\n",
    ],
)
def test_what_an_alias_brings_under_a_sensitive_name_is_withheld_where_it_is_written(text: str) -> None:
    redacted = redact_text(text)
    assert "hunt3r2hunt3r2" not in redacted
    assert "*a" in redacted


@pytest.mark.parametrize("around", [("", "*a{0}," * 9), ("[" * 40, "*a{0}" + "]" * 40)], ids=["wide", "deep"])
def test_aliases_of_aliases_end(around: tuple[str, str]) -> None:
    lines = [f"a{number + 1}: &a{number + 1} [{around[0]}{around[1].format(number)}]" for number in range(300)]
    text = "\n".join(["a0: &a0 [b]", *lines, "password: hunt3r2hunt3r2"])
    assert "hunt3r2hunt3r2" not in redact_text(text)


def test_values_keep_their_places_beside_a_key_that_is_withheld() -> None:
    key = "gh" + "p_abcdefghijklmnop0123456789"
    assert list(redact({"kind": "A", key: 1, "b": 2})) == ["kind", "<redacted>", "b"]
    text = f'a: {{"\\x{ord(key[0]):x}{key[1:]}": c, password: d, e: f}}\n'
    assert redact_text(text) == text.replace(" d,", ' "<redacted>",')
