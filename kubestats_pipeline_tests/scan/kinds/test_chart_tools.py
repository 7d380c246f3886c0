"""Releases of tools beside Flux and Argo CD, each in the form that the tool documents."""

import pytest

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, ValuesPart
from kubestats_pipeline.scan.manifests.manifests import FileContent, Manifest, read_file
from kubestats_pipeline_tests.scan.world import Tree, oci_repository, release

CHARTS = "https://charts.example.org"


def read(text: str, name: str = "") -> FileContent:
    return read_file(text.encode(), name, Bounds())


def resources(text: str, name: str = "") -> dict[str, Manifest]:
    return {each.key.name: each for each in read(text, name).manifests}


def facts(text: str) -> Facts:
    (manifest,) = read(text).manifests
    return manifest.facts


def told(manifest: Manifest) -> tuple[str, str | None, ChartUse | None, str | None]:
    return (manifest.key.kind, manifest.key.namespace, manifest.facts.chart, manifest.facts.app_name)


@pytest.mark.parametrize(
    ("helm", "use"),
    [
        (
            f"{{releaseName: web, chart: web, repo: '{CHARTS}', version: 1.10}}",
            ChartUse(name="web", version="1.10", url=CHARTS),
        ),
        (
            "{releaseName: web, chart: 'oci://ghcr.io/org/web', version: 1.2.3}",
            ChartUse(name="oci://ghcr.io/org/web", version="1.2.3", url="oci://ghcr.io/org/web"),
        ),
        (
            "{releaseName: web, repo: 'oci://ghcr.io/org/web'}",
            ChartUse(name="oci://ghcr.io/org/web", url="oci://ghcr.io/org/web"),
        ),
        (
            f"{{releaseName: web, chart: '{CHARTS}/web-0.0.1.tgz'}}",
            ChartUse(name="web", version="0.0.1", url=CHARTS),
        ),
        ("{releaseName: web, chart: ./charts/web}", ChartUse(name="web", kind="path")),
    ],
)
def test_a_fleet_yaml_installs_a_chart(helm: str, use: ChartUse) -> None:
    found = resources(f"defaultNamespace: media\nhelm: {helm}\n", "fleet.yaml")
    assert told(found["web"]) == ("FleetRelease", "media", use, "web")
    assert found["web"].facts.is_release


def test_a_fleet_yaml_without_a_chart_installs_its_folder() -> None:
    assert read("namespace: a\nhelm: {releaseName: r, chart: '', values: {a: 1}}\n", "fleet.yaml").manifests == ()


def test_a_customization_of_fleet_with_another_version_is_a_release_of_its_own() -> None:
    found = resources(
        f"""
namespace: common
helm:
  {{releaseName: web, chart: web, repo: '{CHARTS}', version: 1.0.0, values: {{image: 'o/a:1'}}, valuesFiles: [v.yaml]}}
targetCustomizations:
- {{name: prod, namespace: own, helm: {{version: 2.10, values: {{image: 'o/a:2'}}}}}}
- {{name: dev, helm: {{values: {{replicas: 1}}}}}}
- {{name: none, doNotDeploy: true, helm: {{version: 3.0.0}}}}
""",
        "fleet.yaml",
    )
    assert {name: told(each)[1:] for name, each in found.items()} == {
        "web": ("common", ChartUse(name="web", version="1.0.0", url=CHARTS), "web"),
        "web-prod": ("own", ChartUse(name="web", version="2.10", url=CHARTS), "web"),
    }
    assert found["web-prod"].facts.values == (
        ValuesPart("map", ("spec", "values")),
        ValuesPart("file", path="v.yaml"),
        ValuesPart("map", ("spec", "targetValues")),
    )


