"""Secrets of many kinds in many places of one repository, written apart from the tables of `redaction/`.

Every value is made at run time and holds a core of its own, `c0ffee` and ten hexadecimal digits, so that it is found
again in any place and any form. Values by shape are in places where only their shape shows that they are secret. Values
by name are plain and are beside a name.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MARK = "c0ffee"
CORE = 16
"""Characters of a core: the mark, and the beginning of a digest."""

_A, _H = "aB3dE5gH7jK9mN1pQ2sT4vW6", "0123456789abcdef" * 3


def _j(*parts: str) -> str:
    """A value out of pieces, so that no scanner takes this file for one that holds secrets."""
    return "".join(parts)


SHAPED: dict[str, Callable[[str], str]] = {
    "GitHub classic": lambda c: _j("gh", "p_", c, _A[:20]),
    "GitHub server": lambda c: _j("gh", "s_", c, _A[:20]),
    "GitHub fine-grained": lambda c: _j("github", "_pat_", c, _A),
    "GitLab": lambda c: _j("gl", "pat-", c, _A[:4]),
    "GitLab deploy": lambda c: _j("gl", "dt-", c, _A[:4]),
    "Slack bot": lambda c: _j("xox", "b-123456789012-", c),
    "Slack app": lambda c: _j("xapp", "-1-", c),
    "Slack webhook": lambda c: _j("https://hooks.slack", ".com/services/T000/B000/", c),
    "Discord webhook": lambda c: _j("https://discord", ".com/api/webhooks/123456789/", c),
    "Discord webhook, old name": lambda c: _j("https://discord", "app.com/api/webhooks/123456789/", c),
    "AWS": lambda c: _j("AK", "IA", c.upper()),
    "Google API": lambda c: _j("AI", "zaSy", c, _A[:17]),
    "Google OAuth": lambda c: _j("GOC", "SPX-", c, _A[:12]),
    "Google access": lambda c: _j("ya", "29.", c, _A),
    "Azure SAS": lambda c: f"https://a.blob.example.net/c?sv=2024-01-01&sig={c}{_A[:20]}%3D",
    "Azure account": lambda c: _j("Account", "Key=", c, _A, "=="),
    "Stripe": lambda c: _j("sk", "_live_", c, _A[:8]),
    "Stripe restricted": lambda c: _j("rk", "_live_", c, _A[:8]),
    "Stripe webhook": lambda c: _j("wh", "sec_", c, _A[:16]),
    "OpenAI": lambda c: _j("sk", "-proj-", c, _A),
    "Anthropic": lambda c: _j("sk", "-ant-api03-", c, _A),
    "OpenRouter": lambda c: _j("sk", "-or-v1-", c, _H),
    "Hugging Face": lambda c: _j("hf", "_", c, _A[:18]),
    "Groq": lambda c: _j("gs", "k_", c, _A * 2),
    "npm": lambda c: _j("np", "m_", c, _A[:20]),
    "PyPI": lambda c: _j("py", "pi-AgEIcHlwaS5vcmc", c, _A),
    "Docker Hub": lambda c: _j("dckr", "_pat_", c, _A[:11]),
    "DigitalOcean": lambda c: _j("do", "p_v1_", c, _H),
    "SendGrid": lambda c: _j("S", "G.", c, _A[:6], ".", _A * 2),
    "Tailscale": lambda c: _j("ts", "key-auth-", c, "-", _A),
    "Vault": lambda c: _j("hv", "s.", c, _A),
    "Vault batch": lambda c: _j("hv", "b.", c, _A * 3),
    "Grafana": lambda c: _j("gl", "sa_", c, _A[:16], "_1a2b3c4d"),
    "New Relic": lambda c: _j("NR", "AK-", c.upper(), _A[:11].upper()),
    "Doppler": lambda c: _j("dp", ".pt.", c, _A),
    "Pulumi": lambda c: _j("pu", "l-", c, _H[:24]),
    "Terraform Cloud": lambda c: _j("aB3dE5gH7jK9mN.at", "lasv1.", c, _A * 2),
    "Telegram bot": lambda c: _j("123456789", ":AA", c, _A[:17]),
    "Plex claim": lambda c: _j("cla", "im-", c, _A[:4]),
    "Cloudflare tunnel": lambda c: _j("eyJ", "hIjoi", c, _A, _A),
    "age": lambda c: _j("AGE", "-SECRET-KEY-1", c.upper(), _A.upper(), _A.upper()),
    "PEM": lambda c: _j("-----BEGIN ", "PRIVATE KEY-----\n", c, _A, "\n-----END ", "PRIVATE KEY-----"),
    "OpenSSH": lambda c: _j(
        "-----BEGIN OPENSSH ", "PRIVATE KEY-----\n", c, _A, "\n-----END OPENSSH ", "PRIVATE KEY-----"
    ),
    "PGP": lambda c: _j(
        "-----BEGIN PGP ", "PRIVATE KEY BLOCK-----\n", c, _A, "\n-----END PGP ", "PRIVATE KEY BLOCK-----"
    ),
    "JWT": lambda c: _j("ey", "JhbGciOiJIUzI1NiJ9.ey", "JzdWIiOiI", c, ".", _A),
    "URL with password": lambda c: f"postgres://app:{c}@db.example.org/app",
    "URL with token": lambda c: f"https://{c}{_A}@git.example.org/x.git",
    "registry login": lambda c: f"user:{c}@registry.example.org/app",
    "apr1 hash": lambda c: _j("$ap", "r1$", c[:8], "$", c, _A[:6]),
    "bcrypt hash": lambda c: _j("$2", "y$10$", c, _A, "./aB3dE5gH7jK9"),
    "sha512 hash": lambda c: _j("$6", "$saltsalt$", c, _A * 3),
    "argon2 hash": lambda c: _j("$ar", "gon2id$v=19$m=65536,t=3,p=4$", c, _A, "$", _A),
    "SOPS ciphertext": lambda c: f"ENC[AES256_GCM,data:{c},iv:{_A},tag:{_A},type:str]",
    "Databricks": lambda c: _j("da", "pi", c, _H[:16]),
    "Linear": lambda c: _j("lin", "_api_", c, _A * 2),
    "Shopify": lambda c: _j("shp", "at_", c, _H[:16]),
}
"""Kinds by their look."""

FORMS: dict[str, str] = {
    "password as an argument": "mysql --password={}",
    "password as a word after": "tool --password {}",
    "requirepass": "requirepass {}",
    "IDENTIFIED BY": "CREATE USER a IDENTIFIED BY '{}';",
    "WITH PASSWORD": "ALTER USER a WITH PASSWORD '{}';",
    "curl -u": "curl -u admin:{} https://example.org/x",
    "bearer header": "curl -H 'Authorization: Bearer {}'",
    "exported variable": "export DB_PASSWORD={}",
}
"""Kinds by the words beside them, in one line of a script."""

NAMES = (
    *("pw", "adminPw", "root_pw", "bindpw", "DBPASS", "password_1", "ADMIN_TOKEN_HASH", "SECRET_KEY_1", "recoveryKey"),
    *("unsealKey", "OPENAI_KEY", "AGE_KEY", "kubeconfig", "dockerConfigJson", "SLACK_WEBHOOK", "pin_code", "creds"),
    *("DATABASE_URL", "mnemonic", "otp", "credentials.json", "id_rsa", "MYSQLPASS", "passwordOld", "password_value"),
    *("passwordBcrypt", "tokenHash", "secretValue", "sessionKey", "jwt_key", "serverKey", "deployKey", "CF_KEY"),
    *("user_key", "routing_key", "age.agekey", "passwords.txt", "password", "apiKey", "clientSecret", "access_token"),
)
"""Kinds by the name of a plain value."""

_HELM = "helm.toolkit.fluxcd.io/v2"
_CHART = {"spec": {"chart": "web", "version": "1.0.0", "sourceRef": {"kind": "HelmRepository", "name": "up"}}}
Document = dict[str, object]


def _doc(kind: str, name: str, api: str = "v1", **fields: object) -> Document:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **fields}


def _release(name: str, values: object) -> Document:
    return _doc("HelmRelease", name, _HELM, spec={"chart": _CHART, "values": values})


def _argo(name: str, helm: object) -> Document:
    source = {"repoURL": "https://charts.example.org", "chart": "web", "targetRevision": "1.0.0", "helm": helm}
    return _doc("Application", name, "argoproj.io/v1alpha1", spec={"source": source})


def _pod(name: str, **container: object) -> Document:
    return _doc("Pod", name, spec={"containers": [{"name": "a", "image": "nginx:1", **container}]})


def _any(name: str, spec: object) -> Document:
    return _doc("Thing", name, "example.org/v1", spec=spec)


def _flux(name: str, **spec: object) -> Document:
    return _doc("Kustomization", name, "kustomize.toolkit.fluxcd.io/v1", spec={"path": "x", **spec})


def _patched(name: str, patch: object, **target: str) -> Document:
    text = patch if isinstance(patch, str) else json.dumps(patch)
    return _flux(name, patches=[{"patch": text, "target": {"kind": "Thing", **target}}])


def _secret(key: str, value: str, name: str = "s") -> Document:
    return _doc("Secret", name, data={key: value})


def _list_of(document: Document) -> Document:
    return {"apiVersion": "v1", "kind": "List", "items": [document]}


def _resource_set(name: str, value: str) -> Document:
    resources = [_doc("ConfigMap", "x", data={"a": value})]
    return _doc("ResourceSet", name, "fluxcd.controlplane.io/v1", spec={"resources": resources})


def _k3s(name: str, values: str) -> Document:
    spec = {"chart": "c", "repo": "https://x.example.org", "valuesContent": values}
    return _doc("HelmChart", name, "helm.cattle.io/v1", spec=spec)


def _crossplane(name: str, manifest: Document) -> Document:
    return _doc("Object", name, "kubernetes.crossplane.io/v1", spec={"forProvider": {"manifest": manifest}})


def _raw(key: str, value: str) -> Document:
    return {"rawResources": {"x": {"apiVersion": "v1", "kind": "Secret", "spec": {"data": {key: value}}}}}


def _source(name: str, url: str) -> Document:
    return _doc("HelmRepository", name, "source.toolkit.fluxcd.io/v1", spec={"url": url})


_NO_PLACE = {("registry login", "an image's tag"), ("registry login", "a source's address")}
"""Kinds and places that do not fit, because the text before the value makes it something else."""

VALUE_PLACES: dict[str, Callable[[str, str], Document]] = {
    "a ConfigMap": lambda n, v: _doc("ConfigMap", n, data={"note": f"see {v}"}),
    "a key of a ConfigMap": lambda n, v: _doc("ConfigMap", n, data={v: "a"}),
    "a file in a ConfigMap": lambda n, v: _doc("ConfigMap", n, data={"a.conf": f"# settings\nline one\n{v}\nlast\n"}),
    "YAML in a ConfigMap": lambda n, v: _doc("ConfigMap", n, data={"a.yaml": f"a:\n  b: {json.dumps(v)}\n"}),
    "JSON in a ConfigMap": lambda n, v: _doc("ConfigMap", n, data={"a.json": json.dumps({"a": [v]})}),
    "an annotation": lambda n, v: _doc("ConfigMap", n) | {"metadata": {"name": n, "annotations": {"a/b": v}}},
    "a key of annotations": lambda n, v: _doc("ConfigMap", n) | {"metadata": {"name": n, "annotations": {v: "a"}}},
    "a label": lambda n, v: _doc("ConfigMap", n) | {"metadata": {"name": n, "labels": {"a": v}}},
    "a name": lambda n, v: _doc("ConfigMap", f"{n}.{v}"),
    "a namespace": lambda n, v: _doc("ConfigMap", n) | {"metadata": {"name": n, "namespace": v}},
    "a setting": lambda n, v: _release(n, {"a": {"b": v}}),
    "a list of settings": lambda n, v: _release(n, {"a": [v, {"b": v}]}),
    "a key of settings": lambda n, v: _release(n, {"a": {v: 1}}),
    "a text of settings": lambda n, v: _argo(n, {"values": f"a: 1\nb: {json.dumps(v)}\n"}),
    "a parameter": lambda n, v: _argo(n, {"parameters": [{"name": "a.b", "value": v}]}),
    "an argument": lambda n, v: _pod(n, args=["run", v]),
    "a command": lambda n, v: _pod(n, command=["sh", "-c", f"echo {v}; sleep 1"]),
    "an environment variable": lambda n, v: _pod(n, env=[{"name": "NOTE", "value": v}]),
    "an image's tag": lambda n, v: _pod(n, image=f"registry.example.org/app:{v}"),
    "a chart's version": lambda n, v: _doc(
        "HelmRelease", n, _HELM, spec={"chart": {"spec": {**_CHART["spec"], "version": v}}}
    ),
    "a source's address": lambda n, v: _source(n, f"https://x.example.org/{v}"),
    "a variable of Flux": lambda n, v: _flux(n, postBuild={"substitute": {"A": v}}),
    "a patch of Flux": lambda n, v: _patched(n, [{"op": "add", "path": "/spec/a", "value": v}]),
    "a deep list": lambda n, v: _any(n, {"a": [[{"b": [v]}]]}),
    "a key of any resource": lambda n, v: _any(n, {"a": {v: {"b": 1}}}),
    "a field with a URL": lambda n, v: _any(n, {"endpoint": f"https://example.org/?q={v}"}),
    "a field of a ResourceSet": _resource_set,
    "an item of a List": lambda n, v: _list_of(_doc("ConfigMap", n, data={"a": v})),
    "a Secret in a list": lambda n, v: _list_of(_secret("a", v, n)),
    "a Secret's text": lambda n, v: _doc("Secret", n, stringData={"a.conf": f"x {v}\n"}),
    "a Secret in settings": lambda n, v: _release(n, {"extraObjects": [_doc("Secret", "s", data={"user": v})]}),
    "a Secret of a template": lambda n, v: _doc("Template", n, "template.openshift.io/v1", objects=[_secret("a", v)]),
}
"""Places of a value with a name of nothing in particular."""

LINE_PLACES: dict[str, Callable[[str, str], Document]] = {
    **{name: VALUE_PLACES[name] for name in ("a file in a ConfigMap", "YAML in a ConfigMap", "a setting")},
    "a ConfigMap": lambda n, v: _doc("ConfigMap", n, data={"a.conf": v}),
    "a command": lambda n, v: _pod(n, command=["sh", "-c", f"set -e; {v}"]),
}
"""Places of a line of a script."""


def _secret_kind(name: str, key: str, value: str) -> Document:
    generate = {"kind": "Secret", "apiVersion": "v1", "name": "s", "data": {"data": {key: value}}}
    return _doc("ClusterPolicy", name, "kyverno.io/v1", spec={"rules": [{"name": "a", "generate": generate}]})


NAMED_PLACES: dict[str, Callable[[str, str, str], Document]] = {
    "a field": lambda n, k, v: _any(n, {k: v}),
    "a deep field": lambda n, k, v: _any(n, {"a": [{"b": {k: v}}]}),
    "a ConfigMap": lambda n, k, v: _doc("ConfigMap", n, data={k: v}),
    "properties in a ConfigMap": lambda n, k, v: _doc("ConfigMap", n, data={"a.properties": f"x=1\n{k}={v}\n"}),
    "an ini file in a ConfigMap": lambda n, k, v: _doc("ConfigMap", n, data={"a.ini": f"[db]\n{k} = {v}\n"}),
    "YAML in a ConfigMap": lambda n, k, v: _doc("ConfigMap", n, data={"a.yaml": f"db:\n  {k}: {v}\n"}),
    "flow YAML in a ConfigMap": lambda n, k, v: _doc("ConfigMap", n, data={"a.yaml": f"db: {{{k}: {v}}}\nb: 1\n"}),
    "JSON in a ConfigMap": lambda n, k, v: _doc("ConfigMap", n, data={"a.json": json.dumps({"db": {k: v}}, indent=1)}),
    "XML in a ConfigMap": lambda n, k, v: _doc("ConfigMap", n, data={"a.xml": f"<a><{k}>{v}</{k}></a>"}),
    "a setting": lambda n, k, v: _release(n, {"auth": {k: v}}),
    "a setting of a list": lambda n, k, v: _release(n, {"a": [{k: v}]}),
    "pairs in settings": lambda n, k, v: _release(n, {"env": [{"name": k, "value": v}]}),
    "pairs, value first": lambda n, k, v: _release(n, {"env": [{"value": v, "name": k}]}),
    "a text of settings": lambda n, k, v: _argo(n, {"values": f"a:\n  {k}: {v}\n"}),
    "pairs in a text of settings": lambda n, k, v: _argo(n, {"values": f"env:\n  - name: {k}\n    value: {v}\n"}),
    "pairs in flow style in a text": lambda n, k, v: _argo(n, {"values": f"env: [{{name: {k}, value: {v}}}]\n"}),
    "pairs in JSON in a text": lambda n, k, v: _argo(n, {"values": json.dumps({"env": [{"name": k, "value": v}]})}),
    "an object of settings": lambda n, k, v: _argo(n, {"valuesObject": {"a": {k: v}}}),
    "a parameter": lambda n, k, v: _argo(n, {"parameters": [{"name": f"auth.{k}", "value": v}]}),
    "a text of k3s": lambda n, k, v: _k3s(n, f"a:\n  {k}: {v}\n"),
    "an environment variable": lambda n, k, v: _pod(n, env=[{"name": k, "value": v}]),
    "a flag with its value": lambda n, k, v: _pod(n, args=[f"--{k}={v}"]),
    "a variable of Flux": lambda n, k, v: _flux(n, postBuild={"substitute": {k: v}}),
    "a merge patch of Flux": lambda n, k, v: _patched(
        n, f"apiVersion: v1\nkind: Thing\nmetadata: {{name: a}}\nspec:\n  {k}: {v}\n"
    ),
    "a JSON patch of Flux": lambda n, k, v: _patched(n, [{"op": "replace", "path": f"/spec/{k}", "value": v}]),
    "a Secret": lambda n, k, v: _doc("Secret", n, data={k: v}),
    "a Secret in settings": lambda n, k, v: _release(n, {"extraObjects": [_doc("Secret", "s", data={k: v})]}),
    "a Secret that Kyverno makes": _secret_kind,
    "a Secret of Crossplane": lambda n, k, v: _crossplane(n, _secret(k, v)),
    "a raw resource of app-template": lambda n, k, v: _release(n, _raw(k, v)),
}
"""Places of a name and its value."""


@dataclass(frozen=True)
class Planted:
    """One secret: its kind, its place, and the core by which it is found."""

    kind: str
    place: str
    core: str


def plant(commit: int, *, kinds: int | None = None, places: int | None = None) -> Iterator[tuple[Planted, str, str]]:
    """The secrets of one commit, with the paths and texts of their files.

    Args:
        commit: its number. Commits have different secrets.
        kinds: the number of kinds in each group, or None for all.
        places: the number of places in each group, or None for all.
    """
    for number, (planted, document) in enumerate(_documents(commit, kinds, places)):
        yield planted, f"apps/{number}.yaml", json.dumps(document)
    for planted, value in _values(commit, "a path", kinds):
        path = "".join(letter if letter.isalnum() or letter in "-_.$=" else "-" for letter in value)
        if path == value:
            yield planted, f"paths/{path}/a.yaml", json.dumps(_doc("ConfigMap", "a"))


def subject(commit: int, kinds: int | None = None) -> tuple[list[Planted], list[str]]:
    """Secrets in the subjects of commits."""
    found = [(planted, value) for planted, value in _values(commit, "a subject", kinds) if "\n" not in value]
    return [planted for planted, _ in found], [f"chore: use {value}" for _, value in found]


def _documents(commit: int, kinds: int | None, places: int | None) -> Iterator[tuple[Planted, Document]]:
    for place, make in list(VALUE_PLACES.items())[:places]:
        for planted, value in _values(commit, place, kinds):
            yield planted, make(f"n{planted.core[-8:]}", value)
    for place, make in list(LINE_PLACES.items())[:places]:
        for kind, line in list(FORMS.items())[:kinds]:
            planted = _planted(commit, kind, f"{place} (line)")
            yield planted, make(f"n{planted.core[-8:]}", line.format(planted.core))
    for place, make_named in list(NAMED_PLACES.items())[:places]:
        for name in NAMES[:kinds]:
            planted = _planted(commit, name, f"{place} (by name)")
            yield planted, make_named(f"n{planted.core[-8:]}", name, planted.core)


def _values(commit: int, place: str, kinds: int | None) -> Iterator[tuple[Planted, str]]:
    for kind, make in list(SHAPED.items())[:kinds]:
        if (kind, place) in _NO_PLACE:
            continue
        planted = _planted(commit, kind, place)
        yield planted, make(planted.core)


def _planted(commit: int, kind: str, place: str) -> Planted:
    digest = hashlib.sha256(f"{commit} {kind} {place}".encode()).hexdigest()
    return Planted(kind, place, MARK + digest[: CORE - len(MARK)])
