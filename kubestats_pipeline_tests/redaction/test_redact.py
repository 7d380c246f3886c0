"""No secret that is planted in a manifest may ever come out of the scanner."""

from pathlib import Path

import orjson
import pytest

from kubestats_pipeline.redaction.redact import redact, redact_again
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline_tests.scan.world import World, chart, helm_repository, read, release

PLANTED = "hunter2"
RESOURCE = "apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\n"


def one(text: str) -> Manifest:
    (found,) = read(text).manifests
    return found


SECRETS = {
    "data": 'data: {key: "hunter2"}',
    "stringData": "stringData: {key: 'hunter2', empty: ''}",
    "deep": "stringData: {key: {deep: ['hunter2', {x: 'hunter2'}]}}",
    "many lines": "stringData:\n  config.yaml: |\n    a: hunter2\n    b: [hunter2]",
    "last applied": """\
metadata:
  name: a
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"data": {"k": "hunter2"}}'
""",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_value_of_a_secret_is_stored(secret: str) -> None:
    data = one(RESOURCE.format(kind="Secret") + secret).data.decode()
    assert PLANTED not in data


def test_the_names_of_a_secret_s_keys_and_its_type_stay() -> None:
    stored = orjson.loads(one(RESOURCE.format(kind="Secret") + f"type: Opaque\ndata: {{user: {PLANTED}}}").data)
    assert (stored["type"], list(stored["data"])) == ("Opaque", ["user"])


PLACES = [
    "spec: {password: hunter2}",
    "spec: {adminPassword: hunter2, db_password: hunter2, DB-PASSWD: hunter2}",
    "spec: {token: hunter2, accessToken: hunter2, cookie: hunter2}",
    "spec: {apiKey: hunter2, api_key: hunter2, API-KEY: hunter2}",
    "spec: {secretKey: hunter2, clientSecret: hunter2, privateKey: hunter2}",
    "spec: {tokens: ['hunter2', 'hunter2'], auth: hunter2, webhookUrl: hunter2, PGPASSWORD: hunter2, DB_PASS: hunter2}",
    "spec: {env: [{name: DB_PASSWORD, value: 'hunter2'}]}",
    "spec: {env: {ADMIN_TOKEN: {value: 'hunter2', default: x}}}",
    "spec: {env: {SOME_SECRET: 'hunter2'}}",
    "spec: {url: 'https://user:hunter2@example.org/x'}",
    "spec: {url: 'https://hunter2x0123456789abcdef01234@github.com/o/r'}",
    "spec: {args: ['--password=hunter2', '--db.token=hunter2']}",
    "spec: {args: ['--admin-password', 'hunter2', '--other']}",
    "spec: {command: 'run --api-key=hunter2 --x'}",
    "spec:\n  valuesContent: |\n    adminPassword: hunter2\n    auth:\n      token: 'hunter2'\n",
    "data:\n  app.ini: |\n    [db]\n    password = hunter2\n    PASSWD=hunter2\n",
    'data:\n  config.json: \'{"user": "u", "password": "hunter2"}\'\n',
    'data:\n  config.json: |\n    {"a": {"client_secret": "hunter2"}}\n',
    "data:\n  id: |\n    -----BEGIN RSA PRIVATE KEY-----\n    hunter2\n    -----END RSA PRIVATE KEY-----\n",
    "data: {.dockerconfigjson: 'hunter2'}",
    "spec: {passwords: {alice: 'hunter2', bob: ['hunter2']}}",
    "spec: {stringData: {x: 'hunter2'}}",
    "spec: {encryptedData: {x: 'hunter2'}}",
    "spec: {password: '$hunter2'}",
    "spec: {password: 12345678}",
    "sops: {mac: 'hunter2', kms: [{x: 'hunter2'}]}",
    "spec: {x: 'ENC[AES256_GCM,data:hunter2]'}",
    "items: [{password: 'hunter2'}]",
]


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_of_any_resource_is_stored(place: str) -> None:
    data = one(RESOURCE.format(kind="Anything") + place).data
    assert PLANTED.encode() not in data
    assert b"12345678" not in data


REFERENCES = [
    "spec: {existingSecret: stays, secretName: stays, tokenRef: stays, passwordSecretName: stays}",
    "spec: {imagePullSecrets: [{name: stays}], pullSecrets: [stays]}",
    "spec: {password: {secretKeyRef: {name: stays, key: stays}}}",
    "spec: {env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: stays}}}]}",
    "spec: {credentials: {secretName: stays, name: stays}}",
    "spec: {volumes: [{name: x, secret: {secretName: stays}}]}",
    "spec: {password: '${stays}', token: '$(stays)', apiKey: '{{ .stays }}', secret: $STAYS_1}",
    "spec: {url: 'oci://registry:5000/stays@sha256:abc', ssh: 'ssh://git@stays/x'}",
    "spec: {args: ['--stays', '--token-file', '/stays'], description: 'a token that stays'}",
    "spec: {automountServiceAccountToken: true, stays: 1}",
]


@pytest.mark.parametrize("place", REFERENCES)
def test_what_only_names_a_secret_stays(place: str) -> None:
    data = one(RESOURCE.format(kind="Anything") + place).data.decode()
    assert data.lower().count("stays") == place.lower().count("stays")
    assert "automount" not in place or "true" in data


@pytest.mark.parametrize("place", [*SECRETS.values(), *(each for each in PLACES if "hunter2" in each)])
def test_hashes_do_not_depend_on_a_secret(place: str) -> None:
    first, second = (one(RESOURCE.format(kind="Secret") + text) for text in (place, place.replace("hunter2", "other")))
    assert (first.content_hash, first.body_hash) == (second.content_hash, second.body_hash)


def test_a_file_that_is_encrypted_again_has_not_changed() -> None:
    text = "data: {x: 'ENC[AES256_GCM,data:%s]'}\nsops: {mac: 'ENC[%s]', lastmodified: '%s', version: 3}\n"
    first, second = (one(RESOURCE.format(kind="ConfigMap") + text % (each, each, each)) for each in ("a", "bb"))
    assert first.data == second.data


def test_the_document_itself_is_left_as_it_is() -> None:
    document = {"kind": "Secret", "data": {"a": "hunter2"}, "spec": {"list": [{"name": "TOKEN", "value": "hunter2"}]}}
    copy = orjson.loads(orjson.dumps(document))
    redact(document)
    assert document == copy


def test_credentials_in_the_url_of_a_chart_reach_no_column(tmp_path: Path) -> None:
    world = World(tmp_path)
    for number, url in enumerate(("https://u:hunter2@x.org/c", "http://u:hunter2@[x/c", "https://hunter2@x.org")):
        files = {f"{number}/hr.yaml": release(f"app{number}", chart=chart("c", "1", f"s{number}"))}
        world.git.commit({**files, f"{number}/s.yaml": helm_repository(f"s{number}", url)})
    world.scan()
    assert len(world.resources) == 6
    assert all(row["resolution"] == "exact" for row in world.resources if row["kind"] == "HelmRelease")
    columns = [
        {name: value for name, value in row.items() if name not in ("data", "resource_data")} for row in world.resources
    ]
    assert "hunter2" not in repr(columns)
    assert "u:hunter2" not in repr(world.resources) + repr(world.events)


def test_a_changed_copy_keeps_what_it_shares_and_hides_what_is_new() -> None:
    known = redact({"kind": "A", "spec": {"a": {"b": "c"}, "env": {"name": "x"}}})
    changed = {**known, "spec": {**known["spec"], "env": {"name": "x", "password": "hunter2"}}}
    again = redact_again(changed, known)
    assert again == redact(changed)
    assert again["spec"]["a"] is known["spec"]["a"]
    assert "hunter2" not in str(again)


def test_a_changed_copy_that_has_become_a_secret_is_hidden_as_a_whole() -> None:
    known = redact({"kind": "ConfigMap", "data": {"a": {"b": "c"}}})
    changed = {**known, "kind": "Secret"}
    assert redact_again(changed, known) == redact(changed) != changed