def test_a_helm_op_of_fleet_is_a_release() -> None:
    said = facts(
        f"""
apiVersion: fleet.cattle.io/v1alpha1
kind: HelmOp
metadata: {{name: x}}
spec: {{helm: {{chart: web, repo: '{CHARTS}', version: 1.2.3, values: {{image: 'o/a:1'}}}}}}
"""
    )
    assert (said.chart, said.app_name) == (ChartUse(name="web", version="1.2.3", url=CHARTS), "x")
    assert [image.tag for image in said.images] == ["1"]


HELMFILE = f"""
repositories:
- {{name: charts, url: '{CHARTS}'}}
- {{name: registry, url: ghcr.io/org, oci: true}}
---
releases:
- name: web
  chart: charts/web
  version: 1.10
  namespace: media
  values: [values/web.yaml, {{image: 'o/a:1'}}]
  set: [{{name: a.b, value: c}}]
- {{name: api, chart: registry/api, version: 2.0.0, values: [values.yaml.gotmpl]}}
- {{name: artifact, chart: 'oci://ghcr.io/org/x', version: 3.0.0}}
- {{name: gone, chart: charts/gone, installed: false}}
- {{name: other, chart: elsewhere/other, version: 4.0.0}}
- {{name: local, chart: ./charts/local}}
- {{name: filled, chart: '{{{{ .Values.chart }}}}'}}
"""


def test_a_helmfile_lists_releases_whose_repositories_may_stand_in_another_document() -> None:
    found = resources(HELMFILE, "helmfile.yaml")
    assert {name: each.facts.chart for name, each in found.items()} == {
        "web": ChartUse(name="web", version="1.10", url=CHARTS),
        "api": ChartUse(name="api", version="2.0.0", url="oci://ghcr.io/org/api"),
        "artifact": ChartUse(name="oci://ghcr.io/org/x", version="3.0.0", url="oci://ghcr.io/org/x"),
        "other": ChartUse(name="other", version="4.0.0", unknown="its repository elsewhere is not in the helmfile"),
        "local": ChartUse(name="local", kind="path"),
        "filled": ChartUse(name="{{ .Values.chart }}", unknown="its chart is given by a template"),
    }
    assert told(found["web"])[:2] == ("HelmfileRelease", "media")
    assert found["web"].facts.values == (
        ValuesPart("file", path="values/web.yaml"),
        ValuesPart("map", ("spec", "values", 1)),
        ValuesPart("parameters", ("spec", "set")),
    )
    assert [image.image for image in found["web"].facts.images] == ["docker.io/o/a"]
    assert found["api"].facts.values == (ValuesPart("unknown"),)


def test_a_release_of_a_helmfile_inherits_its_templates() -> None:
    found = resources(
        f"""
repositories: [{{name: r, url: '{CHARTS}'}}]
templates:
  common: {{chart: r/web, version: 1.10, values: [a.yaml]}}
defaultInherit: common
releases:
- {{name: one, values: [b.yaml]}}
- {{name: two, inherit: [{{template: absent}}], chart: r/two}}
""",
        "helmfile.yaml",
    )
    assert found["one"].facts.chart == ChartUse(name="web", version="1.10", url=CHARTS)
    assert [part.path for part in found["one"].facts.values] == ["a.yaml", "b.yaml"]
    assert found["two"].facts.chart == ChartUse(name="two", version="1.10", url=CHARTS)
    (alone,) = read("defaultInherit: common\nreleases: [{name: one}]\n", "helmfile.yaml").manifests
    assert alone.facts.chart == ChartUse(unknown="its chart is given by a template")


@pytest.mark.parametrize("path", ["helmfile.yaml", "boot/helmfile.d/00-crds.yaml", "boot/helmfile/apps.yaml"])
def test_a_helmfile_is_known_by_its_name_or_folder(path: str) -> None:
    tree = Tree().put({path: HELMFILE})
    found = tree.resolution("web", "HelmfileRelease")
    assert (found.chart_name, found.chart_url, found.version, found.namespace) == ("web", CHARTS, "1.10", "media")


