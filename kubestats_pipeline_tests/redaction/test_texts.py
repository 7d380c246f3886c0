"""Secrets in plain text, as people really write them, and texts that only look like it."""

import pytest

from kubestats_pipeline.redaction.names import is_sensitive
from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.redaction.texts import redact_text

PLANTED = "hunt3r2hunt3r2"

TEXTS = [
    "curl -H 'Authorization: Bearer hunt3r2hunt3r2' https://example.org",
    "mysql --user root --password hunt3r2hunt3r2 --host db",
    "chore: set password=hunt3r2hunt3r2",
    "DB_PASS=hunt3r2hunt3r2",
    "run --auth=hunt3r2hunt3r2",
    "[db]\npass = hunt3r2hunt3r2\nhost = db",
    "pwd: hunt3r2hunt3r2",
    "password: |\n  hunt3r2hunt3r2\n  and hunt3r2hunt3r2\nhost: db",
    "password:\n  hunt3r2hunt3r2",
    "kind: Secret\nstringData:\n  foo: hunt3r2hunt3r2\n",
    "kind: Secret\ndata:\n  foo: hunt3r2hunt3r2\n",
    "amqp://user:p@hunt3r2hunt3r2@queue/",
    "user:hunt3r2hunt3r2@registry.example.org/app",
    "<password>hunt3r2hunt3r2</password>",
    "<password>a --token b hunt3r2hunt3r2</password>",
    "<password>\nhunt3r2hunt3r2\n</password>",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunt3r2hunt3r2\n-----END PGP PRIVATE KEY BLOCK-----",
]

SHAPES = [
    "ghp_abcdefghijklmnop0123456789",
    "AKIAABCDEFGHIJKLMNOP",
    "AGE-SECRET-KEY-1QQQQQQQQQQQQQQ",
    "$2a$10$abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123-_",
]

VALUES = [
    {"credentials": [{"a": PLANTED}]},
    {"tokens": {"deep": {"b": PLANTED}}},
    {"secrets": {"a": PLANTED}},
    {"secret": {"data": {"y": PLANTED}}},
    {"env": [{"key": "DB_PASSWORD", "value": PLANTED}]},
    *({key: PLANTED} for key in ("SECRET_KEY_BASE", "secretKeyBase", "password1", "passwordHash", "client-key-data")),
    *({key: PLANTED} for key in ("jwt", "bearer", "github_pat", "PASS_WORD", "ca.key")),
]

HARMLESS = [
    "ghcr.io/home/app:1.10@sha256:" + "0" * 64,
    "https://example.org/path@v1",
    "ssh://git@example.org/home/ops.git",
    "compass: north\nbypass: true",
    "secretName: plex\nexistingSecretName: plex",
    "token: ${TOKEN}",
    "uses basic authentication and bearer tokens",
]

HOSTILE = ["-" * 200_000, "password" * 30_000, "password " * 30_000, "a:b@" * 50_000, "eyJ" * 90_000]


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_in_a_text_is_hidden(text):
    hidden = redact_text(text)
    assert PLANTED not in hidden
    assert "<redacted>" in hidden


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_is_hidden_in_a_long_text_as_in_a_short_one(text):
    lines = "\n".join(["tokens are counted, and lines are many"] * 1_000)
    hidden = redact_text(f"{lines}\n{text}\n{lines}")
    assert PLANTED not in hidden
    assert hidden.startswith(f"{lines}\n")
    assert hidden.endswith(f"\n{lines}")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_secret_is_known_by_its_shape(shape):
    assert shape not in redact_text(f"some text {shape} more text")


@pytest.mark.parametrize("spec", VALUES)
def test_a_secret_in_a_document_is_hidden(spec):
    document = {"apiVersion": "v1", "kind": "Anything", "metadata": {"name": "a"}, "spec": spec}
    assert PLANTED not in str(redact(document))


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text):
    assert redact_text(text) == text


def test_names_of_secrets_stay():
    volume = {"secret": {"secretName": "plex", "defaultMode": 420, "items": [{"key": "a", "path": "b"}]}}
    document = {"kind": "Deployment", "spec": {"volumes": [volume], "envFrom": [{"secretRef": {"name": "plex"}}]}}
    assert redact(document) == document
    assert not any(map(is_sensitive, ("monkey", "hotkey", "key", "compass", "spinning", "mapping", "path", "pattern")))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_end(text):
    assert redact_text(text + "=\n: x")


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("password: ${A} hunt3r2hunt3r2", "password: ${A} <redacted>"),
        ('password: "${A} hunt3r2hunt3r2"', 'password: "${A} <redacted>'),
        ("password = {{ .Values.a }} hunt3r2hunt3r2", "password = {{ .Values.a }} <redacted>"),
        ("const password = process.env.A || 'hunt3r2hunt3r2'", "const password = process.env.A <redacted>"),
    ],
)
def test_what_follows_a_reference_on_a_line_of_settings_is_hidden(line, kept):
    assert redact_text(f"a: [\n{line}\nhost: db") == f"a: [\n{kept}\nhost: db"


@pytest.mark.parametrize("line", ["password: ${A} # of ann", "DB_PASSWORD=${A} run now", "token: $A | tee a"])
def test_what_follows_a_reference_and_is_none_of_its_value_stays(line):
    assert redact_text(f"a: [\n{line}\nhost: db") == f"a: [\n{line}\nhost: db"
