"""The Helm values of a release in each cluster: patched, with variables, and over the ConfigMaps of that cluster."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubestats_pipeline.lake.tables import APPLIED_EVENTS, APPLIED_RESOURCES, HELM_VALUES
from kubestats_pipeline_tests.scan.world import World, chart, config, kustomization, manifest, release

FLUX = "kustomize.toolkit.fluxcd.io/v1"
CLUSTERS = ("prod", "staging")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def flux(name: str, path: str, **spec: Any) -> str:
    return manifest("Kustomization", name, api=FLUX, namespace="flux-system", spec={"path": path, **spec})


def hr(name: str = "app", **spec: Any) -> str:
    return release(name, namespace="web", chart=chart("app", "1.0.0", "charts"), **spec)


def supplied(name: str = "values", kind: str = "ConfigMap", **entry: Any) -> dict[str, Any]:
    return {"kind": kind, "name": name, **entry}


def patched(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The `patches` of a kustomization that patch the values of all releases."""
    text = json.dumps({"kind": "HelmRelease", "metadata": {"name": "any"}, "spec": {"values": values}})
    return [{"patch": text, "target": {"kind": "HelmRelease"}}]


def one_cluster(files: Mapping[str, str | None], **spec: Any) -> dict[str, str | None]:
    return {"clusters/main/app.yaml": flux("app", "app", **spec)} | {
        f"app/{name}": text for name, text in files.items()
    }


def two_clusters(overlays: Mapping[str, str]) -> dict[str, str | None]:
    files: dict[str, str | None] = {}
    for name, text in overlays.items():
        files[f"clusters/{name}/app.yaml"] = flux("app", f"overlays/{name}")
        files[f"overlays/{name}/kustomization.yaml"] = text
    return files


def in_clusters(world: World, name: str = "app") -> list[dict[str, Any]]:
    """The releases of a name in clusters, in the order of clusters."""
    found = [row for row in world.rows(APPLIED_RESOURCES) if (row["kind"], row["name"]) == ("HelmRelease", name)]
    return sorted(found, key=lambda row: str(row["cluster"]))


def settings(world: World, name: str = "app") -> list[dict[str, tuple[str | None, str]]]:
    """The values and origins of the settings of a release in each cluster."""
    rows = world.rows(HELM_VALUES)
    return [
        {row["path"]: (row["value"], row["origin"]) for row in rows if row["applied_id"] == each["applied_id"]}
        for each in in_clusters(world, name)
    ]


def images(world: World) -> list[list[str]]:
    return [[image["raw"] for image in row["images"]] for row in in_clusters(world)]


def completeness(world: World) -> list[bool]:
    return [row["is_complete"] for row in in_clusters(world)]


def resource(world: World) -> dict[str, Any]:
    (row,) = [row for row in world.resources if (row["kind"], row["name"]) == ("HelmRelease", "app")]
    return row


def scan(world: World, files: Mapping[str, str | None]) -> None:
    world.git.commit(files)
    world.scan()


# Inline values


def test_each_cluster_has_the_values_that_its_overlay_patches(world: World) -> None:
    overlays = {
        name: kustomization("../../base", patches=patched({"image": f"ghcr.io/o/a:{name}-1"})) for name in CLUSTERS
    }
    base = {"base/kustomization.yaml": kustomization("hr.yaml")}
    written = {"image": "ghcr.io/o/a:base", "replicas": 1}
    scan(world, two_clusters(overlays) | base | {"base/hr.yaml": hr(values=written)})
    assert settings(world) == [
        {"image": (f"ghcr.io/o/a:{name}-1", "inline"), "replicas": ("1", "inline")} for name in CLUSTERS
    ]
    assert images(world) == [["ghcr.io/o/a:prod-1"], ["ghcr.io/o/a:staging-1"]]
    assert [image["raw"] for image in resource(world)["images"]] == ["ghcr.io/o/a:base"]
    assert resource(world)["values_complete"] is True


def test_a_patch_of_one_cluster_alone_changes_the_values_of_that_cluster_alone(world: World) -> None:
    overlays = {name: kustomization("../../base") for name in CLUSTERS}
    base = {"base/kustomization.yaml": kustomization("hr.yaml"), "base/hr.yaml": hr(values={"a": 1})}
    scan(world, two_clusters(overlays) | base)
    scan(world, {"overlays/staging/kustomization.yaml": kustomization("../../base", patches=patched({"a": 2}))})
    assert settings(world) == [{"a": ("1", "inline")}, {"a": ("2", "inline")}]
    scan(world, {"overlays/staging/kustomization.yaml": kustomization("../../base")})
    assert settings(world) == [{"a": ("1", "inline")}, {"a": ("1", "inline")}]


