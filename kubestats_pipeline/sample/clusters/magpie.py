"""magpie/infra: a collector of files, who tidies up later. K3s, some Flux, everything else by hand.

It shows a file that breaks and is repaired and one that stays broken, a file that is not UTF-8, one that is too deep in
aliases, encrypted, plain and sealed Secrets, archived, templated and test directories, a list, a local chart, a chart
without a source, a symbolic link, spaces in a path, and a history with a merge, a revert and an empty commit.
"""

from kubestats_pipeline.sample.clusters import magpie_files as files
from kubestats_pipeline.sample.clusters.bots import RENOVATE, update_subject, upgrade
from kubestats_pipeline.sample.clusters.manifests import chart_release, flux_kustomization, flux_source, helm_repository
from kubestats_pipeline.sample.clusters.story import (
    EXECUTABLE,
    Delete,
    Person,
    Rename,
    ReplaceText,
    Story,
    commit,
    link,
    merge,
    write,
    write_bytes,
)

PICA = Person("Pica Corvi", "pica@magpie.example", 2)
GUEST = Person("Rook Dale", "rook@magpie.example", 1)

TRAEFIK = "k3s/traefik.yaml"
MQTT = "home/mqtt.yaml"
JANITOR = "home/janitor.yaml"
SETTINGS = "home/janitor-settings.yaml"
PRINTER = "home/printer.yaml"
MENU = "home/menu.yaml"
SEALED = "home/top secret/mqtt.yaml"
METRICS = "monitoring/release.yaml"
WHITEBOARD = "home/whiteboard.yaml"
BROKEN_LINE, WHOLE_LINE = '  KEEP_DAYS: "30\n', '  KEEP_DAYS: "30"\n'

_COLLECTING = (
    commit(
        "2026-05-08 23:10",
        PICA,
        "everything i have",
        write("README.md", "# infra\n\nShiny things.\n"),
        write("flux/sync.yaml", flux_source("magpie/infra") + flux_kustomization("home", "./home")),
        write(TRAEFIK, files.HELM_CHART),
        write("namespaces.yaml", files.LIST),
        write(MQTT, files.MQTT),
        write("scripts/apply.sh", files.SCRIPT, mode=EXECUTABLE),
    ),
    commit("2026-05-09 00:42", PICA, "grafana wants a password", write("monitoring/secret.yaml", files.GRAFANA_ADMIN)),
    commit(
        "2026-05-10 11:01",
        PICA,
        "sops!",
        write("k3s/router.sops.yaml", files.ROUTER_SOPS),
        write("k3s/allowlist.yaml", files.ALLOWLIST_SOPS),
    ),
    commit(
        "2026-05-10 15:27",
        PICA,
        "metrics",
        write(
            METRICS,
            chart_release("metrics", "kube-prometheus-stack", "82.4.1", "prometheus-community").replace(
                "  name: metrics\n", "  name: metrics\n  namespace: monitoring\n", 1
            ),
        ),
        write(
            "monitoring/source.yaml",
            helm_repository("prometheus-community", "https://prometheus-community.github.io/helm-charts"),
        ),
    ),
    commit(
        "2026-05-12 20:38",
        PICA,
        "janitor",
        write(JANITOR, files.CRONJOB),
        write(SETTINGS, files.SETTINGS),
    ),
    upgrade("2026-05-14 01:12", "traefik", "38.0.1", "38.0.2", TRAEFIK),
    commit(
        "2026-05-15 22:55", PICA, "keep everything a little shorter", ReplaceText(SETTINGS, WHOLE_LINE, BROKEN_LINE)
    ),
    commit(
        "2026-05-16 09:12",
        PICA,
        "sealed secrets are nice too",
        write(SEALED, files.MQTT_SEALED),
    ),
    commit(
        "2026-05-17 10:20",
        PICA,
        "fix: a quote was missing, no wonder",
        ReplaceText(SETTINGS, BROKEN_LINE, '  KEEP_DAYS: "14"\n'),
    ),
    commit("2026-05-19 21:44", PICA, "the printer", write(PRINTER, files.BROKEN_AT_TIP)),
    commit("2026-05-21 19:30", PICA, "menu of the week", write_bytes(MENU, files.OLD_LATIN)),
)

