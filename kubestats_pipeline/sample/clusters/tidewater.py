"""tidewater/home-ops: Flux with OCIRepositories and `spec.chartRef`, mostly the app-template chart.

It shows versions that live beside their releases, one chart shared by two namespaces through a component, images with
digests and numeric tags, directories that move, an application deleted and brought back for another, anchors and merge
keys, a template applied twice, and commits that change only comments or formatting.
"""

from kubestats_pipeline.sample.clusters import tidewater_files as files
from kubestats_pipeline.sample.clusters.bots import upgrade, upgrade_image
from kubestats_pipeline.sample.clusters.manifests import (
    app_values,
    flux_app,
    flux_kustomization,
    flux_namespace,
    flux_source,
    gateway_route,
    oci_repository,
    reference_release,
)
from kubestats_pipeline.sample.clusters.story import Append, Delete, Person, Rename, ReplaceText, Story, commit, write

NELL = Person("Nell Strand", "nell@tidewater.example", 1)

APPS = "kubernetes/apps"
APP_TEMPLATE = "kubernetes/components/repos/ocirepository.yaml"
CILIUM = f"{APPS}/kube-system/cilium/app/ocirepository.yaml"
HOME_ASSISTANT = f"{APPS}/default/home-assistant/app/helmrelease.yaml"
PAPERLESS = f"{APPS}/default/paperless/app/helmrelease.yaml"
MINIFLUX = f"{APPS}/default/miniflux"
FRESHRSS = f"{APPS}/default/freshrss"
TIDES = f"{APPS}/default/tides/app"
POSTGRES = f"{APPS}/database/postgres/app/cluster.yaml"
ITEM = "\n" + 14 * " " + "- "
JELLYFIN_IMAGE = "ghcr.io/jellyfin/jellyfin"
PAPERLESS_IMAGE = "ghcr.io/paperless-ngx/paperless-ngx"


def _app_template(name: str, image: str, tag: str, port: int, memory: str = "256Mi") -> str:
    values = app_values(name, image, tag, port, memory=memory) + gateway_route(f"{name}.${{SECRET_DOMAIN}}")
    return reference_release(name, values, "app-template")


_FIRST_WEEK = (
    commit(
        "2026-05-02 18:21",
        NELL,
        "feat: hello again, kubernetes",
        write("README.md", "# home-ops\n\nEverything that runs by the water.\n"),
        write(".editorconfig", "root = true\n\n[*.yaml]\nindent_size = 2\n"),
        write("kubernetes/flux/cluster/source.yaml", flux_source("tidewater/home-ops")),
        write("kubernetes/flux/cluster/apps.yaml", flux_kustomization("cluster-apps", f"./{APPS}")),
        write("kubernetes/flux/cluster/cluster-secrets.sops.yaml", files.SECRETS),
    ),
    commit(
        "2026-05-02 19:03",
        NELL,
        "feat(kube-system): cilium",
        *flux_namespace(APPS, "kube-system"),
        *flux_app(
            f"{APPS}/kube-system/cilium",
            reference_release("cilium", files.CILIUM_VALUES),
            ocirepository=oci_repository("cilium", "oci://quay.io/cilium/charts/cilium", "1.18.6"),
        ),
    ),
    commit(
        "2026-05-03 10:44",
        NELL,
        "feat: one app-template for everybody",
        write("kubernetes/components/repos/kustomization.yaml", files.REPOS_COMPONENT),
        write(APP_TEMPLATE, oci_repository("app-template", "oci://ghcr.io/bjw-s-labs/helm/app-template", "4.4.0")),
        *flux_namespace(APPS, "default", "../../components/repos"),
    ),
    commit(
        "2026-05-03 12:10",
        NELL,
        "feat(default): jellyfin",
        *flux_app(f"{APPS}/default/jellyfin", _app_template("jellyfin", JELLYFIN_IMAGE, "10.11.5", 8096, "4Gi")),
        Append(f"{APPS}/default/jellyfin/ks.yaml", files.SUBSTITUTE_FROM),
    ),
    commit(
        "2026-05-03 17:36",
        NELL,
        "feat(default): miniflux",
        *flux_app(MINIFLUX, reference_release("miniflux", files.MINIFLUX_VALUES, "app-template")),
    ),
    commit(
        "2026-05-05 20:58",
        NELL,
        "feat(default): paperless",
        *flux_app(f"{APPS}/default/paperless", _app_template("paperless", PAPERLESS_IMAGE, "2.20.3", 8000, "1Gi")),
        Append(f"{APPS}/default/paperless/ks.yaml", files.SUBSTITUTE_FROM),
    ),
    commit(
        "2026-05-08 21:15",
        NELL,
        "feat(default): home assistant",
        *flux_app(
            f"{APPS}/default/home-assistant",
            reference_release("home-assistant", files.HOME_ASSISTANT_VALUES, "app-template"),
            pvc=files.HOME_ASSISTANT_CLAIM,
        ),
    ),
)

