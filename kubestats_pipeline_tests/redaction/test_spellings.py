"""One name decides alike in every way to write a value beside it: in markup, pairs, patches, commands and settings."""

import pytest

from kubestats_pipeline.redaction.lines import may_hold
from kubestats_pipeline.redaction.names import is_sensitive
from kubestats_pipeline.redaction.texts import redact_text
from kubestats_pipeline.redaction.words import GLUED, KEY_OF, SECRET_WORDS
from kubestats_pipeline_tests.redaction.test_names import SENSITIVE

PLANTED = "hunt3r2hunt3r2"

WAYS = {
    "XML element": "<a><{name}>{value}</{name}></a>",
    "XML element with attributes": "<a><{name} b='1'>{value}</{name}></a>",
    "XML element with character data": "<{name}><![CDATA[<{value}>]]></{name}>",
    "XML of Hadoop": "<property><name>{name}</name>\n<value>{value}</value></property>",
    "XML attribute": "<add key='{name}' type='b' value='{value}'/>",
    "XML attribute, value first": '<add value="{value}" name="{name}"/>',
    "XML attribute of its own": '<a b="1" {name}="{value}"/>',
    "JSON patch": '[{{"op": "add", "path": "/spec/{name}", "value": "{value}"}}]',
    "JSON patch as YAML": "- op: add\n  path: /spec/{name}\n  value: {value}\n",
    "JSON patch in a command": 'kubectl patch x -p=\'[{{"op":"add","path":"/spec/{name}","value":"{value}"}}]\'',
    "JSON patch in broken YAML": "a: [\n- op: add\n  path: /spec/{name}\n  value: {value}\n",
    "pairs": "env:\n  - name: {name}\n    value: {value}\n",
    "pairs, value first": "env:\n  - value: {value}\n    name: {name}\n",
    "pairs in flow style": "env: [{{name: {name}, value: {value}}}]\n",
    "pairs in JSON": '{{"env": [{{"name": "{name}", "value": "{value}"}}]}}',
    "pairs in a command": 'helm --set-json \'env=[{{"name":"a","value":"b"}},{{"name":"{name}","value":"{value}"}}]\'',
    "pairs in a command, value first": 'helm --set-json \'env=[{{"value":"{value}","name":"{name}"}}]\'',
    "pairs with escaped marks": 'run "{{\\"name\\": \\"{name}\\", \\"value\\": \\"{value}\\"}}"',
    "pairs in broken YAML": "a: [\n  - name: {name}\n    value: 'it' {value}\n",
    "pairs in broken YAML, value first": "a: [\n  - value: {value}\n    name: {name}\n",
    "pairs in broken JSON": '{{[\n "name": "{name}",\n "value": "{value}"\n',
    "setting": "a:\n  {name}: {value}\n",
    "setting in broken YAML": "a: [\n  {name}: {value}\n",
    "ini file": "[a]\n{name} = {value}\n",
    "flag": "run --{name} {value}",
    "flag with its value": "run --{name}={value}",
    "variable of a command": "set -e; {name}={value} run",
    "default of a variable": "x ${{{name}:={value}}} y",
}


def _spellings(phrase: str) -> set[str]:
    """A phrase in each spelling, alone and with what may stand around it."""
    parts = phrase.split()
    camel = "".join(map(str.title, parts))
    spellings = ("_".join(parts), "__".join(parts), "-".join(parts).upper(), parts[0] + camel[len(parts[0]) :], camel)
    return {
        f"{before}{each}{after}"
        for each in spellings
        for before in ("", "x_", "ab", "AB", "1", "a.")
        for after in ("", "s", "Hash", "_OLD", "1")
    }


def _names() -> list[str]:
    phrases = [word for group in (*SECRET_WORDS, *GLUED) for word in group.words]
    phrases += [f"{word} key" for group in KEY_OF for word in group.words]
    spelled = {name for phrase in phrases for name in _spellings(phrase)}
    return sorted(filter(is_sensitive, {*SENSITIVE.split(), *spelled}))


def test_a_text_with_a_sensitive_name_is_looked_at_in_every_spelling() -> None:
    names = _names()
    assert len(names) > 10_000
    assert [name for name in names if not may_hold(f"/spec/{name}\n") or not may_hold(f"<{name}>")] == []


@pytest.mark.parametrize("way", WAYS)
def test_a_sensitive_name_counts_in_every_way_to_write_a_value_beside_it(way: str) -> None:
    names = [*SENSITIVE.split(), *_names()[::100]]
    texts = {name: redact_text(WAYS[way].format(name=name, value=PLANTED)) for name in names}
    assert [name for name, text in texts.items() if PLANTED in text] == []


@pytest.mark.parametrize("way", WAYS)
def test_a_plain_name_counts_in_none(way: str) -> None:
    for name in ("host", "monkey", "publicKey", "mapping", "updown"):
        text = WAYS[way].format(name=name, value=PLANTED)
        assert redact_text(text) == text


@pytest.mark.parametrize("way", [way for way in WAYS if "pair" in way or "patch" in way])
def test_a_reference_stays_in_a_pair(way: str) -> None:
    assert "${DB_TOKEN}" in redact_text(WAYS[way].replace("'it' ", "").format(name="DB_PASSWORD", value="${DB_TOKEN}"))


@pytest.mark.parametrize("directive", ["requirepass", "masterauth", "bindpw", "rootpw"])
@pytest.mark.parametrize(
    "command",
    [
        "{} {}",
        "set -e; {} {}",
        "true && {} {} && true",
        "a; {} {}; b",
        "redis-cli config set {} '{}'",
        'echo "{} {}" >> /etc/a.conf',
        "printf 'maxmemory 1\\n{} {}\\nport 1\\n'",
    ],
)
def test_a_directive_is_known_anywhere_in_a_command(directive: str, command: str) -> None:
    text = redact_text(command.format(directive, PLANTED))
    assert PLANTED not in text
    assert directive in text


@pytest.mark.parametrize(
    "text", ["run keepass import; highpass filter", "requirepass ${REDIS_PASSWORD}", "set -e; unset bindpw; bypass it"]
)
def test_words_that_end_like_a_directive_stay(text: str) -> None:
    assert redact_text(text) == text