_SORTING = (
    upgrade("2026-05-23 01:15", "eclipse-mosquitto", "2.0.22", "2.1.0", MQTT, kind="image"),
    commit(
        "2026-05-24 13:13",
        PICA,
        f'Revert "{update_subject("eclipse-mosquitto", "2.0.22", "2.1.0", "image")}"',
        ReplaceText(MQTT, "2.1.0", "2.0.22"),
    ),
    commit("2026-05-26 20:02", PICA, "chore: wake up, flux"),
    commit(
        "2026-05-28 22:19",
        PICA,
        "node labels from ansible",
        write("ansible/templates/node-labels.yaml.j2", files.JINJA),
        link("ansible/namespaces.yaml", "../namespaces.yaml"),
    ),
    commit(
        "2026-05-30 18:08",
        PICA,
        "whiteboard from my own chart",
        write(WHITEBOARD, files.LOCAL_CHART_RELEASE),
        write("charts/whiteboard/Chart.yaml", files.LOCAL_CHART),
        write("charts/whiteboard/templates/deployment.yaml", files.LOCAL_CHART_TEMPLATE),
    ),
    merge(
        "2026-05-31 12:40",
        PICA,
        "Merge pull request #7 from rook/whiteboard-route",
        commit("2026-05-29 21:15", GUEST, "Route to the whiteboard", write("home/route.yaml", files.ROUTE)),
        commit(
            "2026-05-30 09:50",
            GUEST,
            "Whiteboard listens on 8000",
            ReplaceText("home/route.yaml", "port: 8080", "port: 8000"),
        ),
        behind=1,
    ),
    upgrade("2026-06-02 01:09", "kube-prometheus-stack", "82.4.1", "83.4.0", METRICS),
    commit(
        "2026-06-05 23:31",
        PICA,
        "test what my editor does with this",
        write("tests/bomb.yaml", files.ALIAS_BOMB),
    ),
    commit(
        "2026-06-07 16:16",
        PICA,
        "a dashboard whose source i lost",
        write("home/dashboard.yaml", chart_release("dashboard", "dashboard", "7.1.0", "lost-and-found")),
    ),
    commit(
        "2026-06-10 20:20",
        PICA,
        "mqtt goes to the attic",
        Rename(MQTT, ".archive/mqtt/mqtt.yaml"),
        Delete(SEALED),
        write(".archive/README.md", files.ARCHIVED_NOTE),
    ),
    upgrade("2026-06-13 01:20", "traefik", "38.0.2", "39.0.0", TRAEFIK),
    commit(
        "2026-06-14 19:47",
        PICA,
        "grafana's password does not belong here",
        Delete("monitoring/secret.yaml"),
    ),
    commit(
        "2026-06-17 01:11",
        RENOVATE,
        update_subject("registry.magpie.example:5000/janitor", "0.4.0", "0.5.0", "image"),
        ReplaceText(JANITOR, "janitor:0.4.0", "janitor:0.5.0"),
    ),
    commit(
        "2026-06-21 14:55",
        PICA,
        "whiteboard 2026.06",
        ReplaceText(WHITEBOARD, "2026.05.1", "2026.06.0"),
        ReplaceText("charts/whiteboard/Chart.yaml", "2026.05.1", "2026.06.0"),
    ),
    upgrade("2026-06-25 01:18", "kube-prometheus-stack", "83.4.0", "84.1.0", METRICS),
)

STORY = Story(
    "magpie/infra",
    "A messy one: broken, encrypted, archived and templated files, a merge, a revert, an empty commit.",
    (*_COLLECTING, *_SORTING),
    unreadable={
        PRINTER: "its second document was never right",
        MENU: "it was saved in Latin-1 and is not UTF-8",
        "charts/whiteboard/templates/deployment.yaml": "a Helm chart's template",
    },
)