_MAY = (
    upgrade_image(
        "2026-05-09 03:12", JELLYFIN_IMAGE, "10.11.5", "10.11.6", f"{APPS}/default/jellyfin/app/helmrelease.yaml"
    ),
    upgrade("2026-05-10 03:20", "cilium", "1.18.6", "1.19.0", CILIUM),
    commit(
        "2026-05-10 14:02",
        NELL,
        "feat(database): postgres for those who need it",
        *flux_namespace(APPS, "database"),
        write(
            f"{APPS}/database/postgres/ks.yaml",
            flux_kustomization("postgres", f"./{APPS}/database/postgres/app", "database"),
        ),
        write(POSTGRES, files.DATABASE),
        Append(f"{APPS}/database/kustomization.yaml", "  - ./postgres/ks.yaml\n"),
    ),
    commit(
        "2026-05-12 19:40",
        NELL,
        "feat(network): tunnels to the cabin and the boat, one template",
        *flux_namespace(APPS, "network"),
        write(f"{APPS}/network/tunnel/ks.yaml", files.TUNNEL_KUSTOMIZATIONS),
        write(f"{APPS}/network/tunnel/template/deployment.yaml", files.TUNNEL),
        Append(f"{APPS}/network/kustomization.yaml", "  - ./tunnel/ks.yaml\n"),
    ),
    upgrade("2026-05-14 03:31", "app-template", "4.4.0", "4.5.0", APP_TEMPLATE),
    commit(
        "2026-05-15 22:22",
        NELL,
        "style: quote what prettier wants quoted",
        ReplaceText(POSTGRES, '"0 0 3 * * *"', "'0 0 3 * * *'"),
        ReplaceText(
            HOME_ASSISTANT,
            ' ["--auth", "none", "/config"]',
            f"{ITEM}--auth{ITEM}none{ITEM}/config",
        ),
        ReplaceText(f"{MINIFLUX}/app/helmrelease.yaml", '"1"', "'1'"),
    ),
    commit(
        "2026-05-16 11:05",
        NELL,
        "feat(default): tides",
        *flux_app(
            f"{APPS}/default/tides",
            reference_release("tides", files.TIDES_VALUES),
            ocirepository=oci_repository(
                "tides", "oci://registry.tidewater.example/charts/tides", "${TIDES_CHART:=0.3.1}"
            ),
        ),
    ),
    commit(
        "2026-05-16 11:30",
        NELL,
        "docs: say what tides is",
        ReplaceText(f"{TIDES}/helmrelease.yaml", "---\n", f"---\n{files.TIDES_DOCUMENTED}"),
    ),
    commit(
        "2026-05-17 16:48",
        NELL,
        "refactor: media deserves a namespace",
        *flux_namespace(APPS, "media", "../../components/repos"),
        Rename(f"{APPS}/default/jellyfin", f"{APPS}/media/jellyfin"),
        ReplaceText(f"{APPS}/media/jellyfin/ks.yaml", "apps/default/jellyfin", "apps/media/jellyfin"),
        ReplaceText(f"{APPS}/media/jellyfin/ks.yaml", "targetNamespace: default", "targetNamespace: media"),
        ReplaceText(f"{APPS}/default/kustomization.yaml", "  - ./jellyfin/ks.yaml\n", ""),
        Append(f"{APPS}/media/kustomization.yaml", "  - ./jellyfin/ks.yaml\n"),
    ),
    upgrade_image("2026-05-19 03:08", PAPERLESS_IMAGE, "2.20.3", "2.20.4", PAPERLESS),
    commit(
        "2026-05-21 20:11",
        NELL,
        "feat(default)!: nobody reads miniflux any more",
        Delete(MINIFLUX),
        ReplaceText(f"{APPS}/default/kustomization.yaml", "  - ./miniflux/ks.yaml\n", ""),
    ),
    upgrade("2026-05-23 03:44", "tides", "1.9", "1.10", f"{TIDES}/helmrelease.yaml", kind="image"),
    commit(
        "2026-05-24 18:20",
        NELL,
        "feat(default): freshrss, which everybody else reads",
        *flux_app(FRESHRSS, _app_template("freshrss", "docker.io/freshrss/freshrss", "1.27.1", 80)),
        Append(f"{FRESHRSS}/ks.yaml", files.SUBSTITUTE_FROM),
    ),
    upgrade("2026-05-26 03:15", "ghcr.io/cloudnative-pg/postgresql", "17.6", "18.1", POSTGRES, kind="image"),
    commit("2026-05-26 21:37", NELL, "fix(database): not a major on a Tuesday", ReplaceText(POSTGRES, "18.1", "17.7")),
)

