"""granite-peak/k8s-gitops: a migration.

HelmRepositories of type oci become OCIRepositories, Ingresses become HTTPRoutes. It shows releases that change their
chart's source but not its version, ingress-nginx leaving as a gateway arrives, bases with an overlay that patches
HelmReleases, and Flux itself being upgraded by a workflow.
"""

from kubestats_pipeline.sample.clusters import granite_files as files
from kubestats_pipeline.sample.clusters.bots import ACTIONS, upgrade, upgrade_image
from kubestats_pipeline.sample.clusters.manifests import (
    app_values,
    chart_release,
    flux_kustomization,
    flux_source,
    helm_repository,
    kustomization,
    namespace,
    oci_repository,
    reference_release,
)
from kubestats_pipeline.sample.clusters.story import (
    Append,
    Delete,
    Person,
    ReplaceText,
    Story,
    StoryCommit,
    TreeChange,
    commit,
    write,
)

ARI = Person("Ari Lindqvist", "ari@granite-peak.example", -6)
SAM = Person("Sam Okoro", "sam@granite-peak.example", 1)

SOURCES = "infrastructure/sources"
BASE = "apps/base"
LINKDING_IMAGE = "ghcr.io/sissbruecker/linkding"
LINKDING = f"{BASE}/linkding/helmrelease.yaml"


def _add(folder: str, name: str, *files: tuple[str, str]) -> tuple[TreeChange, ...]:
    """Bring an application with a namespace of its own into a folder."""
    names = ("namespace.yaml", *(file for file, _ in files))
    return (
        write(f"{folder}/{name}/kustomization.yaml", kustomization(*names, namespace=name)),
        write(f"{folder}/{name}/namespace.yaml", namespace(name)),
        *(write(f"{folder}/{name}/{file}", text) for file, text in files),
    )


def _to_oci_repository(at: str, folder: str, chart: str, version: str, url: str, source: str) -> StoryCommit:
    """Move a release from `spec.chart.spec` with a HelmRepository to `spec.chartRef` with an OCIRepository."""
    name = folder.rsplit("/", 1)[-1]
    before, after = (
        text.split("spec:\n", 1)[1] for text in (chart_release(name, chart, version, source), reference_release(name))
    )
    return commit(
        at,
        ARI,
        f"refactor({name}): take the chart from an OCIRepository",
        ReplaceText(f"{folder}/helmrelease.yaml", before, after),
        write(f"{folder}/ocirepository.yaml", oci_repository(name, url, version)),
        Append(f"{folder}/kustomization.yaml", "  - ocirepository.yaml\n"),
    )


def _to_route(at: str, name: str, service: str, port: int) -> StoryCommit:
    """Replace an application's Ingress by an HTTPRoute."""
    return commit(
        at,
        SAM,
        f"feat({name})!: ingress to httproute",
        Delete(f"{BASE}/{name}/ingress.yaml"),
        write(f"{BASE}/{name}/httproute.yaml", files.http_route(name, service, port)),
        ReplaceText(f"{BASE}/{name}/kustomization.yaml", "ingress.yaml", "httproute.yaml"),
    )


