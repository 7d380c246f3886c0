"""aurora/home-cluster: Flux with HelmRepositories and `spec.chart.spec`, the way most clusters began.

It shows upgrades by Renovate, one of them taken back by hand, HelmReleases brought from v2beta1 over v2beta2 to v2, an
image that Flux's own automation moves, values from a generated ConfigMap, and a release that is suspended for a while.
"""

from kubestats_pipeline.sample.clusters import aurora_files as files
from kubestats_pipeline.sample.clusters.bots import FLUX, RENOVATE, upgrade, upgrade_image
from kubestats_pipeline.sample.clusters.manifests import (
    app_values,
    chart_release,
    flux_app,
    flux_kustomization,
    flux_namespace,
    flux_source,
    helm_repository,
    kustomization,
)
from kubestats_pipeline.sample.clusters.story import Append, Person, ReplaceText, Story, commit, write

MIRA = Person("Mira Aurelio", "mira@aurora.example", 2)
JON = Person("Jon Vester", "jon@aurora.example", 2)

APPS = "kubernetes/apps"
SOURCES = "kubernetes/flux/repositories"
CERT_MANAGER = f"{APPS}/cert-manager/cert-manager/app/helmrelease.yaml"
INGRESS = f"{APPS}/network/ingress-nginx/app/helmrelease.yaml"
MONITORING = f"{APPS}/observability/kube-prometheus-stack"
PROMETHEUS = f"{MONITORING}/app/helmrelease.yaml"
PODINFO = f"{APPS}/default/podinfo/app/helmrelease.yaml"
HOMEPAGE = f"{APPS}/default/homepage/app/helmrelease.yaml"
HOMEPAGE_IMAGE = "ghcr.io/gethomepage/homepage"
CHANGES_IMAGE = "ghcr.io/dgtlmoon/changedetection.io"
HELLO = f"{APPS}/default/hello/deployment.yaml"
LONGHORN = f"{APPS}/storage/longhorn"
RELEASES = (CERT_MANAGER, INGRESS, PROMETHEUS, PODINFO, HOMEPAGE)

