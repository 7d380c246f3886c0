"""Documents in which secrets stand as people write them, and programs that only have the names of secrets.

`CANARY` must never be in what is stored, `KEEP` must be there as often as it was.
"""

from typing import Any

import pytest
import yaml

from kubestats_pipeline.redaction.redact import redact

GITHUB = "ghp_abcdefghijklmnop0123456789"

DOCUMENTS = {
    "a Secret in Helm values": """
kind: HelmRelease
spec: {values: {extraObjects: [{kind: Secret, metadata: {name: KEEP}, data: {user: CANARY}, stringData: {a: CANARY}}]}}
""",
    "a Secret's own templates and variables": """
kind: HelmRelease
spec:
  values: {extra: {kind: Secret, data: {a: '${CANARY}', b: $CANARY, c: '{{ .CANARY }}', d: [CANARY]}, type: KEEP}}
""",
    "a Secret of a ResourceSet": """
kind: ResourceSet
spec: {resources: [{kind: Secret, metadata: {name: KEEP}, data: {a: CANARY}}, {kind: ConfigMap, data: {a: KEEP}}]}
""",
    "a Secret that Kyverno generates": """
kind: ClusterPolicy
spec: {rules: [{generate: {kind: Secret, name: KEEP, data: {data: {a: CANARY}, stringData: {b: CANARY}}}}]}
""",
    "a Secret of a Template": "{kind: Template, objects: [{kind: Secret, data: {a: CANARY}}]}",
    "a Secret of Crossplane": "{kind: Object, spec: {forProvider: {manifest: {kind: Secret, data: {a: CANARY}}}}}",
    "a Secret of an app-template": """
kind: HelmRelease
spec: {values: {rawResources: {x: {kind: Secret, spec: {data: {a: CANARY}, stringData: {b: CANARY}}, x: KEEP}}}}
""",
    "a generator of Secrets": """
kind: Kustomization
secretGenerator: [{name: KEEP, literals: [KEEP=CANARY], files: [KEEP=secrets/KEEP.txt]}]
""",
    "binary data of any kind": "{kind: ConfigMap, binaryData: {KEEP: CANARY}}",
    "pairs in a text of values": r"""
kind: Application
spec: {source: {helm: {values: "env:\n  - name: API_TOKEN\n    value: CANARY\nimage: {repository: KEEP, tag: KEEP}\n"}}}
""",
    "pairs in flow style, the value first": r"""
kind: HelmChart
spec: {valuesContent: "env: [{value: CANARY, name: API_TOKEN}]\nname: KEEP\n"}
""",
    "pairs in JSON": """
kind: ConfigMap
data: {x.json: '{"env": [{"name": "API_TOKEN", "value": "CANARY"}], "a": {"dbPassword": "CANARY"}, "b": "KEEP"}'}
""",
    "pairs in a configuration file of Helm values": r"""
kind: HelmRelease
spec: {values: {configMaps: {x: {data: {config.yaml: "users:\n- name: ADMIN_TOKEN\n  value: CANARY\nlog: KEEP\n"}}}}}
""",
    "pairs in a template": r"""
kind: ConfigMap
data:
  a.yaml: "{{- if .x }}\nenv:\n- name: A_TOKEN\n  value: CANARY\n{{- end }}\nlog: {{ .KEEP }}\npassword: {{ .KEEP }}\n"
""",
    "pairs in flow style in a template": r"""
kind: ConfigMap
data: {a.yaml: "{{ if .x }}\nenv: [{name: A_TOKEN, value: CANARY}]\nimage: KEEP:{{ .v }}\n{{ end }}\n"}
""",
    "pairs in a broken text": r"""
kind: ConfigMap
data: {x: "env:\n- name: A_TOKEN\n  value: CANARY\n- value: CANARY\n  name: B_TOKEN\nx: [KEEP\n"}
""",
    "a Secret in a text": r"""
kind: ConfigMap
data: {x.yaml: "apiVersion: v1\nkind: Secret\nmetadata: {name: KEEP}\ndata: {a: CANARY, b: '${CANARY}'}\n"}
""",
    "a text in a text": r"""
kind: ConfigMap
data: {x.yaml: "inner: |\n  env:\n  - name: A_TOKEN\n    value: CANARY\n  log: KEEP\n"}
""",
    "comments in a text": r"""
kind: ConfigMap
data: {x.yaml: "# token: CANARY\nlog: KEEP  # password=CANARY\nother: 'KEEP # KEEP'\n"}
""",
    "parameters with other words for values": """
kind: Application
spec: {source: {plugin: {parameters: [
  {name: a.b.password, string: CANARY}, {name: tokens, array: [CANARY, CANARY]}, {name: secrets, map: {KEEP: CANARY}},
  {name: server.host, string: KEEP}]}}}
""",
    "Helm parameters": """
kind: Application
spec: {source: {helm: {parameters: [{name: auth.password, value: CANARY}, {name: image.tag, value: KEEP}]}}}
""",
    "pairs in one line": """
kind: HelmChart
spec: {valuesContent: 'env: [{name: API_TOKEN, value: CANARY}, {name: KEEP, value: KEEP}]'}
""",
    "a Secret in a broken text": r"""
kind: ConfigMap
data:
  a.yaml: "kind: Secret\ndata: {a: CANARY}\n---\nx: [KEEP\n"
  b.yaml: '{"kind": "Secret", "data": {"a": "CANARY"}, "x": '
  c.yaml: "a: KEEP\nstringData: {a: CANARY}\nx: [\n"
""",
    "a broken patch of a Secret": r"""
kind: Kustomization
patches: [{target: {kind: Secret, name: KEEP}, patch: "- op: add\n  path: /data/x\n  value: CANARY\n- ["}]
""",
    "a JSON patch of a Secret": r"""
kind: Kustomization
spec: {patches: [{target: {kind: Secret, name: KEEP}, patch: "- op: replace\n  path: /data/x\n  value: CANARY\n"}]}
""",
    "a JSON patch of whatever has a label": r"""
kind: Kustomization
patches: [{target: {labelSelector: a=KEEP}, patch: "- op: add\n  path: /stringData/x\n  value: CANARY\n"}]
""",
    "a JSON patch of data in a file": r"""
kind: ConfigMap
data: {patch.yaml: "- op: add\n  path: /data/x\n  value: CANARY\n- op: add\n  path: /spec/x\n  value: KEEP\n"}
""",
    "a JSON patch as a list": """
kind: Kustomization
patchesJson6902: [{target: {kind: Secret}, patch: [{op: add, path: /x, value: {a: CANARY}}]}]
""",
    "a JSON patch of a sensitive path": r"""
kind: Kustomization
patches:
- target: {kind: HelmRelease}
  patch: |
    - {op: add, path: /spec/values/auth/adminPassword, value: CANARY}
    - {op: add, path: /spec/values/env/API_TOKEN/value, value: CANARY}
    - {op: add, path: /spec/values/image/tag, value: KEEP}
""",
    "a merge patch of a Secret": r"""
kind: Kustomization
patches: [{patch: "kind: Secret\nmetadata: {name: KEEP}\ndata: {a: CANARY}\n"}]
patchesStrategicMerge: ["kind: Secret\nmetadata: {name: KEEP}\nstringData: {a: CANARY}\n"]
""",
    "a merge patch whose target is a Secret": r"""
kind: Kustomization
patches: [{target: {kind: Secret|ConfigMap}, patch: "metadata: {name: KEEP}\ndata: {a: CANARY}\n"}]
""",
    "forms in texts": r"""
kind: ConfigMap
data:
  redis.conf: "requirepass CANARY\nmaxmemory KEEP\n"
  netrc: "machine KEEP login KEEP password CANARY\n"
  init.sql: "CREATE USER KEEP IDENTIFIED BY 'CANARY';\nALTER ROLE KEEP WITH PASSWORD 'CANARY';\n"
  a.sh: "curl -u KEEP:CANARY https://KEEP\nmysql -u root -pCANARY KEEP\n"
  b.sh: "redis-cli -a CANARY ping\nsshpass -p CANARY ssh\n"
  web.config: "<add key='password' value='CANARY'/><secret>CANARY</secret><KEEP>KEEP</KEEP>"
  env: "A=${DB_PASSWORD_MAIN:=CANARY}\nB=${DB_HOST:=KEEP}\n"
  one: password CANARY1
""",
    "arguments": """
kind: Pod
spec: {args: [--db-password, CANARY, --name, KEEP, -u, 'KEEP:CANARY', '--token=CANARY', --auth, --KEEP]}
""",
    "collections of secrets": """
kind: Thing
spec:
  passwords: {ann: CANARY, bob: {deep: CANARY}}
  credentials: {user: CANARY, password: CANARY, enabled: true, port: 8080, existingSecret: KEEP, secretName: KEEP}
  tokens: [CANARY, {a: CANARY}]
""",
    "programs with the names of secrets": """
kind: HelmRelease
spec:
  values:
    onepassword: {image: {repository: KEEP, tag: KEEP}, replicas: 1, probes: {liveness: {path: KEEP}}, mode: KEEP}
    credentials: {main: {image: KEEP, args: [KEEP], replicas: 3, resources: {limits: {memory: KEEP}}}}
    external-secrets: {concurrent: KEEP, certController: {image: {repository: KEEP}}}
    token: {image: {repository: KEEP, tag: KEEP}, strategy: KEEP, nodeSelector: {zone: KEEP}}
    initContainers: {fix-sa-token: {image: {repository: KEEP, tag: KEEP}, command: [KEEP], user: KEEP}}
    webhook: {image: KEEP, host: KEEP}
""",
    "references to secrets": """
kind: HelmRelease
spec:
  values: {s3: {password: {secretKeyRef: {name: KEEP, key: KEEP}}, existingSecret: KEEP, authSecret: {name: KEEP}}}
  chart: {spec: {sourceRef: {name: KEEP}}}
""",
    "keys of an ExternalSecret": """
kind: ExternalSecret
spec: {data: [{secretKey: KEEP, remoteRef: {key: KEEP, property: KEEP}}], template: {data: {a: '{{ .KEEP }}'}}}
""",
    "a schema": """
kind: CustomResourceDefinition
spec: {properties: {password: {type: string, description: KEEP}, tokens: {type: object, description: KEEP}}}
""",
    "an alias": r"""
kind: ConfigMap
data: {x.yaml: "a: &a CANARY\npassword: *a\nb: KEEP\n"}
""",
    "values that can be no secret": """
kind: Thing
spec: {auth: 'true', token: /var/run/KEEP/x, DATABASE_URL: 'redis://KEEP.db.svc:6379/0', tokenTtl: KEEP, keyTokens: 24h}
""",
    "an address of a check and of a database": """
kind: Thing
spec: {healthcheckUrl: 'https://checks.example.org/CANARY', DATABASE_URL: 'postgres://db.example.org/x?p=CANARY'}
""",
    "keys with a shape": f"{{kind: Thing, metadata: {{labels: {{{GITHUB}CANARY: KEEP}}}}}}",
}


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_secret_is_left_and_everything_else_is(text: str) -> None:
    document = yaml.safe_load(text.replace("KEEP", "keep"))
    stored = str(redact(document))
    assert "CANARY" not in stored
    assert stored.count("keep") == text.count("KEEP")


