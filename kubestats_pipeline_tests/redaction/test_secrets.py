"""Secrets of every sort, planted in a repository over two commits, are in nothing that a whole run leaves behind."""

import base64
from pathlib import Path

import duckdb
import polars as pl

from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.demo import Command

WORD = "xq7Zk9Plant3d"
"""The start of every planted secret; a number and the commit's letter follow."""


def head(api: str, kind: str, name: str = "%s") -> str:
    return f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}}}\n"


SECRET, ANY = head("v1", "Secret"), head("example.org/v1", "Thing")
HELM, FLUX = head("helm.toolkit.fluxcd.io/v2", "HelmRelease"), head("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
REPOSITORY = head("source.toolkit.fluxcd.io/v1", "HelmRepository")
CHART = "chart: {spec: {chart: c, version: '1', sourceRef: {kind: HelmRepository, name: s}}}"
ARGO = "source: {chart: c, repoURL: 'https://u:@@x.org', targetRevision: '1', helm: {parameters: [%s]}}"
A_PATCH = "kind: HelmRelease\\nspec: {releaseName: x, values: {password: '@'}}"

PLANTED = {
    "stringData": SECRET + "stringData: {a: '@'}\n",
    "data": SECRET + "data: {a: '#'}\n",
    "a list": "apiVersion: v1\nkind: List\nitems:\n"
    "- {apiVersion: v1, kind: Secret, metadata: {name: %s}, stringData: {a: '@'}}\n",
    "a broken Secret": SECRET + "stringData:\n  a: '@\n  b: [\n",
    "a template": SECRET + "stringData:\n  a: @\n{{- if .Values.x }}\n",
    "SOPS": SECRET + "stringData: {a: 'ENC[AES256_GCM,data:@,type:str]'}\nsops: {mac: '@', version: '3'}\n",
    "an encrypted kind": "kind: 'ENC[AES256_GCM,data:@]'\napiVersion: v1\nmetadata: {name: %s}\nsops: {mac: x}\n",
    "a sealed one": head("bitnami.com/v1alpha1", "SealedSecret") + "spec: {encryptedData: {a: '@'}}\n",
    "last applied": ANY + "  annotations: {kubectl.kubernetes.io/last-applied-configuration: '@'}\n",
    "a password": ANY + "spec: {adminPassword: '@', size: 1}\n",
    "an environment variable": ANY + "spec: {env: [{name: API_TOKEN, value: '@'}]}\n",
    "an argument": ANY + "spec: {args: [--db-password, '@', '--token=@']}\n",
    "a URL": ANY + "spec: {url: 'https://user:@@example.org/x'}\n",
    "a file in a ConfigMap": head("v1", "ConfigMap") + 'data: {a.ini: "[db]\\npassword = @\\n"}\n',
    "Helm values": HELM + "spec: {" + CHART + ", values: {auth: {password: '@'}, extra: {a: {apiKey: '@'}}}}\n",
    "a text of values": head("helm.cattle.io/v1", "HelmChart")
    + "spec: {chart: c, repo: 'https://x.org', valuesContent: \"auth:\\n  password: '@'\\n\"}\n",
    "a parameter": head("argoproj.io/v1alpha1", "Application")
    + "spec: {"
    + ARGO % "{name: auth.password, value: '@'}"
    + "}\n",
    "a source": REPOSITORY + "spec: {url: 'https://u:@@x.org'}\n",
    "a variable": FLUX + "spec: {path: vars, postBuild: {substitute: {DB_PASSWORD: '@', U: 'https://u:@@x.org'}}}\n",
    "a patch": FLUX + 'spec: {path: vars, patches: [{patch: "' + A_PATCH + '", target: {kind: HelmRelease}}]}\n',
    "an image": head("v1", "Pod") + "spec: {containers: [{name: a, image: 'user:@@reg.io/x:1'}]}\n",
}
"""Texts with `%s` for a name, `@` for a secret and `#` for one in base64."""

NAMED = (
    "chart: {spec: {chart: '${DB_PASSWORD}', version: '${DB_PASSWORD}', sourceRef: {kind: HelmRepository, name: v}}}"
)
OTHERS = {
    "vars/hr.yaml": HELM % "v" + "spec: {releaseName: '${DB_PASSWORD}', " + NAMED + "}\n",
    "vars/repo.yaml": REPOSITORY % "v" + "spec: {url: '${U}'}\n",
    "gen/kustomization.yaml": "resources: [hr.yaml]\nconfigMapGenerator: [{name: vals, files: [values.yaml]}]\n"
    "secretGenerator: [{name: x, literals: ['a=@']}]\n",
    "gen/values.yaml": "auth: {password: '@'}\nenv: [{name: TOKEN, value: '@'}]\nplain: seen\n",
    "gen/hr.yaml": HELM % "g" + "spec: {" + CHART + ", valuesFrom: [{kind: ConfigMap, name: vals}]}\n",
    "gen/.env.yaml": "password: '@'\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: w\nversion: '1'\n"
    "dependencies: [{name: d, version: '1', repository: 'https://u:@@x.org'}]\n",
    "chart/values.yaml": "d: {auth: {token: '@'}}\n",
}
WITHOUT = ("vars/hr.yaml", "vars/repo.yaml", "gen/hr.yaml")
"""Files that only take in what others hold."""


def planted(letter: str) -> dict[str, str]:
    """The files of one commit; each secret is another one."""
    files = {
        f"{number}.yaml": text.replace("%s", f"n{number}") for number, text in enumerate(PLANTED.values())
    } | OTHERS
    filled = {}
    for number, (path, text) in enumerate(files.items()):
        secret = f"{WORD}{number}{letter}"
        text = text.replace("@@", f"{secret}\0").replace("@", secret).replace("\0", "@")
        filled[path] = text.replace("#", base64.b64encode(secret.encode()).decode())
    return filled


ENCODED = [base64.b64encode((" " * shift + WORD).encode())[4 if shift else 0 : -4] for shift in range(3)]
"""What every base64 text has in it that holds the word, whatever stands before it."""


def leaks(content: bytes) -> bool:
    return WORD.encode() in content or any(each in content for each in ENCODED)


def run_on_both(directory: Path) -> tuple[Path, str]:
    """The data folder after a run over both commits, and what it printed."""
    repository = GitRepository(directory / "home/cluster")
    for letter in "ab":
        repository.commit(planted(letter), message=f"chore: set password={WORD}{letter}")
    command = Command(directory)
    finished = command("run", env={"KUBESTATS_REPOSITORIES": str(repository.path)}, timeout=400)
    assert finished.returncode == 0, finished.stderr
    return command.data, finished.stdout + finished.stderr


def files_of(data: Path) -> list[Path]:
    """All but the mirrors, which are copies of what the repository's owner published."""
    return [path for path in data.rglob("*") if path.is_file() and path.relative_to(data).parts[0] != "git"]


def test_the_check_itself_would_find_them() -> None:
    texts = planted("a")
    assert all(
        leaks(text.encode())
        for path, text in texts.items()
        if path not in ("vars/hr.yaml", "vars/repo.yaml", "gen/hr.yaml")
    )
    assert leaks(base64.b64encode(f"ab{WORD}".encode()))


def assert_no_byte_holds_one(data: Path) -> None:
    files = files_of(data)
    assert {"lake", "dagster", "kubestats.duckdb"} <= {path.relative_to(data).parts[0] for path in files}
    assert [path.relative_to(data) for path in files if leaks(path.read_bytes())] == []


def assert_no_row_holds_one(data: Path) -> None:
    """Where files are compressed, bytes do not tell."""
    parts = [path for path in files_of(data) if path.suffix == ".parquet"]
    rows = {path.relative_to(data): repr(pl.read_parquet(path).to_dicts()) for path in parts}
    assert [path for path, text in rows.items() if leaks(text.encode())] == []
    assert any('"size":1' in text for text in rows.values()), "the resources themselves were read"
    assert any("seen" in text for text in rows.values()), "and the values files"
    with duckdb.connect(str(data / "kubestats.duckdb"), read_only=True) as connection:
        everything = (
            "SELECT view_name FROM duckdb_views() WHERE NOT internal UNION SELECT table_name FROM duckdb_tables()"
        )
        names = [name for (name,) in connection.execute(everything).fetchall()]
        leaking = [name for name in names if leaks(repr(connection.table(name).fetchall()).encode())]
    assert len(names) > 10
    assert leaking == []


def test_no_file_no_row_and_no_output_of_a_whole_run_holds_one(tmp_path: Path) -> None:
    data, printed = run_on_both(tmp_path)
    assert not leaks(printed.encode())
    assert_no_byte_holds_one(data)
    assert_no_row_holds_one(data)