_BOOTSTRAP = (
    commit(
        "2026-04-24 19:12",
        MIRA,
        "feat: bootstrap the cluster with flux",
        write("README.md", "# home-cluster\n\nThree small machines behind the washing machine.\n"),
        write(".gitignore", "*.agekey\nkubeconfig\n"),
        write("kubernetes/flux/cluster.yaml", flux_source("aurora/home-cluster")),
        write("kubernetes/flux/settings.yaml", files.SETTINGS),
        write(
            "kubernetes/flux/apps.yaml",
            flux_kustomization("repositories", f"./{SOURCES}")
            + flux_kustomization("apps", f"./{APPS}", depends_on=("repositories",)),
        ),
        write(f"{SOURCES}/kustomization.yaml", kustomization("./jetstack.yaml", "./ingress-nginx.yaml")),
        write(f"{SOURCES}/jetstack.yaml", helm_repository("jetstack", "https://charts.jetstack.io")),
        write(
            f"{SOURCES}/ingress-nginx.yaml",
            helm_repository("ingress-nginx", "https://kubernetes.github.io/ingress-nginx"),
        ),
    ),
    commit(
        "2026-04-24 21:40",
        MIRA,
        "feat: certificates",
        *flux_namespace(APPS, "cert-manager"),
        *flux_app(
            f"{APPS}/cert-manager/cert-manager",
            chart_release("cert-manager", "cert-manager", "v1.19.4", "jetstack", files.CERT_MANAGER_VALUES, "v2beta1"),
        ),
        write(f"{APPS}/cert-manager/cert-manager/issuers/issuer.yaml", files.ISSUER),
        write(f"{APPS}/cert-manager/cert-manager/issuers/kustomization.yaml", kustomization("./issuer.yaml")),
        Append(
            f"{APPS}/cert-manager/cert-manager/ks.yaml",
            flux_kustomization(
                "cert-manager-issuers",
                f"./{APPS}/cert-manager/cert-manager/issuers",
                depends_on=("cert-manager",),
            ),
        ),
    ),
    commit(
        "2026-04-25 10:05",
        MIRA,
        "feat: ingress-nginx",
        *flux_namespace(APPS, "network"),
        *flux_app(
            f"{APPS}/network/ingress-nginx",
            chart_release(
                "ingress-nginx",
                "ingress-nginx",
                "4.14.1",
                "ingress-nginx",
                files.INGRESS_VALUES,
                "v2beta1",
            ),
        ),
    ),
    commit(
        "2026-04-26 16:30",
        JON,
        "feat: monitoring",
        Append(f"{SOURCES}/kustomization.yaml", "  - ./prometheus-community.yaml\n"),
        write(
            f"{SOURCES}/prometheus-community.yaml",
            helm_repository("prometheus-community", "https://prometheus-community.github.io/helm-charts"),
        ),
        *flux_namespace(APPS, "observability"),
        *flux_app(
            MONITORING,
            chart_release(
                "kube-prometheus-stack",
                "kube-prometheus-stack",
                "82.4.1",
                "prometheus-community",
                files.PROMETHEUS_VALUES,
                "v2beta1",
            ),
        ),
    ),
    commit(
        "2026-04-28 20:15",
        MIRA,
        "feat: podinfo as a canary",
        Append(f"{SOURCES}/kustomization.yaml", "  - ./podinfo.yaml\n"),
        write(f"{SOURCES}/podinfo.yaml", helm_repository("podinfo", "https://stefanprodan.github.io/podinfo")),
        *flux_namespace(APPS, "default"),
        *flux_app(
            f"{APPS}/default/podinfo",
            chart_release("podinfo", "podinfo", "6.10.0", "podinfo", files.PODINFO_VALUES, "v2beta1"),
        ),
        Append(f"{APPS}/default/podinfo/ks.yaml", files.SUBSTITUTE_FROM),
    ),
    commit(
        "2026-04-30 18:50",
        JON,
        "feat: a start page for everybody at home",
        Append(f"{SOURCES}/kustomization.yaml", "  - ./bjw-s.yaml\n"),
        write(f"{SOURCES}/bjw-s.yaml", helm_repository("bjw-s", "https://bjw-s-labs.github.io/helm-charts")),
        *flux_app(
            f"{APPS}/default/homepage",
            chart_release(
                "homepage",
                "app-template",
                "4.4.0",
                "bjw-s",
                app_values("homepage", HOMEPAGE_IMAGE, "v1.8.0", 3000),
                "v2beta1",
            ),
        ),
    ),
)

_SPRING = (
    commit(
        "2026-05-01 06:02",
        RENOVATE,
        "chore: configure renovate",
        write("renovate.json", '{"extends": ["config:recommended"]}\n'),
    ),
    upgrade("2026-05-02 05:14", "cert-manager", "v1.19.4", "v1.20.0", CERT_MANAGER),
    upgrade("2026-05-04 04:33", "podinfo", "6.10.0", "6.10.1", PODINFO),
    upgrade("2026-05-05 05:08", "kube-prometheus-stack", "82.4.1", "83.0.0", PROMETHEUS),
    commit(
        "2026-05-05 22:47",
        JON,
        "revert: kube-prometheus-stack 83 loses our dashboards",
        ReplaceText(PROMETHEUS, "83.0.0", "82.4.1"),
    ),
    upgrade("2026-05-08 05:21", "ingress-nginx", "4.14.1", "4.14.3", INGRESS),
    commit(
        "2026-05-09 11:20",
        MIRA,
        "chore: move helm releases to v2beta2 before the next flux",
        *(ReplaceText(path, "helm.toolkit.fluxcd.io/v2beta1", "helm.toolkit.fluxcd.io/v2beta2") for path in RELEASES),
    ),
    upgrade_image("2026-05-12 04:51", HOMEPAGE_IMAGE, "v1.8.0", "v1.9.0", HOMEPAGE),
    commit(
        "2026-05-14 19:02",
        JON,
        "fix: less memory for prometheus",
        ReplaceText(PROMETHEUS, "memory: 1Gi", "memory: 768Mi"),
    ),
    upgrade("2026-05-16 05:40", "app-template", "4.4.0", "4.5.0", HOMEPAGE),
    commit(
        "2026-05-17 15:25",
        MIRA,
        "feat: our own hello, moved by flux",
        write(HELLO, files.HELLO),
        write(f"{APPS}/default/hello/policy.yaml", files.HELLO_POLICY),
        write(
            f"{APPS}/default/hello/kustomization.yaml",
            kustomization("./deployment.yaml", "./policy.yaml", namespace="default"),
        ),
        Append(f"{APPS}/default/kustomization.yaml", "  - ./hello\n"),
    ),
)