def test_variables_are_put_into_the_values_of_the_cluster_and_one_that_is_left_makes_them_incomplete(
    world: World,
) -> None:
    values = {"host": "a.${DOMAIN}", "image": "ghcr.io/o/a:${TAG}"}
    variables: dict[str, Any] = {"substitute": {"DOMAIN": "example.org", "TAG": "1.2"}}
    scan(world, one_cluster({"hr.yaml": hr(values=values)}, postBuild=variables))
    assert settings(world) == [
        {"host": ("a.example.org", "inline"), "image": ("ghcr.io/o/a:1.2", "inline")},
    ]
    assert (images(world), completeness(world)) == ([["ghcr.io/o/a:1.2"]], [True])
    values["more"] = "${MORE}"
    scan(world, one_cluster({"hr.yaml": hr(values=values)}, postBuild=variables))
    assert (settings(world)[0]["more"], completeness(world)) == ((None, "inline"), [True])
    variables["substituteFrom"] = [{"kind": "Secret", "name": "more"}]
    scan(world, one_cluster({}, postBuild=variables))
    assert settings(world)[0]["more"] == ("${MORE}", "inline")
    assert completeness(world) == [False]


def test_a_secret_that_a_variable_brings_into_values_is_hidden(world: World) -> None:
    variables = {"substitute": {"ANY": "hunter2"}}
    values = {"admin": {"password": "${ANY}"}, "plain": "${ANY}"}
    scan(world, one_cluster({"hr.yaml": hr(values=values)}, postBuild=variables))
    assert settings(world)[0]["admin.password"] == ("<redacted>", "inline")


def test_a_number_in_a_cluster_is_the_one_that_the_cluster_gets(world: World) -> None:
    text = hr(values={"tag": 0}).replace('"tag": 0', '"tag": 1.10')
    scan(world, one_cluster({"hr.yaml": text}) | {"unused/other.yaml": text.replace('"app"', '"other"')})
    assert settings(world) == [{"tag": ("1.1", "inline")}]
    assert [row["value"] for row in world.rows(HELM_VALUES) if not row["applied_id"]] == ["1.10"]


# ConfigMaps


def test_each_cluster_has_the_values_of_its_own_generated_config_map(world: World) -> None:
    def overlay(name: str) -> str:
        generator = {"name": "values", "namespace": "web", "files": ["values.yaml"]}
        options = {"disableNameSuffixHash": True}
        return kustomization("../../base", configMapGenerator=[generator], generatorOptions=options)

    files = two_clusters({name: overlay(name) for name in CLUSTERS})
    files |= {f"overlays/{name}/values.yaml": f"image: ghcr.io/o/a:{name}-1\n" for name in CLUSTERS}
    base = {"base/kustomization.yaml": kustomization("hr.yaml")}
    scan(world, files | base | {"base/hr.yaml": hr(valuesFrom=[supplied()], values={"own": 1})})
    assert settings(world) == [
        {"image": (f"ghcr.io/o/a:{name}-1", f"overlays/{name}/values.yaml"), "own": ("1", "inline")}
        for name in CLUSTERS
    ]
    assert images(world) == [["ghcr.io/o/a:prod-1"], ["ghcr.io/o/a:staging-1"]]
    assert completeness(world) == [True, True]
    assert (resource(world)["values_complete"], resource(world)["images"]) == (False, [])


def generated(*files: str, literals: tuple[str, ...] = (), **fields: Any) -> str:
    generator = {"name": "values", "namespace": "web", "files": list(files), "literals": list(literals)}
    return kustomization(
        "hr.yaml", configMapGenerator=[generator], generatorOptions={"disableNameSuffixHash": True}, **fields
    )


def test_variables_are_put_into_the_files_of_a_generator_too(world: World) -> None:
    files = {
        "kustomization.yaml": generated("values.yaml"),
        "hr.yaml": hr(valuesFrom=[supplied()]),
        "values.yaml": "image: ghcr.io/o/a:${TAG}\ncredentials: {image: {repository: ghcr.io/o/b, tag: '${TAG}'}}\n",
    }
    scan(world, one_cluster(files, postBuild={"substitute": {"TAG": "1.2"}}))
    assert settings(world)[0]["image"] == ("ghcr.io/o/a:1.2", "app/values.yaml")
    assert images(world) == [["ghcr.io/o/a:1.2", "ghcr.io/o/b:1.2"]]
    assert resource(world)["images"][0]["tag"] == "1.2"


def test_the_text_of_a_config_map_that_a_patch_changes_counts_in_place_of_its_file(world: World) -> None:
    change = {"kind": "ConfigMap", "metadata": {"name": "any"}, "data": {"values.yaml": "a: 2\n"}}
    patches = [{"patch": json.dumps(change), "target": {"kind": "ConfigMap"}}]
    files = {"kustomization.yaml": generated("values.yaml", patches=patches), "values.yaml": "a: 1\n"}
    scan(world, one_cluster(files | {"hr.yaml": hr(valuesFrom=[supplied()])}))
    assert settings(world) == [{"a": ("2", "app")}]


