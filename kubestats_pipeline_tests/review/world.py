"""A user's clone with two clusters, and a published file in which others run what it changes to."""

from pathlib import Path
from typing import Any

from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.report.received import publish
from kubestats_pipeline_tests.scan.world import chart, flux_path, helm_repository, kustomization, manifest, release
from kubestats_pipeline_tests.warehouse.small_lake import day
from kubestats_pipeline_tests.warehouse.told_history import History, image, put

HOME = "https://charts.example.org"
SECRET = "hunter2-but-longer-than-that"


def deployment(tag: str, name: str = "ghcr.io/team/web") -> str:
    spec = {"containers": [{"name": "web", "image": f"{name}:{tag}", "env": [{"name": "PASSWORD", "value": SECRET}]}]}
    return manifest("Deployment", "web", api="apps/v1", namespace="apps", spec={"template": {"spec": spec}})


def files_of(version: str, tag: str) -> dict[str, str | bytes | None]:
    """Two clusters that apply the same apps: a release of podinfo and a Deployment."""
    podinfo = release("podinfo", namespace="apps", chart=chart("podinfo", version, "charts", namespace="flux-system"))
    return {
        "clusters/one/apps.yaml": flux_path("apps", "./apps", namespace="flux-system"),
        "clusters/two/apps.yaml": flux_path("apps", "./apps", namespace="flux-system"),
        "apps/kustomization.yaml": kustomization("podinfo.yaml", "web.yaml", "charts.yaml"),
        "apps/podinfo.yaml": podinfo,
        "apps/web.yaml": deployment(tag),
        "apps/charts.yaml": helm_repository("charts", HOME, namespace="flux-system"),
    }


def runs_web(number: int, name: str) -> History:
    """Comes to a version of the image and goes back from it."""
    old, new = ([image("team/web", tag)] for tag in ("1.0.0", "2.0.0"))
    return (
        History(number, name)
        .commit(day(1, 1), put("web", images=old))
        .commit(day(1, 5), put("web", images=new))
        .commit(day(1, 6), put("web", images=old))
    )


def published(folder: Path, *names: str) -> Path:
    """A file in which five run podinfo 6.6.0, and the repositories of these names went back from web 2.0.0."""
    others = [runs_web(number, name) for number, name in enumerate(names, 50)]
    return publish(folder, *others, chart_url=HOME)


def clone_of(tmp_path: Path, *states: dict[str, Any]) -> GitRepository:
    """A repository with a commit for each state."""
    repository = GitRepository(tmp_path / "clone.git")
    for state in states:
        repository.commit(state)
    return repository
