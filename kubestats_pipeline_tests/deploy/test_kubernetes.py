"""The files for Kubernetes: resources, and pods made of the values, against the schema of Kubernetes itself."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.report.serve import HEADERS
from kubestats_pipeline_tests.deploy.files import DEPLOY, resources, user_of_the_image, values

kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
GUIDE = (DEPLOY / "kubernetes" / "README.md").read_text()


def launcher() -> Mapping[str, Any]:
    found: Mapping[str, Any] = values()["runLauncher"]["config"]["k8sRunLauncher"]
    return found


def parts() -> dict[str, Mapping[str, Any]]:
    """The parts that the chart makes pods of, by name, with the shape of their values in common."""
    (code,) = values()["dagster-user-deployments"]["deployments"]
    run = launcher()
    pod = run["runK8sConfig"]
    return {
        "webserver": values()["dagsterWebserver"],
        "daemon": values()["dagsterDaemon"],
        "code": code,
        "run": {**run, **pod["containerConfig"], "podSecurityContext": pod["podSpecConfig"]["securityContext"]},
    }


def pod_of(part: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A pod with the settings of one part, as the chart puts them together."""
    container = {
        "name": "one",
        "image": "kubestats:1",
        "securityContext": part["securityContext"],
        "resources": part["resources"],
        "volumeMounts": part["volumeMounts"],
        "envFrom": [{"configMapRef": each} for each in part.get("envConfigMaps", [])]
        + [{"secretRef": each} for each in part.get("envSecrets", [])],
    }
    spec = {"securityContext": part["podSecurityContext"], "volumes": part["volumes"], "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}, "spec": {**spec, **(more or {})}}


def problem(resource: Mapping[str, Any]) -> str | None:
    """What the schema of Kubernetes says against a resource. None if nothing."""
    try:
        kubernetes_validate.validate(resource, "1.37", strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
    return None


@pytest.mark.parametrize("resource", resources(), ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_a_resource_is_of_the_schema(resource: Mapping[str, Any]):
    assert problem(resource) is None


def test_a_wrong_field_would_be_found():
    assert "accessMode" in (problem({**resources()[1], "spec": {"accessMode": ["ReadWriteOnce"]}}) or "")


@pytest.mark.parametrize("name", parts())
def test_the_pod_of_a_part_is_of_the_schema(name: str):
    more = launcher()["runK8sConfig"]["podSpecConfig"] if name == "run" else None
    assert problem(pod_of(parts()[name], more)) is None


@pytest.mark.parametrize("name", parts())
def test_a_part_has_the_rights_of_a_restricted_pod(name: str):
    """What the label pod-security.kubernetes.io/enforce=restricted asks for, and a read-only root."""
    pod, container = parts()[name]["podSecurityContext"], parts()[name]["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert f"{pod['runAsUser']}:{pod['runAsGroup']}" == user_of_the_image()
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert {"/srv/kubestats/data", "/tmp"} <= {each["mountPath"] for each in parts()[name]["volumeMounts"]}  # noqa: S108


def test_names_of_one_file_are_those_of_the_others():
    made = {(each["kind"], each["metadata"]["name"]) for each in resources()}
    for part in parts().values():
        for each in part.get("envConfigMaps", []):
            assert ("ConfigMap", each["name"]) in made
        for each in part.get("envSecrets", []):
            assert f"create secret generic {each['name']} " in GUIDE
        for volume in part["volumes"]:
            claim = volume.get("persistentVolumeClaim", {}).get("claimName", "kubestats-pipeline")
            assert ("PersistentVolumeClaim", claim) in made
    assert f"create secret generic {values()['global']['postgresqlSecretName']} " in GUIDE
    (runs,) = [each for each in resources() if each["metadata"]["name"] == "runs-to-the-world"]
    labels = launcher()["runK8sConfig"]["podTemplateSpecMetadata"]["labels"]
    assert runs["spec"]["podSelector"]["matchLabels"] == labels


def test_no_service_puts_a_variable_of_ours_into_pods():
    """Kubernetes names variables after Services, and an unknown variable KUBESTATS_… is refused."""
    names = [each["name"] for each in values()["dagster-user-deployments"]["deployments"]]
    names += [each["metadata"]["name"] for each in resources() if each["kind"] == "Service"]
    assert [name for name in names if name.upper().replace("-", "_").startswith("KUBESTATS")] == []
    assert "helm install dagster dagster/dagster " in GUIDE


def test_the_webserver_is_looked_for_where_it_listens():
    port = values()["dagsterWebserver"]["service"]["port"]
    assert port > 1023, "a user without rights"
    assert values()["dagsterWebserver"]["readinessProbe"]["httpGet"]["port"] == port
    (policy,) = [each for each in resources() if each["metadata"]["name"] == "webserver-from-ingress"]
    assert [each["port"] for rule in policy["spec"]["ingress"] for each in rule["ports"]] == [port]


def test_only_runs_have_the_token():
    holders = [name for name, part in parts().items() if {"name": "kubestats-github"} in part.get("envSecrets", [])]
    assert holders == ["run"]


@pytest.mark.skipif(NGINX is None, reason="needs nginx (Debian: apt-get install nginx)")
def test_nginx_takes_the_site_of_the_pages(tmp_path: Path):
    (site,) = [
        each["data"]["default.conf"] for each in resources() if each["metadata"]["name"] == "pages" and "data" in each
    ]
    (tmp_path / "site.conf").write_text(site)
    main = tmp_path / "nginx.conf"
    main.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; include {tmp_path}/site.conf; }}"
    )
    said = subprocess.run([str(NGINX), "-t", "-p", tmp_path, "-c", main], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert HEADERS["Content-Security-Policy"] in site


def test_the_pages_have_the_rights_of_a_restricted_pod():
    (pages,) = [each["spec"]["template"]["spec"] for each in resources() if each["kind"] == "Deployment"]
    assert f"{pages['securityContext']['runAsUser']}:{pages['securityContext']['runAsGroup']}" == user_of_the_image()
    for container in pages["containers"]:
        assert container["securityContext"] == values()["dagsterWebserver"]["securityContext"]


def test_the_chart_is_that_of_dagsters_version():
    (pinned,) = [line for line in (DEPLOY / "constraints.txt").read_text().splitlines() if line.startswith("dagster==")]
    assert f"--version {pinned.partition('==')[2]} " in GUIDE


def test_dagster_takes_the_launchers_configuration():
    """Put together as the chart's template does, with the names that it makes up itself."""
    dagster_k8s = pytest.importorskip("dagster_k8s", reason="needs dagster-k8s")
    from dagster._config import process_config, resolve_to_config_type

    given = launcher()
    config = {
        "load_incluster_config": given["loadInclusterConfig"],
        "image_pull_policy": given["imagePullPolicy"],
        "job_namespace": "kubestats",
        "service_account_name": "dagster",
        "dagster_home": values()["global"]["dagsterHome"],
        "instance_config_map": "dagster-instance",
        "postgres_password_secret": values()["global"]["postgresqlSecretName"],
        "env_config_maps": [each["name"] for each in given["envConfigMaps"]],
        "env_secrets": [each["name"] for each in given["envSecrets"]],
        "security_context": given["securityContext"],
        "volumes": given["volumes"],
        "volume_mounts": given["volumeMounts"],
        "run_k8s_config": {
            "container_config": given["runK8sConfig"]["containerConfig"],
            "pod_spec_config": given["runK8sConfig"]["podSpecConfig"],
            "pod_template_spec_metadata": given["runK8sConfig"]["podTemplateSpecMetadata"],
            "job_spec_config": given["runK8sConfig"]["jobSpecConfig"],
        },
    }
    evaluated = process_config(resolve_to_config_type(dagster_k8s.K8sRunLauncher.config_type()), config)
    assert evaluated.success, evaluated.errors