def test_one_setting_may_have_a_whole_file_as_its_value(world: World) -> None:
    entry = supplied(valuesKey="motd", targetPath="motd")
    files = {"kustomization.yaml": generated("motd"), "hr.yaml": hr(valuesFrom=[entry]), "motd": "hello ${NAME}\n"}
    scan(world, one_cluster(files, postBuild={"substitute": {"NAME": "Ann"}}))
    assert settings(world) == [{"motd": ("hello Ann", "app/motd")}]


def test_a_key_and_a_target_choose_the_text_and_its_place_and_an_optional_one_may_be_missing(world: World) -> None:
    entries = [
        supplied(valuesKey="more.yaml"),
        supplied(valuesKey="tag", targetPath="image.tag"),
        supplied(valuesKey="nowhere", optional=True),
    ]
    files = {
        "kustomization.yaml": generated("more.yaml", literals=("tag=1.2",)),
        "hr.yaml": hr(valuesFrom=entries),
        "more.yaml": "image: {repository: ghcr.io/o/a}\n",
    }
    scan(world, one_cluster(files))
    assert settings(world) == [{"image.repository": ("ghcr.io/o/a", "app/more.yaml"), "image.tag": ("1.2", "app")}]
    assert (images(world), completeness(world)) == ([["ghcr.io/o/a:1.2"]], [True])
    scan(world, {"app/hr.yaml": hr(valuesFrom=[*entries, supplied(valuesKey="nowhere")])})
    assert completeness(world) == [False]


@pytest.mark.parametrize("entry", [supplied("secret", "Secret"), supplied("unknown")], ids=["secret", "unknown"])
def test_values_that_the_repository_does_not_hold_make_the_application_incomplete(
    world: World, entry: dict[str, Any]
) -> None:
    scan(world, one_cluster({"hr.yaml": hr(valuesFrom=[entry], values={"a": 1})}))
    assert (settings(world), completeness(world)) == ([{"a": ("1", "inline")}], [False])
    assert resource(world)["values_complete"] is False


def test_a_declared_config_map_gives_each_cluster_what_its_overlay_makes_of_it(world: World) -> None:
    def overlay(name: str) -> str:
        data = {"values.yaml": f"a: {name}\n"}
        text = json.dumps({"kind": "ConfigMap", "metadata": {"name": "any"}, "data": data})
        return kustomization("../../base", patches=[{"patch": text, "target": {"kind": "ConfigMap"}}])

    declared = manifest("ConfigMap", "values", namespace="web", data={"values.yaml": "a: base\n"})
    base = {"base/kustomization.yaml": kustomization("hr.yaml", "values.yaml"), "base/values.yaml": declared}
    files = two_clusters({name: overlay(name) for name in CLUSTERS}) | base
    scan(world, files | {"base/hr.yaml": hr(valuesFrom=[supplied()])})
    assert settings(world) == [{"a": (name, "base/values.yaml")} for name in CLUSTERS]


# Images and events


def test_post_renderers_change_the_images_that_a_release_runs(world: World) -> None:
    entry = {"name": "ghcr.io/o/a", "newName": "ghcr.io/mirror/a", "newTag": "2.0"}
    renderers = [{"kustomize": {"images": [entry, {"name": "other", "newTag": "9"}]}}]
    values = {"image": "ghcr.io/o/a:1.0", "sidecar": {"image": "ghcr.io/o/ab:1.0"}}
    scan(world, one_cluster({"hr.yaml": hr(values=values, postRenderers=renderers)}))
    assert images(world) == [["ghcr.io/mirror/a:2.0", "ghcr.io/o/ab:1.0"]]
    assert resource(world)["images"][0]["raw"] == "ghcr.io/o/a:1.0"


@pytest.mark.parametrize("at_once", [True, False])
def test_a_new_image_in_the_values_of_one_cluster_is_an_event_of_that_cluster_alone(
    world: World, at_once: bool
) -> None:
    def overlay() -> str:
        generator = {"name": "values", "namespace": "web", "files": ["values.yaml"]}
        options = {"disableNameSuffixHash": True}
        return kustomization("../../base", configMapGenerator=[generator], generatorOptions=options)

    base = {"base/kustomization.yaml": kustomization("hr.yaml"), "base/hr.yaml": hr(valuesFrom=[supplied()])}
    values = {f"overlays/{name}/values.yaml": "image: ghcr.io/o/a:1\n" for name in CLUSTERS}
    world.git.commit({**two_clusters(dict.fromkeys(CLUSTERS, overlay())), **base, **values})
    if not at_once:
        world.scan()
    commit = world.git.commit({"overlays/staging/values.yaml": "image: ghcr.io/o/a:2\n"})
    world.scan()
    (event,) = [row for row in world.rows(APPLIED_EVENTS) if row["commit_sha"] == commit]
    assert (event["name"], event["cluster"], event["changes_detected"]) == ("app", "clusters/staging", ["images"])
    assert settings(world) == [
        {"image": ("ghcr.io/o/a:1", "overlays/prod/values.yaml")},
        {"image": ("ghcr.io/o/a:2", "overlays/staging/values.yaml")},
    ]


