"""Builds: ConfigMaps and Secrets that kustomize generates, charts that it inflates, and their names."""

import pytest

from kubestats_pipeline_tests.scan.build.trees import build, contents


def generated(fields: str, **files: str) -> list[dict]:
    return contents(
        build({"kustomization.yaml": fields} | {name.replace("_", "."): text for name, text in files.items()})
    )


def test_a_config_map_has_the_hash_of_its_content_in_its_name():
    (config,) = generated("configMapGenerator: [{name: values, literals: [x=1, y=a=b]}]")
    assert config["data"] == {"x": "1", "y": "a=b"}
    assert config["metadata"]["name"] == "values-d8f945c2tk"


def test_the_name_without_the_hash_is_known():
    (one,) = build({"kustomization.yaml": "configMapGenerator: [{name: values, literals: [x=1]}]"}).objects
    assert one.base_name == "values"
    assert one.changed_by == {"generator"}


def test_a_hash_may_be_left_out():
    (config,) = generated(
        "configMapGenerator: [{name: values, literals: [x=1]}]\ngeneratorOptions: {disableNameSuffixHash: true}"
    )
    assert config["metadata"]["name"] == "values"


def test_a_secret_is_not_read_and_has_no_hash():
    tree = {
        "kustomization.yaml": "secretGenerator: [{name: s, literals: [a=open-words], files: [key.txt]}]",
        "key.txt": "more-open-words",
    }
    (secret,) = build(tree).objects
    assert "words" not in str(secret)
    assert (secret.content["metadata"]["name"], secret.base_name) == ("s", "s")
    assert secret.content["data"].keys() == {"a", "key.txt"}


def test_a_config_map_with_a_withheld_value_has_no_hash():
    (config,) = generated("configMapGenerator: [{name: c, literals: [password=hunter2-hunter2]}]")
    assert config["metadata"]["name"] == "c"
    assert "hunter2" not in str(config)


def test_files_and_env_files_are_read():
    fields = "configMapGenerator: [{name: c, files: [a.txt, k=b.yaml], envs: [c.env]}]"
    (config,) = generated(fields, a_txt="text\n", b_yaml="x: 1\n", c_env="# no\n\nK=v\n")
    assert config["data"] == {"a.txt": "text\n", "k": "x: 1\n", "K": "v"}


def test_a_pod_follows_the_hash_and_a_release_does_not():
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, configMap: {name: values}}]}\n"
    release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r}\n"
    release += "spec: {valuesFrom: [{name: values}]}\n"
    fields = "resources: [a.yaml]\nconfigMapGenerator: [{name: values, literals: [x=1]}]"
    first, second, config = generated(fields, a_yaml=f"{pod}---\n{release}")
    assert first["spec"]["volumes"][0]["configMap"]["name"] == config["metadata"]["name"] != "values"
    assert second["spec"]["valuesFrom"][0]["name"] == "values"


def test_an_overlay_merges_into_the_config_map_of_its_base():
    tree = {
        "base/kustomization.yaml": "configMapGenerator: [{name: c, literals: [a=1, b=1]}]",
        "over/kustomization.yaml": "resources: [../base]\n"
        "configMapGenerator: [{name: c, behavior: merge, literals: [b=2]}]",
    }
    (config,) = contents(build(tree, "over"))
    assert config["data"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{literals: [a=1]}", "a generator has no name"),
        ("{name: c, literals: [a=1, a=2]}", "a generator has a key twice"),
        ("{name: c, behavior: merge, literals: [a=1]}", "a generator merges with a resource that does not exist"),
        ("{name: c, files: [nope.txt]}", "nope.txt: the file is missing"),
    ],
)
def test_a_generator_that_is_not_possible_is_refused(entry: str, reason: str):
    assert build({"kustomization.yaml": f"configMapGenerator: [{entry}]"}).failure == reason


CHARTS = "helmCharts: [{name: mini, version: 0.1.0, releaseName: n1, namespace: inner}, {name: mini, releaseName: n2}]"


def test_charts_are_in_the_namespace_of_the_kustomization():
    charts = generated(f"namespace: outer\n{CHARTS}")
    assert [chart["metadata"] for chart in charts] == [
        {"name": "n1", "namespace": "outer"},
        {"name": "n2", "namespace": "outer"},
    ]
    assert {chart["kind"] for chart in charts} == {"HelmChartInflationGenerator"}
    assert charts[0]["namespace"] == "inner"


def test_charts_of_a_folder_are_in_the_target_namespace_of_flux():
    built = build({"kustomization.yaml": CHARTS}, namespace="tgt")
    assert [chart["metadata"]["namespace"] for chart in contents(built)] == ["tgt", "tgt"]


def test_a_chart_of_the_old_field_is_a_chart():
    entry = "{chartName: nats, chartVersion: v0.13.1, chartRepoUrl: 'https://charts.example.org', releaseName: n3}"
    (chart,) = generated(f"helmChartInflationGenerator: [{entry}]")
    shown = {key: chart[key] for key in ("apiVersion", "name", "version", "repo", "releaseName")}
    assert shown == {
        "apiVersion": "builtin",
        "name": "nats",
        "version": "v0.13.1",
        "repo": "https://charts.example.org",
        "releaseName": "n3",
    }


def test_a_prefix_does_not_rename_a_release():
    assert [chart["metadata"]["name"] for chart in generated(f"namePrefix: p-\n{CHARTS}")] == ["n1", "n2"]
