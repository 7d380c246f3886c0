"""orchard/argo-homelab: Argo CD, an application of applications, and plain manifests.

It shows Applications with one source and with several, an ApplicationSet over directories, a wrapper chart with
templates that are not YAML, kustomize with image overrides and Helm charts, a CronJob, and updates by two bots.
"""

from kubestats_pipeline.sample.clusters import orchard_files as files
from kubestats_pipeline.sample.clusters.bots import DEPENDABOT, upgrade
from kubestats_pipeline.sample.clusters.manifests import kustomization
from kubestats_pipeline.sample.clusters.story import Append, Delete, Person, ReplaceText, Story, commit, write

POMONA = Person("Pomona Reyes", "pomona@orchard.example", -3)

CERT_MANAGER = "argocd/cert-manager.yaml"
METRICS = "argocd/metrics.yaml"
VALKEY = "argocd/valkey.yaml"
JELLYFIN = "apps/jellyfin"
WHOAMI = "apps/whoami/whoami.yaml"
BACKUP = "apps/backup"
WORKFLOW = ".github/workflows/lint.yaml"

_PLANTING = (
    commit(
        "2026-05-03 15:00",
        POMONA,
        "Plant the root application",
        write("README.md", "# argo-homelab\n\nArgo CD looks after the trees.\n"),
        write("bootstrap/root.yaml", files.ROOT),
        write(WORKFLOW, files.WORKFLOW),
    ),
    commit("2026-05-03 15:42", POMONA, "Certificates", write(CERT_MANAGER, files.CERT_MANAGER)),
    commit(
        "2026-05-04 20:16",
        POMONA,
        "Metrics, with values beside",
        write(METRICS, files.METRICS),
        write("values/metrics.yaml", files.METRICS_VALUES),
    ),
    commit(
        "2026-05-06 21:30",
        POMONA,
        "Every folder below apps is an application",
        write("argocd/apps.yaml", files.APPS),
        write(WHOAMI, files.WHOAMI),
    ),
    commit(
        "2026-05-09 11:11",
        POMONA,
        "Jellyfin as a chart around app-template",
        write(f"{JELLYFIN}/Chart.yaml", files.JELLYFIN_CHART),
        write(f"{JELLYFIN}/values.yaml", files.JELLYFIN_VALUES),
        write(f"{JELLYFIN}/templates/pvc.yaml", files.JELLYFIN_CLAIM),
    ),
    commit(
        "2026-05-10 18:25",
        POMONA,
        "Backups every night",
        write(f"{BACKUP}/cronjob.yaml", files.BACKUP),
        write(f"{BACKUP}/settings.yaml", files.BACKUP_SETTINGS),
        write(f"{BACKUP}/kustomization.yaml", files.BACKUP_KUSTOMIZATION),
    ),
)

_GROWING = (
    upgrade("2026-05-12 06:10", "cert-manager", "v1.19.4", "v1.20.0", CERT_MANAGER),
    upgrade("2026-05-13 06:15", "actions/checkout", "v5", "v6", WORKFLOW, kind="action", by=DEPENDABOT),
    upgrade("2026-05-15 06:09", "app-template", "4.4.0", "4.5.0", f"{JELLYFIN}/Chart.yaml"),
    upgrade("2026-05-17 06:22", "traefik/whoami", "v1.10", "v1.11", WHOAMI, kind="image"),
    commit(
        "2026-05-17 12:50",
        POMONA,
        "A dashboard, rendered by kustomize",
        write("apps/dashboard/kustomization.yaml", files.DASHBOARD_KUSTOMIZATION),
    ),
    commit("2026-05-19 19:45", POMONA, "A cache for later", write(VALKEY, files.VALKEY)),
    upgrade("2026-05-21 06:30", "kube-prometheus-stack", "82.4.1", "83.4.0", METRICS),
    commit(
        "2026-05-23 10:05",
        POMONA,
        "Write cert-manager's values as an object",
        ReplaceText(CERT_MANAGER, files.CERT_MANAGER_VALUES, files.CERT_MANAGER_OBJECT),
    ),
    upgrade("2026-05-26 06:12", "jellyfin", "10.11.5", "10.11.6", f"{JELLYFIN}/values.yaml", kind="image"),
    upgrade("2026-05-28 06:18", "restic/restic", "0.18.1", "0.18.2", f"{BACKUP}/kustomization.yaml", kind="image"),
    commit("2026-05-30 09:33", POMONA, "Two of whoami, to see both", ReplaceText(WHOAMI, "replicas: 1", "replicas: 2")),
    upgrade("2026-06-02 06:27", "podinfo", "6.10.0", "6.11.0", "apps/dashboard/kustomization.yaml"),
)

_HARVEST = (
    upgrade("2026-06-04 06:14", "valkey", "0.9.2", "0.10.0", VALKEY),
    commit(
        "2026-06-06 17:20",
        POMONA,
        "Keep backups for longer, and later at night",
        ReplaceText(f"{BACKUP}/settings.yaml", '"14"', '"30"'),
        ReplaceText(f"{BACKUP}/cronjob.yaml", "30 2 * * *", "15 4 * * *"),
    ),
    upgrade("2026-06-09 06:11", "jellyfin", "10.11.6", "10.11.8", f"{JELLYFIN}/values.yaml", kind="image"),
    commit("2026-06-11 20:40", POMONA, "Nothing ever used the cache", Delete(VALKEY)),
    upgrade("2026-06-14 06:20", "app-template", "4.5.0", "4.6.2", f"{JELLYFIN}/Chart.yaml"),
    commit(
        "2026-06-18 21:08",
        POMONA,
        "Put whoami's parts in a kustomization",
        write("apps/whoami/kustomization.yaml", kustomization("whoami.yaml", namespace="whoami")),
    ),
    upgrade("2026-06-23 06:17", "cert-manager", "v1.20.0", "v1.20.2", CERT_MANAGER),
    commit(
        "2026-06-27 16:02",
        POMONA,
        "Say how to ask after the applications",
        Append("README.md", "\nAsk `argocd app list` how they are.\n"),
    ),
)

STORY = Story(
    "orchard/argo-homelab",
    "Argo CD: Applications, an ApplicationSet, a wrapper chart, kustomize and plain workloads.",
    (*_PLANTING, *_GROWING, *_HARVEST),
    unreadable={f"{JELLYFIN}/templates/pvc.yaml": "a Helm chart's template, written in Go's template language"},
)
