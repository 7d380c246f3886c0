"""sprout/cluster: three commits old. Flux is there, one application is there, one thing was changed.

It shows what a first scan finds, and how little history is enough.
"""

from kubestats_pipeline.sample.clusters.manifests import (
    chart_release,
    flux_kustomization,
    flux_source,
    helm_repository,
    kustomization,
    namespace,
)
from kubestats_pipeline.sample.clusters.story import Person, ReplaceText, Story, commit, write

IVO = Person("Ivo Tamm", "ivo@sprout.example", 3)

_FIRST = (
    commit(
        "2026-06-13 10:31",
        IVO,
        "Initial commit",
        write("README.md", "# cluster\n\nOne board, one disk, first steps.\n"),
        write("flux/apps.yaml", flux_source("sprout/cluster") + flux_kustomization("apps", "./apps")),
    ),
    commit(
        "2026-06-13 11:47",
        IVO,
        "Run podinfo to see whether it works",
        write("apps/kustomization.yaml", kustomization("./podinfo")),
        write("apps/podinfo/kustomization.yaml", kustomization("namespace.yaml", "release.yaml", namespace="podinfo")),
        write("apps/podinfo/namespace.yaml", namespace("podinfo")),
        write("flux/podinfo.yaml", helm_repository("podinfo", "https://stefanprodan.github.io/podinfo")),
        write(
            "apps/podinfo/release.yaml",
            chart_release("podinfo", "podinfo", "6.11.0", "podinfo", "replicaCount: 1\nui:\n  message: hello\n"),
        ),
    ),
    commit(
        "2026-06-20 22:05",
        IVO,
        "Two replicas, it works",
        ReplaceText("apps/podinfo/release.yaml", "replicaCount: 1", "replicaCount: 2"),
    ),
)

STORY = Story("sprout/cluster", "A beginner's cluster with three commits.", _FIRST)
