"""Secrets that are known by how they look. Every example is made up, in the form that its issuer describes."""

import string

import duckdb
import pytest

from kubestats_pipeline.redaction.secrets import REDACTED, SHAPES
from kubestats_pipeline.redaction.shapes import find_shapes, withhold_shapes

LETTERS = (string.ascii_letters + string.digits) * 4
HEX = "0123456789abcdef" * 8


def letters(count: int) -> str:
    return LETTERS[7 : 7 + count]


EXAMPLES = {
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "an age key": f"AGE-SECRET-KEY-1{'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L'}",
    "SOPS ciphertext": "ENC[AES256_GCM,data:c2VjcmV0,iv:aXY=,tag:dGFn,type:str]",
    "a PuTTY key": "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA",
    "a GitHub token": f"ghp_{letters(36)}",
    "a GitLab token": f"glpat-{letters(20)}",
    "a Docker Hub token": f"dckr_pat_{letters(27)}",
    "an npm token": f"npm_{letters(36)}",
    "a PyPI token": f"pypi-AgEIcHlwaS5vcmc{letters(40)}",
    "a RubyGems or Artifactory key": f"rubygems_{HEX[:48]}",
    "an AWS key": "AKIAABCDEFGHIJKLMNOP",
    "a signature in a URL": f"https://x.blob.core.windows.net/a?sv=2024&sig={letters(43)}%3D",
    "an Azure account key": f"AccountName=x;AccountKey={letters(64)}==",
    "a Google API key": f"AIza{letters(35)}",
    "a Google login": f"GOCSPX-{letters(28)}",
    "a DigitalOcean token": f"dop_v1_{HEX[:64]}",
    "a Cloudflare tunnel token": f"eyJhIjoi{letters(60)}",
    "a Cloudflare origin key": f"v1.0-{HEX[:24]}-{HEX[:64]}",
    "a Tailscale key": f"tskey-auth-{letters(16)}-{letters(30)}",
    "a Databricks, Netlify, Fly or Heroku token": f"nfp_{letters(36)}",
    "a Vault token": f"hvs.{letters(24)}",
    "a Terraform Cloud token": f"{letters(14)}.atlasv1.{letters(60)}",
    "a Doppler token": f"dp.pt.{letters(40)}",
    "a Pulumi token": f"pul-{HEX[:40]}",
    "a 1Password service token": f"ops_eyJ{letters(60)}",
    "a Slack token": f"xoxb-123456789012-{letters(24)}",
    "a webhook of Slack": f"https://hooks.slack.com/services/T00000000/B00000000/{letters(24)}",
    "a webhook of Discord": f"https://discordapp.com/api/webhooks/123456789012345678/{letters(60)}",
    "a webhook of Teams or Google Chat": f"https://x.webhook.office.com/webhookb2/{HEX[:32]}@{HEX[:32]}",
    "the address of a check at healthchecks.io": "https://hc-ping.com/01234567-89ab-cdef-0123-456789abcdef",
    "a Telegram bot token": f"1234567890:AA{letters(33)}",
    "a Discord bot token": f"MTAx{letters(20)}.Gabcde.{letters(38)}",
    "a SendGrid key": f"SG.{letters(22)}.{letters(43)}",
    "a Mailgun, Mailchimp or Brevo key": f"key-{HEX[:32]}",
    "an ntfy token": "tk_abcdefghijklmnopqrstuvwxyz012",
    "a Stripe key": f"sk_live_{letters(24)}",
    "a key of OpenAI, Anthropic or OpenRouter": f"sk-proj-{letters(48)}",
    "a key of another AI service": f"hf_{letters(34)}",
    "a Grafana token": f"glsa_{letters(32)}_{HEX[:8]}",
    "a New Relic key": f"NRAK-{letters(50).upper()[:27]}",
    "a token of Atlassian, Postman, Linear, Notion, Figma, Shopify or Square": f"ATATT{letters(60)}",
    "a Plex claim": "claim-abcdefghij0123456789",
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF123-_",
    "a password in a URL": "https://user:hunter2@example.org/x",
    "a token in a URL": f"https://{letters(30)}@example.org/x",
    "a password before a registry's name": "user:hunter2@registry.example.org/app",
    "the default of a variable": "${DB_PASSWORD_MAIN:=hunter2}",
    "a hash of a password": f"$6$rounds=5000$salt${letters(60)}",
    "a hash of a password as Django, LDAP or PostgreSQL write it": f"{{SSHA}}{letters(32)}",
}