def test_a_release_of_a_helmfile_that_flux_has_too_is_a_bootstrap() -> None:
    tree = Tree().put({"helmfile.yaml": HELMFILE, "old/helmfile.yaml": HELMFILE})

    def contexts() -> list[str]:
        active = tree.replay.active.values()
        named = [each for each in active if each.identity.key.name == "web" and each.identity.key.kind != "HelmRelease"]
        return sorted(each.context for each in named)

    assert contexts() == ["active", "archived"]
    tree.put(
        {
            "a.yaml": release("web", chartRef={"kind": "OCIRepository", "name": "app"}),
            "b.yaml": oci_repository("app", "1"),
        }
    )
    assert contexts() == ["archived", "bootstrap"]
    assert tree.resolutions() == tree.from_scratch()
    tree.put({"old/a.yaml": release("web"), "a.yaml": None})
    assert contexts() == ["active", "archived"], "a release in an archive takes over nothing"


@pytest.mark.parametrize(
    ("text", "use", "app"),
    [
        (
            "apiVersion: helm.crossplane.io/v1beta1\nkind: Release\nmetadata: {name: x}\n"
            f"spec: {{forProvider: {{namespace: a, chart: {{name: web, repository: '{CHARTS}', version: 1.10}}}}}}\n",
            ChartUse(name="web", version="1.10", url=CHARTS),
            "x",
        ),
        (
            "apiVersion: helm.crossplane.io/v1beta1\nkind: Release\nmetadata: {name: x}\n"
            f"spec: {{forProvider: {{chart: {{url: '{CHARTS}/web-1.2.3.tgz'}}}}}}\n",
            ChartUse(name="web", version="1.2.3", url=CHARTS),
            "x",
        ),
        (
            "apiVersion: addons.cluster.x-k8s.io/v1alpha1\nkind: HelmChartProxy\nmetadata: {name: x}\n"
            f"spec: {{chartName: cilium, repoURL: '{CHARTS}', version: 1.14.3, releaseName: r, valuesTemplate: a}}\n",
            ChartUse(name="cilium", version="1.14.3", url=CHARTS),
            "r",
        ),
        (
            "apiVersion: kappctrl.k14s.io/v1alpha1\nkind: App\nmetadata: {name: x}\n"
            f"spec: {{fetch: [{{helmChart: {{name: redis, version: 12.2.4, repository: {{url: '{CHARTS}'}}}}}}]}}\n",
            ChartUse(name="redis", version="12.2.4", url=CHARTS),
            "x",
        ),
        (
            "apiVersion: helm.k0sproject.io/v1beta1\nkind: Chart\nmetadata: {name: x}\n"
            "spec: {chartName: 'oci://ghcr.io/o/web', version: 1.2.3, releaseName: r}\n",
            ChartUse(name="oci://ghcr.io/o/web", version="1.2.3", url="oci://ghcr.io/o/web"),
            "r",
        ),
    ],
)
def test_a_controller_installs_the_chart_that_its_object_names(text: str, use: ChartUse, app: str) -> None:
    said = facts(text)
    assert (said.chart, said.app_name, said.is_release) == (use, app, True)


@pytest.mark.parametrize(
    "place", ["resources: [%s]", "pipeline: [{step: s, input: {kind: Resources, resources: [%s]}}]"]
)
def test_a_composition_makes_releases(place: str) -> None:
    base = (
        "{name: flux, base: {apiVersion: helm.crossplane.io/v1beta1, kind: Release, spec: {forProvider: "
        f"{{namespace: flux-system, chart: {{name: flux2, repository: '{CHARTS}', version: 2.7.0}}}}}}}}}}"
    )
    head = "apiVersion: apiextensions.crossplane.io/v1\nkind: Composition\nmetadata: {name: c}\n"
    found = resources(f"{head}spec: {{{place % base}}}\n")
    use = ChartUse(name="flux2", version="2.7.0", url=CHARTS)
    assert told(found["flux"]) == ("Release", "flux-system", use, "flux")
    assert not found["c"].facts.is_release