_BEFORE = (
    commit(
        "2026-05-01 09:30",
        ARI,
        "Start over with Flux",
        write("README.md", "# k8s-gitops\n\nFour nodes above the tree line.\n"),
        write("clusters/granite/flux-system/gotk-sync.yaml", flux_source("granite-peak/k8s-gitops")),
        write("clusters/granite/flux-system/gotk-components.yaml", files.CONTROLLER),
        write(
            "clusters/granite/infrastructure.yaml",
            flux_kustomization("sources", f"./{SOURCES}")
            + flux_kustomization("controllers", "./infrastructure/controllers", depends_on=("sources",)),
        ),
        write(
            "clusters/granite/apps.yaml",
            flux_kustomization("apps", "./apps/production", depends_on=("controllers",)),
        ),
    ),
    commit(
        "2026-05-01 11:02",
        ARI,
        "feat: sources of all charts",
        write(f"{SOURCES}/bjw-s.yaml", helm_repository("bjw-s", "oci://ghcr.io/bjw-s-labs/helm")),
        write(f"{SOURCES}/podinfo.yaml", helm_repository("podinfo", "oci://ghcr.io/stefanprodan/charts")),
        write(f"{SOURCES}/grafana.yaml", helm_repository("grafana", "oci://ghcr.io/grafana/helm-charts")),
        write(f"{SOURCES}/nginx.yaml", helm_repository("nginx", "https://kubernetes.github.io/ingress-nginx")),
    ),
    commit(
        "2026-05-01 13:45",
        ARI,
        "feat: ingress",
        write("infrastructure/controllers/kustomization.yaml", kustomization("ingress-nginx")),
        *_add(
            "infrastructure/controllers",
            "ingress-nginx",
            (
                "helmrelease.yaml",
                chart_release("ingress-nginx", "ingress-nginx", "4.14.1", "nginx", files.NGINX_VALUES),
            ),
        ),
    ),
    commit(
        "2026-05-02 10:12",
        ARI,
        "feat: podinfo, linkding and grafana",
        *_add(
            BASE,
            "podinfo",
            ("helmrelease.yaml", chart_release("podinfo", "podinfo", "6.10.0", "podinfo", "replicaCount: 1\n")),
            ("ingress.yaml", files.ingress("podinfo", "podinfo", 9898)),
        ),
        *_add(
            BASE,
            "linkding",
            (
                "helmrelease.yaml",
                chart_release(
                    "linkding", "app-template", "4.4.0", "bjw-s", app_values("linkding", LINKDING_IMAGE, "1.44.1", 9090)
                ),
            ),
            ("ingress.yaml", files.ingress("linkding", "linkding", 9090)),
        ),
        *_add(
            BASE,
            "grafana",
            ("helmrelease.yaml", chart_release("grafana", "grafana", "10.4.3", "grafana", files.GRAFANA_VALUES)),
            ("ingress.yaml", files.ingress("grafana", "grafana", 80)),
        ),
        write("apps/production/kustomization.yaml", files.PRODUCTION),
        write("apps/production/podinfo-patch.yaml", files.PODINFO_PATCH),
    ),
    upgrade("2026-05-06 02:14", "podinfo", "6.10.0", "6.10.1", f"{BASE}/podinfo/helmrelease.yaml"),
    upgrade_image("2026-05-09 02:40", LINKDING_IMAGE, "1.44.1", "1.44.2", LINKDING),
    upgrade("2026-05-12 02:21", "grafana", "10.4.3", "10.5.0", f"{BASE}/grafana/helmrelease.yaml"),
    upgrade(
        "2026-05-13 06:00",
        "source-controller",
        "v1.7.4",
        "v1.8.0",
        "clusters/granite/flux-system/gotk-components.yaml",
        kind="image",
        by=ACTIONS,
    ),
    upgrade(
        "2026-05-15 02:17",
        "ingress-nginx",
        "4.14.1",
        "4.14.3",
        "infrastructure/controllers/ingress-nginx/helmrelease.yaml",
    ),
    upgrade("2026-05-18 02:30", "app-template", "4.4.0", "4.5.0", LINKDING),
)

