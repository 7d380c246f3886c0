"""The real Renovate 39 asks a server of our files about a Flux repository, and reports the confidence that they say."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubestats_pipeline_tests.report.received import publish, serve_files, write_answers

RENOVATE = Path(__file__).parents[2] / ".clients" / "renovate" / "node_modules" / "renovate" / "dist" / "renovate.js"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        NODE is None or not RENOVATE.exists(), reason="no node, or no Renovate: `make .clients/renovate/.installed`"
    ),
]

HELM_INDEX = """apiVersion: v1
entries:
  podinfo:
  - {name: podinfo, version: NEW, urls: [podinfo-NEW.tgz]}
  - {name: podinfo, version: 6.5.0, urls: [podinfo-6.5.0.tgz]}
"""

RELEASE = """apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: podinfo, namespace: flux-system}
spec: SOURCE
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: podinfo, namespace: default}
spec:
  chart:
    spec:
      chart: podinfo
      version: 6.5.0
      sourceRef: {kind: HelmRepository, name: podinfo, namespace: flux-system}
"""


def look_up(folder: Path, release: str, port: int, datasource: str) -> list[dict[str, Any]]:
    """The updates that Renovate reports for the files of a folder that is a git repository."""
    repository, host = folder / "repository", f"127.0.0.1:{port}"
    repository.mkdir()
    (repository / "release.yaml").write_text(release)
    subprocess.run(["git", "init", "-q", "."], cwd=repository, check=True)
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    config = folder / "config.json"
    options = {
        "platform": "local",
        "onboarding": False,
        "requireConfig": "ignored",
        "enabledManagers": ["flux"],
        "flux": {"fileMatch": ["release.yaml"]},
        "mergeConfidenceEndpoint": f"http://{host}/",
        "mergeConfidenceDatasources": [datasource],
        "hostRules": [
            {"hostType": "merge-confidence", "matchHost": f"http://{host}", "token": "any"},
            {"hostType": "docker", "matchHost": host, "insecureRegistry": True},
        ],
        "packageRules": [{"matchConfidence": ["high"], "automerge": True}],
        "reportType": "file",
        "reportPath": str(folder / "report.json"),
    }
    config.write_bytes(orjson.dumps(options))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RENOVATE_CONFIG_FILE": str(config),
        "RENOVATE_BASE_DIR": str(folder / "base"),
    }
    command = [str(NODE), str(RENOVATE)]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    report = orjson.loads((folder / "report.json").read_bytes())
    (found,) = report["repositories"]["local"]["packageFiles"]["flux"]
    return [update for each in found["deps"] for update in each["updates"]]


@pytest.mark.parametrize(("new", "confidence"), [("6.5.1", "high"), ("7.0.0", "low"), ("6.6.0", "neutral")])
def test_renovate_reports_the_confidence_of_a_chart_served_over_http(tmp_path: Path, new: str, confidence: str):
    site = tmp_path / "site"
    with serve_files(site) as port:
        address = f"http://127.0.0.1:{port}/charts"
        write_answers(publish(tmp_path, chart_url=address), site)
        (site / "charts").mkdir()
        (site / "charts" / "index.yaml").write_text(HELM_INDEX.replace("NEW", new))
        (update,) = look_up(tmp_path, RELEASE.replace("SOURCE", f'{{url: "{address}"}}'), port, "helm")
    assert (update["newVersion"], update["mergeConfidenceLevel"]) == (new, confidence)


def test_renovate_reports_the_confidence_of_a_chart_in_a_registry(tmp_path: Path):
    site = tmp_path / "site"
    with serve_files(site) as port:
        address = f"127.0.0.1:{port}/charts/podinfo"
        write_answers(publish(tmp_path, chart_url=f"oci://{address}"), site)
        tags = site / "v2" / "charts" / "podinfo" / "tags"
        tags.mkdir(parents=True)
        (tags / "list").write_bytes(orjson.dumps({"name": "charts/podinfo", "tags": ["6.5.0", "6.5.1"]}))
        source = f'{{type: oci, url: "oci://127.0.0.1:{port}/charts"}}'
        (update,) = look_up(tmp_path, RELEASE.replace("SOURCE", source), port, "docker")
    assert (update["newVersion"], update["mergeConfidenceLevel"]) == ("6.5.1", "high")
