"""Values files of Argo CD's Applications: those of this repository are read, and those of others are not known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.applied_tables import APPLIED_EVENTS, APPLIED_RESOURCES
from kubestats_pipeline.lake.scan_tables import HELM_VALUES
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


def test_a_further_source_of_an_application_reads_the_values_file_of_its_ref_too(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.repository = replace(world.repository, clone_url=OWN)
    sources = [CHART, {**by_ref(OWN)[0], "chart": "api"}, by_ref(OWN)[1]]
    application = manifest("Application", "a", api="argoproj.io/v1alpha1", spec={"sources": sources})
    world.git.commit({"a.yaml": application, "values.yaml": "image: o/api:1\n"})
    world.scan()
    rows = {row["name"]: row for row in world.resources}
    assert rows.keys() == {"a", "a-api"}
    assert rows["a-api"]["values_complete"] is True
    assert [image["image"] for image in rows["a-api"]["images"]] == ["docker.io/o/api"]


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


# Overrides in the folder of a source

Row = dict[str, Any]
IN_GIT = {"repoURL": OWN, "path": "charts/web", "targetRevision": "main"}
INLINE = {"values": "image: {repository: o/web, tag: v1}", "parameters": [{"name": "size", "value": "1"}]}
FOR_ALL, FOR_ONE = "charts/web/.argocd-source.yaml", "charts/web/.argocd-source-a.yaml"
BUMP = "helm: {parameters: [{name: image.tag, value: v2}]}"


def in_cluster(tmp_path: Path, files: dict[str, str], *sources: dict[str, Any]) -> tuple[World, Row]:
    """Scan an Application with files beside it, and return the world with the Application as its cluster runs it."""
    world = World(tmp_path)
    world.repository = replace(world.repository, clone_url=OWN)
    application = manifest("Application", "a", api="argoproj.io/v1alpha1", spec={"sources": [*sources]})
    world.git.commit({"a.yaml": application, **files})
    world.scan()
    return world, run(world)


def run(world: World, name: str = "a") -> Row:
    (row,) = [row for row in world.rows(APPLIED_RESOURCES) if row["name"] == name]
    return row


def settings(world: World, row: Row) -> dict[str, tuple[str | None, str]]:
    rows = world.rows(HELM_VALUES)
    return {each["path"]: (each["value"], each["origin"]) for each in rows if each["applied_id"] == row["applied_id"]}


def images(row: Row) -> list[str]:
    return [image["raw"] for image in row["images"]]


def test_parameters_of_an_application_change_its_image(tmp_path: Path) -> None:
    helm = {**INLINE, "parameters": [{"name": "image.tag", "value": "v3"}]}
    world, row = in_cluster(tmp_path, {}, {**CHART, "helm": helm})
    (document,) = world.resources
    assert images(document) == images(row) == ["o/web:v3"]


@pytest.mark.parametrize("file", [FOR_ALL, FOR_ONE])
def test_parameters_in_a_file_of_overrides_are_values_of_the_application(tmp_path: Path, file: str) -> None:
    world, row = in_cluster(tmp_path, {file: BUMP}, {**IN_GIT, "helm": INLINE})
    expected = {"image.repository": ("o/web", "inline"), "image.tag": ("v2", file)}
    assert settings(world, row) == expected, "a list of parameters is replaced as a whole"
    assert (images(row), row["is_complete"]) == (["o/web:v2"], True)


def test_overrides_of_one_application_win_and_make_a_chart_of_a_folder(tmp_path: Path) -> None:
    files = {FOR_ALL: "helm: {values: 'size: 1', valueFiles: [prod.yaml]}", FOR_ONE: "helm: {values: 'size: 2'}"}
    files |= {"charts/web/.argocd-source-other.yaml": "helm: {values: 'size: 9'}", "charts/web/prod.yaml": "side: 3"}
    world, row = in_cluster(tmp_path, files, IN_GIT)
    assert row["chart_name"] == "charts/web"
    assert settings(world, row) == {"side": ("3", "charts/web/prod.yaml"), "size": ("2", FOR_ONE)}


def test_a_null_in_a_file_of_overrides_removes_and_its_place_stays(tmp_path: Path) -> None:
    overrides = "helm: {parameters: null}\nrepoURL: https://github.com/other/x\npath: other\nchart: other\n"
    world, row = in_cluster(tmp_path, {FOR_ALL: overrides}, {**IN_GIT, "helm": INLINE})
    assert "size" not in settings(world, row)
    assert (row["chart_name"], row["is_complete"]) == ("charts/web", True)


def test_a_commit_of_overrides_alone_is_an_event_of_the_application(tmp_path: Path) -> None:
    world, _ = in_cluster(tmp_path, {}, {**IN_GIT, "helm": INLINE})
    for text, tag in ((BUMP, "v2"), (BUMP.replace("v2", "v3"), "v3"), (None, "v1")):
        world.git.commit({FOR_ONE: text})
        world.scan()
        assert images(run(world)) == [f"o/web:{tag}"]
        assert settings(world, run(world))["image.tag"][0] == tag


@pytest.mark.parametrize("text", ["helm: [", "- helm", "helm: {parameters: [{name: 'a[', value: 1}]}"])
def test_overrides_that_cannot_be_read_make_the_application_incomplete(tmp_path: Path, text: str) -> None:
    _, row = in_cluster(tmp_path, {FOR_ALL: text}, {**IN_GIT, "helm": INLINE})
    assert row["is_complete"] is False


def test_the_overrides_of_another_commit_are_not_known(tmp_path: Path) -> None:
    _, row = in_cluster(tmp_path, {FOR_ALL: BUMP}, {**IN_GIT, "targetRevision": "v1.0.0", "helm": INLINE})
    assert (images(row), row["is_complete"]) == (["o/web:v1"], False)


def test_a_further_source_has_its_own_overrides(tmp_path: Path) -> None:
    world, row = in_cluster(tmp_path, {FOR_ALL: BUMP}, CHART, {**IN_GIT, "helm": INLINE})
    further = run(world, "a-web")
    assert settings(world, row) == {}
    assert (settings(world, further)["image.tag"], images(further)) == (("v2", FOR_ALL), ["o/web:v2"])


def test_a_secret_in_a_file_of_overrides_is_hidden(tmp_path: Path) -> None:
    overrides = "helm: {parameters: [{name: auth.password, value: hunter2hunter2}], values: 'token: hunter2hunter2'}"
    world, row = in_cluster(tmp_path, {FOR_ALL: overrides}, {**IN_GIT, "helm": INLINE})
    assert {"auth.password", "token"} <= settings(world, row).keys()
    assert "hunter2" not in str(settings(world, row))


# Dependencies of a wrapper chart

WRAPPER = {
    "charts/web/Chart.yaml": "apiVersion: v2\nname: w\nversion: 0.0.0\ndependencies: "
    "[{name: redis, alias: cache, version: 1.0.0, repository: 'https://charts.example.org'}]\n",
    "charts/web/values.yaml": "cache: {size: 1, image: {repository: o/redis, tag: v1}}\nsize: 9\n",
    "charts/web/prod.yaml": "cache: {size: 2, depth: 1}\n",
}


def test_an_application_gives_values_to_the_dependencies_of_its_chart(tmp_path: Path) -> None:
    helm = {
        "valueFiles": ["prod.yaml"],
        "valuesObject": {"cache": {"image": {"tag": "v2"}}, "size": 8},
        "parameters": [{"name": "cache.on", "value": "true"}, {"name": "size", "value": "7"}],
    }
    world, _ = in_cluster(tmp_path, WRAPPER, {**IN_GIT, "helm": helm})
    row = run(world, "cache")
    assert settings(world, row) == {
        "size": ("2", "charts/web/prod.yaml"),
        "depth": ("1", "charts/web/prod.yaml"),
        "image.repository": ("o/redis", "charts/web/values.yaml"),
        "image.tag": ("v2", "a.yaml"),
        "on": ("true", "a.yaml"),
    }
    assert (images(row), row["is_complete"]) == (["o/redis:v2"], True)
    (document,) = [each for each in world.resources if each["kind"] == "ChartDependency"]
    assert images(document) == ["o/redis:v1"], "the document has the values of its chart alone"


def test_a_text_of_values_is_given_to_a_dependency_and_follows_from_commit_to_commit(tmp_path: Path) -> None:
    world, _ = in_cluster(tmp_path, WRAPPER, {**IN_GIT, "helm": {"values": "cache: {image: {tag: v2}}"}})
    assert images(run(world, "cache")) == ["o/redis:v2"]
    source = {**IN_GIT, "helm": {"values": "cache: {image: {tag: v3}}"}}
    world.git.commit({"a.yaml": manifest("Application", "a", api="argoproj.io/v1alpha1", spec={"source": source})})
    world.scan()
    assert images(run(world, "cache")) == ["o/redis:v3"]
    events = [row for row in world.rows(APPLIED_EVENTS) if row["name"] == "cache"]
    assert [row["event_type"] for row in events] == ["CREATED", "MODIFIED"]
    world.git.commit({"a.yaml": manifest("Application", "a", api="argoproj.io/v1alpha1", spec={"source": IN_GIT})})
    world.scan()
    assert images(run(world, "cache")) == ["o/redis:v1"]


def test_a_values_file_of_another_repository_leaves_a_dependency_incomplete(tmp_path: Path) -> None:
    world, _ = in_cluster(tmp_path, WRAPPER, {**IN_GIT, "helm": {"valueFiles": ["$other/values.yaml"]}})
    assert run(world, "cache")["is_complete"] is False
