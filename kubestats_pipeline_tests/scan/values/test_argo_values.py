"""Values files of Argo CD's Applications: those of this repository are read, and those of others are not known."""

from dataclasses import replace
from pathlib import Path

import pytest

from kubestats_pipeline.scan.values.own_repository import OwnRepository
from kubestats_pipeline_tests.scan.world import World, manifest

OWN = "https://github.com/me/home.git"
CHART = {"repoURL": "https://charts.example.org", "chart": "web", "targetRevision": "1.0.0"}


def scanned(tmp_path: Path, sources: list[dict[str, object]], clone_url: str = OWN) -> dict[str, object]:
    world = World(tmp_path)
    world.repository = replace(world.repository, clone_url=clone_url)
    application = manifest("Application", "a", api="argoproj.io/v1alpha1", spec={"sources": sources})
    values = "image: o/web:1\n"
    world.git.commit({"a.yaml": application, "values.yaml": values, "charts/web/values-prod.yaml": values})
    world.scan()
    (row,) = world.resources
    return row


def by_ref(url: str, revision: str = "main") -> list[dict[str, object]]:
    files = {"helm": {"valueFiles": ["$values/values.yaml"]}}
    return [{**CHART, **files}, {"repoURL": url, "ref": "values", "targetRevision": revision}]


def by_path(url: str) -> list[dict[str, object]]:
    return [{"repoURL": url, "path": "charts/web", "helm": {"valueFiles": ["values-prod.yaml"]}}]


@pytest.mark.parametrize(
    "sources",
    [by_ref(OWN), by_ref("git@github.com:me/home.git"), by_ref("https://github.com/Me/home", "HEAD"), by_path(OWN)],
)
def test_a_values_file_of_this_repository_is_read(tmp_path: Path, sources: list[dict[str, object]]) -> None:
    row = scanned(tmp_path, sources)
    assert row["values_complete"] is True
    assert [image["image"] for image in row["images"]] == ["docker.io/o/web"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "sources",
    [
        by_ref("https://git.example.org/somebody/else.git"),
        by_ref(OWN, "v1.2.0"),
        by_ref(OWN, "0123456789abcdef0123456789abcdef01234567"),
        by_ref(OWN)[:1],
        by_path("https://github.com/other/charts.git"),
    ],
)
def test_a_values_file_of_another_repository_or_revision_is_not_known(
    tmp_path: Path, sources: list[dict[str, object]]
) -> None:
    row = scanned(tmp_path, sources)
    assert (row["values_complete"], row["images"]) == (False, [])


@pytest.mark.parametrize(
    ("clone_url", "url", "is_own"),
    [
        ("https://github.com/me/home.git", "ssh://git@github.com/me/home", True),
        ("ssh://git@github.com/me/home", "https://github.com/me/home", True),
        ("https://github.com/me/home", "https://github.com/you/home", False),
        ("file:///srv/mirrors/home.git", "https://github.com/me/home", True),
        ("file:///srv/mirrors/home", "https://github.com/me/else", False),
        ("", "https://github.com/me/home", False),
    ],
)
def test_a_repository_knows_its_own_url(clone_url: str, url: str, is_own: bool) -> None:
    assert OwnRepository(clone_url).is_own(url) == is_own