def stored(spec: Any) -> Any:
    return redact({"kind": "Thing", "spec": spec})["spec"]


def test_switches_counts_and_quantities_survive_in_a_collection_of_secrets() -> None:
    plain = {"enabled": True, "port": 8080, "replicas": 2, "limits": {"memory": "1Gi"}, "existingSecret": "x"}
    assert stored({"credentials": plain}) == {"credentials": plain}


def test_keys_that_are_withheld_stay_as_many_as_they_were() -> None:
    labels = {f"{GITHUB}{each}": each for each in "abc"} | {"plain": "x"}
    shown = {"<redacted>": "a", "<redacted>-2": "b", "<redacted>-3": "c", "plain": "x"}
    assert stored(labels) == shown
    assert stored(dict(reversed(labels.items()))) == shown


def test_a_key_that_says_it_is_withheld_already_is_another_one() -> None:
    assert stored({GITHUB: 1, "<redacted>": 2}) == {"<redacted>": 2, "<redacted>-2": 1}


def test_a_document_without_secrets_is_stored_as_it_is() -> None:
    spec = {"image": "ghcr.io/a/b:1@sha256:" + "0" * 64, "text": "a: 1\nb: [x, y]\n", "list": [1, None, True, 1.5]}
    assert stored(spec) == spec


@pytest.mark.parametrize("kind", [{"a": 1}, ["Secret"], None, 1, ""])
def test_a_kind_that_is_no_text_is_that_of_no_secret(kind: Any) -> None:
    assert stored({"kind": kind, "data": {"a": "x"}}) == {"kind": kind, "data": {"a": "x"}}


def test_of_a_secret_s_variables_only_that_they_are_some_is_kept() -> None:
    values = {"a": "${A}", "b": "${A}${B:=c}\n", "c": "$A", "d": "{{ .a }}", "e": "${A}x", "f": "", "g": None}
    shown = {"a": "${<redacted>}", "b": "${<redacted>}", **dict.fromkeys("cde", "<redacted>"), "f": "", "g": None}
    assert redact({"kind": "Secret", "data": values}) == {"kind": "Secret", "data": shown}


def test_a_value_that_stays_for_its_form_is_searched_for_shapes_all_the_same() -> None:
    assert stored({"password": f"{{{{ {GITHUB} }}}}"}) == {"password": "{{ <redacted> }}"}