_SUMMER = (
    upgrade("2026-05-19 13:06", "hello", "1.0.3", "1.0.4", HELLO, kind="image", by=FLUX),
    upgrade("2026-05-20 05:12", "kube-prometheus-stack", "82.4.1", "83.4.0", PROMETHEUS),
    commit(
        "2026-05-23 10:44",
        JON,
        "refactor: prometheus values in a file of their own",
        ReplaceText(PROMETHEUS, "  values:\n", f"{files.VALUES_FROM}  values:\n"),
        write(f"{MONITORING}/app/helm/values.yaml", files.PROMETHEUS_MORE_VALUES),
        Append(f"{MONITORING}/app/kustomization.yaml", files.GENERATOR),
    ),
    upgrade("2026-05-26 04:58", "cert-manager", "v1.20.0", "v1.20.1", CERT_MANAGER),
    commit(
        "2026-05-30 12:31",
        MIRA,
        "chore: helm releases are v2 at last",
        *(ReplaceText(path, "helm.toolkit.fluxcd.io/v2beta2", "helm.toolkit.fluxcd.io/v2") for path in RELEASES),
    ),
    upgrade("2026-06-02 05:03", "podinfo", "6.10.1", "6.11.0", PODINFO),
    commit(
        "2026-06-05 20:20",
        MIRA,
        "feat: storage",
        Append(f"{SOURCES}/kustomization.yaml", "  - ./longhorn.yaml\n"),
        write(f"{SOURCES}/longhorn.yaml", helm_repository("longhorn", "https://charts.longhorn.io")),
        *flux_namespace(APPS, "storage"),
        *flux_app(LONGHORN, chart_release("longhorn", "longhorn", "1.11.0", "longhorn", files.LONGHORN_VALUES)),
    ),
    upgrade("2026-06-07 18:44", "hello", "1.0.4", "1.1.0", HELLO, kind="image", by=FLUX),
    upgrade("2026-06-09 05:17", "longhorn", "1.11.0", "1.11.1", f"{LONGHORN}/app/helmrelease.yaml"),
    commit(
        "2026-06-12 19:55",
        JON,
        "fix: suspend the start page until its api token is renewed",
        ReplaceText(HOMEPAGE, "spec:\n  interval: 1h\n", "spec:\n  interval: 1h\n  suspend: true\n"),
    ),
    upgrade("2026-06-16 04:42", "kube-prometheus-stack", "83.4.0", "84.1.0", PROMETHEUS),
    upgrade("2026-06-18 05:26", "ingress-nginx", "4.14.3", "4.15.0", INGRESS),
    commit(
        "2026-06-20 09:48",
        JON,
        "fix: the start page is back",
        ReplaceText(HOMEPAGE, "  suspend: true\n", ""),
    ),
    commit(
        "2026-06-21 11:20",
        MIRA,
        "feat: watch pages for changes",
        *flux_app(
            f"{APPS}/default/changedetection",
            chart_release(
                "changedetection",
                "app-template",
                "4.6.2",
                "bjw-s",
                app_values("changedetection", CHANGES_IMAGE, "0.51.3", 5000),
            ),
        ),
    ),
    upgrade_image("2026-06-24 05:33", HOMEPAGE_IMAGE, "v1.9.0", "v1.10.1", HOMEPAGE),
    upgrade("2026-06-27 05:11", "cert-manager", "v1.20.1", "v1.20.2", CERT_MANAGER),
)

STORY = Story(
    "aurora/home-cluster",
    "Flux with HelmRepositories: upgrades, one taken back, HelmReleases from v2beta1 to v2.",
    (*_BOOTSTRAP, *_SPRING, *_SUMMER),
)