def test_the_values_files_of_a_chart_that_kustomize_inflates_give_it_images(world: World) -> None:
    entry = {"name": "app", "repo": "https://charts.example.org", "version": "1.0.0", "valuesFile": "values.yaml"}
    values = "image: {repository: ghcr.io/o/a, tag: '1'}\n"
    files = {"kustomization.yaml": kustomization(helmCharts=[entry]), "values.yaml": values}
    scan(world, one_cluster(files))
    scan(world, {"app/values.yaml": values.replace("'1'", "'2'")})
    (made,) = [row for row in world.rows(APPLIED_RESOURCES) if row["chart_name"] == "app"]
    assert [image["raw"] for image in made["images"]] == ["ghcr.io/o/a:2"]
    assert [row["event_type"] for row in world.rows(APPLIED_EVENTS) if row["applied_id"] == made["applied_id"]] == [
        "CREATED",
        "MODIFIED",
    ]


# From commit to commit


def steps() -> list[dict[str, str | None]]:
    values = {"image": "ghcr.io/o/a:${TAG}"}
    first = {"hr.yaml": hr(valuesFrom=[supplied()], values=values), "values.yaml": "a: '${TAG}'\nb: 1\n"}
    return [
        one_cluster(first | {"kustomization.yaml": generated("values.yaml")}, postBuild={"substitute": {"TAG": "1"}}),
        {"app/values.yaml": "a: {broken\n"},
        {"other.yaml": config("other")},
        {"app/kustomization.yaml": generated("nowhere.yaml")},
        {"app/hr.yaml": hr(valuesFrom=[supplied()], values={**values, "c": 1})},
        {"app/kustomization.yaml": generated("values.yaml")},
        {"app/values.yaml": "b: 2\n", "clusters/main/app.yaml": flux("app", "app")},
        {"app/values.yaml": None, "app/kustomization.yaml": kustomization("hr.yaml")},
    ]


def test_stops_after_any_commit_change_nothing(tmp_path: Path) -> None:
    stopped, undisturbed = World(tmp_path / "stopped"), World(tmp_path / "undisturbed")

    def tables(world: World) -> list[Any]:
        more = (world.rows(table) for table in (APPLIED_RESOURCES, APPLIED_EVENTS))
        rows = [[{key: row[key] for key in row if key != "sync_run_id"} for row in each] for each in more]
        return [world.tables(), *rows]

    for files in steps():
        for each in (stopped, undisturbed):
            each.git.commit(files)
        stopped.scan()
    undisturbed.scan()
    assert tables(stopped) == tables(undisturbed)


def test_while_an_application_cannot_be_built_its_settings_are_those_of_its_document(world: World) -> None:
    variables = {"substitute": {"TAG": "1"}}
    files = {"hr.yaml": hr(values={"a": "x-${TAG}"}), "kustomization.yaml": kustomization("hr.yaml")}
    scan(world, one_cluster(files, postBuild=variables))
    assert settings(world) == [{"a": ("x-1", "inline")}]
    scan(world, {"app/kustomization.yaml": kustomization("hr.yaml", "nowhere.yaml")})
    assert settings(world) == [{"a": ("x-${TAG}", "inline")}]
    scan(world, {"app/kustomization.yaml": kustomization("hr.yaml")})
    assert settings(world) == [{"a": ("x-1", "inline")}]


def test_a_values_file_that_cannot_be_read_leaves_the_application_its_last_values_with_their_variables(
    world: World,
) -> None:
    files = {"kustomization.yaml": generated("values.yaml"), "hr.yaml": hr(valuesFrom=[supplied()])}
    files |= {"values.yaml": "a: x-${TAG}\n"}
    scan(world, one_cluster(files, postBuild={"substitute": {"TAG": "1"}}))
    for change in ({"app/values.yaml": "a: {broken\n"}, {"other.yaml": config("other")}):
        scan(world, change)
        assert settings(world) == [{"a": ("x-1", "app/values.yaml")}]
        assert [row["problem"] for row in world.problems] == ["syntax"]