MORE = {
    "a GitHub token": [f"gh{letter}_{letters(36)}" for letter in "ousr"] + [f"github_pat_{letters(60)}"],
    "a key of OpenAI, Anthropic or OpenRouter": [f"sk-ant-api03-{letters(80)}", f"sk-or-v1-{HEX[:64]}"],
    "a webhook of Discord": [f"https://discord.com/api/webhooks/123456789012345678/{letters(60)}"],
    "a hash of a password": [
        f"$2y$10${letters(53)}",
        f"$apr1$abcdefgh${letters(22)}",
        f"$1$abcdefgh${letters(22)}",
        f"$5$abcdefgh${letters(43)}",
        f"$y$j9T$abcdefghijkl${letters(43)}",
        f"$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ${letters(43)}",
    ],
    "a Vault token": [f"hvb.{letters(100)}"],
    "a Stripe key": [f"rk_live_{letters(24)}", f"whsec_{letters(32)}"],
    "a private key": [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----",
    ],
}

SAMPLES = [*EXAMPLES.items(), *((name, each) for name, texts in MORE.items() for each in texts)]

HARMLESS = [
    f"ghcr.io/home/app:1.10@sha256:{HEX[:64]}",
    f"{HEX[:40]}",
    "https://example.org/path@v1",
    "ssh://git@github.com/home/ops.git",
    "oci://registry:5000/app@sha256:abc",
    "postgres://app@db.svc:5432/app",
    "rtsp://camera.local:554/stream1?channel=1",
    "kube-prometheus-stack-68.4.5",
    "volume-claim-of-the-media-server",
    "task-sk-runner-0123456789",
    "npm_config_registry=https://registry.example.org",
    "key-value-store-of-the-cluster",
    "${CLUSTER_DOMAIN:=example.org}",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "ann@example.org: 12:30/day",
    "01234567-89ab-cdef-0123-456789abcdef",
]


def test_every_shape_has_an_example_and_each_example_its_shape() -> None:
    assert sorted(EXAMPLES) == sorted(shape.name for shape in SHAPES)


@pytest.mark.parametrize(("name", "text"), SAMPLES)
def test_a_secret_is_found_and_withheld_wherever_it_stands(name: str, text: str) -> None:
    for around in ("{}", "some text {} more text", "äöü {}", "line\n{}\n", "a={}"):
        whole = around.format(text)
        assert name in find_shapes(whole)
        shown = withhold_shapes(whole)
        assert "hunter2" not in shown
        assert LETTERS[10:22] not in shown
        assert HEX[2:14] not in shown


@pytest.mark.parametrize(("_", "text"), SAMPLES)
def test_what_is_withheld_has_no_shape_left(_: str, text: str) -> None:
    shown = withhold_shapes(f"x {text} y")
    assert REDACTED in shown
    assert find_shapes(shown) == ()


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert find_shapes(text) == ()
    assert withhold_shapes(text) == text


def test_marks_stand_in_what_they_mark() -> None:
    marks = {shape.name: shape.marks for shape in SHAPES}
    assert [text for name, text in SAMPLES if not any(mark in text for mark in marks[name])] == []


def test_duckdb_reads_the_same_patterns() -> None:
    patterns = {shape.name: shape.pattern for shape in SHAPES}
    with duckdb.connect() as connection:
        for name, text in SAMPLES:
            found = connection.execute("SELECT regexp_matches(?, ?)", [text, patterns[name]]).fetchall()
            assert found == [(True,)], name
        for text in HARMLESS:
            hits = [
                name
                for name, pattern in patterns.items()
                if connection.execute("SELECT regexp_matches(?, ?)", [text, pattern]).fetchall() == [(True,)]
            ]
            assert hits == []


def test_every_shape_has_a_reason_and_a_source() -> None:
    for shape in SHAPES:
        assert shape.reason.endswith(".")
        assert shape.source.startswith("https://")


def test_a_name_that_is_not_utf_8_is_read_and_keeps_its_bytes() -> None:
    assert withhold_shapes(f"apps/\udcff-ghp_{letters(36)}.yaml") == f"apps/\udcff-{REDACTED}.yaml"