def test_a_profile_of_sveltos_lists_charts() -> None:
    found = resources(
        f"""
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {{name: p}}
spec:
  helmCharts:
  - repositoryURL: {CHARTS}
    repositoryName: kyverno
    chartName: kyverno/kyverno
    chartVersion: v3.3.3
    releaseName: kyverno-latest
    releaseNamespace: kyverno
    values: "image: {{repository: o/a, tag: '1'}}"
  - {{repositoryURL: '{CHARTS}', chartName: gone, releaseName: gone, helmChartAction: Uninstall}}
"""
    )
    use = ChartUse(name="kyverno", version="v3.3.3", url=CHARTS)
    assert told(found["kyverno-latest"]) == ("HelmChart", "kyverno", use, "kyverno-latest")
    assert [image.tag for image in found["kyverno-latest"].facts.images] == ["1"]
    assert found.keys() == {"p", "kyverno-latest"}


@pytest.mark.parametrize(
    ("head", "place"),
    [
        ("apiVersion: k0s.k0sproject.io/v1beta1\nkind: ClusterConfig", "%s"),
        ("apiVersion: k0sctl.k0sproject.io/v1beta1\nkind: Cluster", "spec: {k0s: {config: {%s}}}"),
    ],
)
def test_a_configuration_of_k0s_lists_charts(head: str, place: str) -> None:
    helm = (
        f"spec: {{extensions: {{helm: {{repositories: [{{name: r, url: '{CHARTS}'}}], charts: ["
        "{name: web, chartname: r/web, version: 1.2.3, namespace: apps}, "
        "{name: oci, chartname: 'oci://ghcr.io/o/x', version: 2.0.0, namespace: apps}]}}}"
    )
    found = resources(f"{head}\nmetadata: {{name: k0s}}\n{place % helm}\n")
    assert told(found["web"]) == ("Chart", "apps", ChartUse(name="web", version="1.2.3", url=CHARTS), "web")
    assert told(found["oci"])[2] == ChartUse(name="oci://ghcr.io/o/x", version="2.0.0", url="oci://ghcr.io/o/x")


@pytest.mark.parametrize(
    ("spec", "version"),
    [
        ("{name: etcd, channel: stable, startingCSV: etcdoperator.v0.9.4}", "v0.9.4"),
        ("{name: etcd, channel: stable-3.x}", "stable-3.x"),
    ],
)
def test_a_subscription_has_a_version_and_no_chart(spec: str, version: str) -> None:
    said = facts(
        f"apiVersion: operators.coreos.com/v1alpha1\nkind: Subscription\nmetadata: {{name: x}}\nspec: {spec}\n"
    )
    assert (said.version, said.app_name, said.chart) == (version, "etcd", None)


def test_an_installed_package_has_the_versions_that_may_be_installed() -> None:
    spec = "{packageRef: {refName: cert-manager.example.org, versionSelection: {constraints: '>=1.2'}}}"
    head = "apiVersion: packaging.carvel.dev/v1alpha1\nkind: PackageInstall\nmetadata: {name: x}\n"
    said = facts(f"{head}spec: {spec}\n")
    assert (said.version, said.app_name, said.chart) == (">=1.2", "cert-manager.example.org", None)


def test_kustomize_s_older_field_inflates_charts_too() -> None:
    entry = f"{{chartName: nats, chartVersion: v0.13.1, chartRepoUrl: '{CHARTS}', releaseName: n3, values: v.yaml}}"
    found = resources(f"helmChartInflationGenerator: [{entry}]\n", "kustomization.yaml")
    assert told(found["n3"])[2] == ChartUse(name="nats", version="v0.13.1", url=CHARTS)
    assert found["n3"].facts.values == (ValuesPart("file", path="v.yaml"),)