_JUNE = (
    upgrade("2026-06-02 03:26", "cilium", "1.19.0", "1.19.1", CILIUM),
    commit(
        "2026-06-03 19:29",
        NELL,
        "feat(default): miniflux is missed, it comes back",
        Delete(FRESHRSS),
        ReplaceText(f"{APPS}/default/kustomization.yaml", "  - ./freshrss/ks.yaml\n", ""),
        *flux_app(MINIFLUX, reference_release("miniflux", files.MINIFLUX_VALUES, "app-template")),
    ),
    upgrade("2026-06-04 03:05", "code-server", "4.108.0", "4.109.2", HOME_ASSISTANT, kind="image"),
    upgrade_image(
        "2026-06-06 03:17", JELLYFIN_IMAGE, "10.11.6", "10.11.8", f"{APPS}/media/jellyfin/app/helmrelease.yaml"
    ),
    commit(
        "2026-06-07 13:50",
        NELL,
        "feat(media): navidrome",
        *flux_app(f"{APPS}/media/navidrome", _app_template("navidrome", "ghcr.io/navidrome/navidrome", "0.60.0", 4533)),
        Append(f"{APPS}/media/navidrome/ks.yaml", files.SUBSTITUTE_FROM),
    ),
    upgrade("2026-06-09 03:40", "home-assistant", "2026.5", "2026.6", HOME_ASSISTANT, kind="image"),
    upgrade("2026-06-11 03:02", "app-template", "4.5.0", "4.6.2", APP_TEMPLATE),
    commit(
        "2026-06-13 09:14",
        NELL,
        "fix(media): jellyfin needs more memory",
        ReplaceText(f"{APPS}/media/jellyfin/app/helmrelease.yaml", "memory: 4Gi", "memory: 6Gi"),
    ),
    upgrade_image("2026-06-16 03:33", PAPERLESS_IMAGE, "2.20.4", "2.20.7", PAPERLESS),
    commit(
        "2026-06-20 15:26",
        NELL,
        "refactor: the tunnels leave the network namespace's folder",
        Rename(f"{APPS}/network/tunnel/template", "kubernetes/templates/tunnel"),
        ReplaceText(
            f"{APPS}/network/tunnel/ks.yaml", f"./{APPS}/network/tunnel/template", "./kubernetes/templates/tunnel"
        ),
    ),
    commit(
        "2026-06-21 16:10",
        NELL,
        "feat: certificates, and podinfo to try them",
        *flux_namespace(APPS, "cert-manager"),
        *flux_app(
            f"{APPS}/cert-manager/cert-manager",
            reference_release("cert-manager"),
            ocirepository=oci_repository("cert-manager", "oci://quay.io/jetstack/charts/cert-manager", "v1.20.1"),
        ),
        *flux_app(
            f"{APPS}/default/podinfo",
            reference_release("podinfo"),
            ocirepository=oci_repository("podinfo", "oci://ghcr.io/stefanprodan/charts/podinfo", "6.11.0"),
        ),
    ),
    upgrade("2026-06-23 03:19", "cilium", "1.19.1", "1.19.3", CILIUM),
    upgrade_image(
        "2026-06-27 03:11",
        "ghcr.io/navidrome/navidrome",
        "0.60.0",
        "0.61.1",
        f"{APPS}/media/navidrome/app/helmrelease.yaml",
    ),
)

STORY = Story(
    "tidewater/home-ops",
    "Flux with OCIRepositories and app-template: moves, a deletion and a return, digests, substitutions.",
    (*_FIRST_WEEK, *_MAY, *_JUNE),
)