_MIGRATION = (
    _to_oci_repository(
        "2026-05-22 16:05",
        f"{BASE}/podinfo",
        "podinfo",
        "6.10.1",
        "oci://ghcr.io/stefanprodan/charts/podinfo",
        "podinfo",
    ),
    _to_oci_repository(
        "2026-05-22 16:31",
        f"{BASE}/linkding",
        "app-template",
        "4.5.0",
        "oci://ghcr.io/bjw-s-labs/helm/app-template",
        "bjw-s",
    ),
    _to_oci_repository(
        "2026-05-23 09:20",
        f"{BASE}/grafana",
        "grafana",
        "10.5.0",
        "oci://ghcr.io/grafana/helm-charts/grafana",
        "grafana",
    ),
    commit(
        "2026-05-23 09:41",
        ARI,
        "chore: remove the sources that nothing uses",
        Delete(f"{SOURCES}/podinfo.yaml"),
        Delete(f"{SOURCES}/bjw-s.yaml"),
        Delete(f"{SOURCES}/grafana.yaml"),
    ),
    upgrade("2026-05-27 02:12", "podinfo", "6.10.1", "6.11.0", f"{BASE}/podinfo/ocirepository.yaml"),
    commit(
        "2026-05-29 17:55",
        SAM,
        "feat: envoy gateway beside nginx",
        *_add(
            "infrastructure/controllers",
            "gateway",
            ("helmrelease.yaml", reference_release("envoy-gateway")),
            (
                "ocirepository.yaml",
                oci_repository("envoy-gateway", "oci://docker.io/envoyproxy/gateway-helm", "v1.7.0"),
            ),
            ("gateway.yaml", files.GATEWAY_CLASS),
        ),
        Append("infrastructure/controllers/kustomization.yaml", "  - gateway\n"),
    ),
    _to_route("2026-05-30 10:10", "podinfo", "podinfo", 9898),
    commit(
        "2026-05-30 21:02",
        SAM,
        "fix(podinfo): the route names the listener it wants",
        ReplaceText(
            f"{BASE}/podinfo/httproute.yaml", "namespace: gateway\n", "namespace: gateway\n      sectionName: http\n"
        ),
    ),
    _to_route("2026-06-01 19:15", "linkding", "linkding", 9090),
    _to_route("2026-06-02 19:33", "grafana", "grafana", 80),
    commit(
        "2026-06-06 11:20",
        SAM,
        "feat!: ingress-nginx may rest",
        Delete("infrastructure/controllers/ingress-nginx"),
        Delete(f"{SOURCES}/nginx.yaml"),
        ReplaceText("infrastructure/controllers/kustomization.yaml", "  - ingress-nginx\n", ""),
        write(f"{SOURCES}/kustomization.yaml", "---\nresources: []\n"),
    ),
)

_AFTER = (
    upgrade("2026-06-09 02:19", "app-template", "4.5.0", "4.6.2", f"{BASE}/linkding/ocirepository.yaml"),
    upgrade(
        "2026-06-11 02:08", "gateway-helm", "v1.7.0", "v1.7.1", "infrastructure/controllers/gateway/ocirepository.yaml"
    ),
    commit(
        "2026-06-13 14:40",
        ARI,
        "feat: linkding stays on the amd64 nodes",
        Append("apps/production/kustomization.yaml", files.INLINE_PATCH),
    ),
    upgrade_image("2026-06-17 02:27", LINKDING_IMAGE, "1.44.2", "1.45.0", LINKDING),
    commit(
        "2026-06-19 18:05",
        SAM,
        "feat: certificates",
        *_add(
            "infrastructure/controllers",
            "cert-manager",
            ("helmrelease.yaml", reference_release("cert-manager")),
            (
                "ocirepository.yaml",
                oci_repository("cert-manager", "oci://quay.io/jetstack/charts/cert-manager", "v1.20.0"),
            ),
        ),
        Append("infrastructure/controllers/kustomization.yaml", "  - cert-manager\n"),
    ),
    upgrade("2026-06-22 02:16", "grafana", "10.5.0", "11.0.0", f"{BASE}/grafana/ocirepository.yaml"),
    upgrade(
        "2026-06-24 06:00",
        "source-controller",
        "v1.8.0",
        "v1.8.1",
        "clusters/granite/flux-system/gotk-components.yaml",
        kind="image",
        by=ACTIONS,
    ),
    upgrade("2026-06-26 02:11", "podinfo", "6.11.0", "6.11.1", f"{BASE}/podinfo/ocirepository.yaml"),
)

STORY = Story(
    "granite-peak/k8s-gitops",
    "A migration: HelmRepositories of type oci to OCIRepositories, Ingress to HTTPRoute.",
    (*_BEFORE, *_MIGRATION, *_AFTER),
)
