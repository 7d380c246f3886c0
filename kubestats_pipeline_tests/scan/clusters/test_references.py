"""Effective namespaces, and the chart and version behind each release, joined over the files of a repository."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.scan.facts.charts import canonical_url
from kubestats_pipeline.scan.manifests.identity import order_of
from kubestats_pipeline_tests.scan.world import (
    Tree,
    chart,
    config,
    documents,
    flux_path,
    helm_repository,
    kustomization,
    manifest,
    oci_repository,
    read,
    release,
)

CHART_REF = {"kind": "OCIRepository", "name": "app"}
HELM_CHART = "source.toolkit.fluxcd.io/v1"


@pytest.fixture
def tree() -> Tree:
    return Tree()


def namespace_of(tree: Tree, name: str = "app", kind: str = "ConfigMap", path: str = "") -> str | None:
    return tree.resolution(name, kind, path).namespace


def test_a_namespace_is_as_declared_where_nothing_gives_another(tree: Tree) -> None:
    tree.put({"a.yaml": config("app"), "b.yaml": manifest("ConfigMap", "named", namespace="own")})
    assert (namespace_of(tree), namespace_of(tree, "named")) == (None, "own")


def test_the_outermost_namespace_of_a_kustomization_wins_over_inner_ones_and_the_declared_one(
    tree: Tree,
) -> None:
    tree.put(
        {
            "apps/kustomization.yaml": kustomization("./web", namespace="outer"),
            "apps/web/kustomization.yaml": kustomization("app.yaml", namespace="inner"),
            "apps/web/app.yaml": manifest("ConfigMap", "app", namespace="own"),
        }
    )
    assert namespace_of(tree) == "outer", "as `kubectl kustomize apps` has it"
    tree.put({"apps/kustomization.yaml": kustomization("./web")})
    assert namespace_of(tree) == "inner"
    tree.put({"apps/web/kustomization.yaml": kustomization("app.yaml")})
    assert namespace_of(tree) == "own"


@pytest.mark.parametrize("head", ["", "kind: Kustomization\n", "apiVersion: kustomize.config.k8s.io/v1beta1\n"])
def test_a_kustomization_may_leave_out_what_it_is(tree: Tree, head: str) -> None:
    tree.put({"kustomization.yaml": f"{head}namespace: web\nresources: [a.yaml]\n", "a.yaml": config("app")})
    assert namespace_of(tree) == "web"


@pytest.mark.parametrize("path", ["./apps/web", "/apps/web", "apps/web", "apps/web/", "./apps/../apps/web"])
def test_a_flux_kustomization_applies_to_its_path_wherever_it_stands(tree: Tree, path: str) -> None:
    tree.put({"flux/ks.yaml": flux_path("web", path, "web"), "apps/web/app.yaml": config("app"), "x.yaml": config("x")})
    assert (namespace_of(tree), namespace_of(tree, "x")) == ("web", None)


def test_a_blank_path_is_the_root(tree: Tree) -> None:
    tree.put({"ks.yaml": flux_path("all", "", "web"), "deep/down/app.yaml": config("app")})
    assert namespace_of(tree) == "web"
    assert namespace_of(tree, "all", "Kustomization") is None, "it does not apply itself"


def test_the_target_namespace_wins_over_kustomizations(tree: Tree) -> None:
    files = {"apps/kustomization.yaml": kustomization("app.yaml", namespace="inner"), "apps/app.yaml": config("app")}
    tree.put({**files, "ks.yaml": flux_path("apps", "apps", "target")})
    assert namespace_of(tree) == "target"


def test_a_flux_kustomization_without_a_target_leaves_the_namespace_of_the_kustomization_that_it_applies(
    tree: Tree,
) -> None:
    files = {"apps/kustomization.yaml": kustomization("app.yaml", namespace="inner"), "apps/app.yaml": config("app")}
    tree.put({**files, "ks.yaml": flux_path("apps", "apps")})
    assert namespace_of(tree) == "inner"


def test_a_kustomization_gives_its_namespace_to_child_flux_kustomizations_but_not_to_what_they_apply(
    tree: Tree,
) -> None:
    tree.put(
        {
            "apps/kustomization.yaml": kustomization("./ks.yaml", namespace="web"),
            "apps/ks.yaml": flux_path("child", "apps/app"),
            "apps/app/kustomization.yaml": kustomization("app.yaml"),
            "apps/app/app.yaml": config("app"),
        }
    )
    assert (namespace_of(tree, "child", "Kustomization"), namespace_of(tree)) == ("web", None)


def test_a_folder_without_a_kustomization_takes_in_everything_below_it(tree: Tree) -> None:
    tree.put({"ks.yaml": flux_path("apps", "apps", "web"), "apps/a/b/app.yaml": config("app")})
    assert namespace_of(tree) == "web"


def test_a_kustomization_on_the_way_cuts_off_what_it_does_not_list(tree: Tree) -> None:
    tree.put(
        {
            "ks.yaml": flux_path("apps", "apps", "web"),
            "apps/a/kustomization.yaml": kustomization("listed.yaml"),
            "apps/a/listed.yaml": config("listed"),
            "apps/a/other.yaml": config("other"),
        }
    )
    assert (namespace_of(tree, "listed"), namespace_of(tree, "other")) == ("web", None)


def test_a_base_outside_the_applied_folder_is_taken_in_through_its_overlay(tree: Tree) -> None:
    tree.put(
        {
            "ks.yaml": flux_path("prod", "clusters/prod", "web"),
            "clusters/prod/app/kustomization.yaml": kustomization("../../../base/app"),
            "base/app/kustomization.yaml": kustomization("app.yaml"),
            "base/app/app.yaml": config("app"),
        }
    )
    assert namespace_of(tree) == "web"


def test_a_base_that_two_overlays_take_into_different_namespaces_stays_as_declared(tree: Tree) -> None:
    files = {
        "base/kustomization.yaml": kustomization("app.yaml"),
        "base/app.yaml": manifest("ConfigMap", "app", namespace="own"),
        "one/kustomization.yaml": kustomization("../base", namespace="one"),
        "two/kustomization.yaml": kustomization("../base", namespace="two"),
    }
    tree.put(files)
    assert namespace_of(tree) == "own"
    tree.put({"ks.yaml": flux_path("two", "two")})
    assert namespace_of(tree) == "two", "only one of them is applied"


def test_components_and_old_bases_add_folders(tree: Tree) -> None:
    tree.put(
        {
            "k/kustomization.yaml": kustomization(namespace="web", components=["../c"], bases=["../b"]),
            "c/kustomization.yaml": kustomization(
                "app.yaml", kind="Component", apiVersion="kustomize.config.k8s.io/v1alpha1"
            ),
            "c/app.yaml": config("app"),
            "b/kustomization.yml": kustomization("old.yml"),
            "b/old.yml": config("old"),
        }
    )
    assert (namespace_of(tree), namespace_of(tree, "old")) == ("web", "web")


def test_one_path_with_several_flux_kustomizations_is_a_template_without_a_namespace(tree: Tree) -> None:
    tree.put(
        {"ks.yaml": documents(flux_path("a", "t", "one"), flux_path("b", "t", "two")), "t/app.yaml": config("app")}
    )
    assert namespace_of(tree) is None
    tree.put({"ks.yaml": documents(flux_path("a", "t", "one"), flux_path("b", "t", "one"))})
    assert namespace_of(tree) == "one"


def test_objects_of_the_cluster_have_no_namespace(tree: Tree) -> None:
    role = manifest("ClusterRole", "app", api="rbac.authorization.k8s.io/v1")
    tree.put({"kustomization.yaml": kustomization("a.yaml", namespace="web"), "a.yaml": role})
    assert namespace_of(tree, "app", "ClusterRole") is None


def test_kustomizations_that_list_each_other_come_to_an_end(tree: Tree) -> None:
    tree.put(
        {
            "a/kustomization.yaml": kustomization("../b", "x.yaml", "."),
            "b/kustomization.yaml": kustomization("../a", "../../../../..", namespace="web"),
            "a/x.yaml": config("app"),
        }
    )
    assert namespace_of(tree) in ("web", None)


def test_a_chart_reference_takes_the_version_of_its_source(tree: Tree) -> None:
    tree.put({"hr.yaml": release("app", chartRef=CHART_REF), "oci.yaml": oci_repository("app", "4.4.0")})
    resolution = tree.resolution("app")
    assert (
        resolution.version,
        resolution.chart_name,
        resolution.chart_url,
        resolution.chart_kind,
        resolution.resolution,
    ) == (
        "4.4.0",
        "app",
        "oci://ghcr.io/org/app",
        "oci",
        "exact",
    )


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ({"tag": "1", "semver": "2.x", "digest": "sha256:3"}, "sha256:3"),
        ({"tag": "1", "semver": "2.x"}, "2.x"),
        ({}, "latest"),
    ],
)
def test_a_source_selects_by_digest_over_semver_over_tag(tree: Tree, ref: dict[str, str], version: str) -> None:
    source = manifest("OCIRepository", "app", api=HELM_CHART, spec={"url": "oci://x.io/app", "ref": ref})
    tree.put({"hr.yaml": release("app", chartRef=CHART_REF), "oci.yaml": source})
    assert tree.resolution("app").version == version


def test_the_tag_beside_a_digest_is_kept(tree: Tree) -> None:
    source = {"url": "oci://ghcr.io/org/app", "ref": {"tag": "1.2.3", "digest": "sha256:0"}}
    api = "source.toolkit.fluxcd.io/v1"
    tree.put(
        {
            "a.yaml": documents(
                release("web", chartRef=CHART_REF), manifest("OCIRepository", "app", api=api, spec=source)
            )
        }
    )
    for found in (tree.resolution("web"), tree.resolution("app", "OCIRepository")):
        assert (found.version, found.version_tag) == ("sha256:0", "1.2.3")
    del source["ref"]["digest"]  # type: ignore[attr-defined]
    tree.put(
        {
            "a.yaml": documents(
                release("web", chartRef=CHART_REF), manifest("OCIRepository", "app", api=api, spec=source)
            )
        }
    )
    found = tree.resolution("web")
    assert (found.version, found.version_tag) == ("1.2.3", None)


def test_a_chart_at_the_root_of_a_git_repository_has_its_name(tree: Tree) -> None:
    source = {"repoURL": "https://github.com/hashicorp/vault-helm.git", "path": ".", "targetRevision": "v1", "helm": {}}
    tree.put({"a.yaml": manifest("Application", "vault", api="argoproj.io/v1alpha1", spec={"source": source})})
    found = tree.resolution("vault", "Application")
    assert (found.chart_name, found.chart_kind, found.resolution) == ("vault-helm", "git", "exact")


def test_what_uses_no_chart_is_never_ambiguous_however_often_it_is_applied(tree: Tree) -> None:
    appliers = {
        f"ks/{number}.yaml": flux_path(f"ks{number}", "./app", f"n{number}") for number in range(20)
    }
    tree.put({**appliers, "app/a.yaml": config("app"), "app/r.yaml": release("web", chartRef=CHART_REF)})
    assert tree.resolution("web").resolution == "unresolved"
    assert tree.resolution("app", "ConfigMap").resolution == "not_applicable"


def test_a_chart_of_a_helm_repository_keeps_its_own_version(tree: Tree) -> None:
    tree.put(
        {
            "hr.yaml": release("app", chart=chart("podinfo", "6.x", "s")),
            "s.yaml": helm_repository("s", "http://A.example/x/"),
        }
    )
    resolution = tree.resolution("app")
    assert (resolution.version, resolution.chart_name, resolution.chart_url, resolution.chart_kind) == (
        "6.x",
        "podinfo",
        "https://a.example/x",
        "helm",
    )


def test_a_chart_without_a_version_is_any_version(tree: Tree) -> None:
    spec = {"spec": {"chart": "podinfo", "sourceRef": {"kind": "HelmRepository", "name": "s"}}}
    tree.put({"hr.yaml": release("app", chart=spec), "s.yaml": helm_repository("s")})
    assert tree.resolution("app").version == "*"


def test_an_oci_helm_repository_and_an_oci_repository_are_the_same_chart(tree: Tree) -> None:
    tree.put(
        {
            "a.yaml": release("a", chart=chart("app", "1", "s")),
            "s.yaml": helm_repository("s", "oci://GHCR.io/org/", type="oci"),
            "b.yaml": release("b", chartRef=CHART_REF),
            "oci.yaml": oci_repository("app", "1"),
        }
    )
    assert tree.resolution("a").chart == tree.resolution("b").chart == ("oci", "oci://ghcr.io/org/app", "app")


def test_a_chart_of_a_git_repository_has_the_version_of_the_repository(tree: Tree) -> None:
    source = manifest("GitRepository", "s", api=HELM_CHART, spec={"url": "https://x.org/r.git", "ref": {"tag": "v3"}})
    tree.put({"hr.yaml": release("app", chart=chart("./charts/x", "9.9", "s", kind="GitRepository")), "s.yaml": source})
    resolution = tree.resolution("app")
    assert (resolution.version, resolution.chart_name, resolution.chart_url, resolution.chart_kind) == (
        "v3",
        "charts/x",
        "https://x.org/r",
        "git",
    )


def test_a_reference_to_a_helm_chart_goes_on_to_its_source_in_two_hops(tree: Tree) -> None:
    spec = {"chart": "podinfo", "version": "6.0.0", "sourceRef": {"kind": "HelmRepository", "name": "s"}}
    tree.put(
        {
            "hr.yaml": release(
                "app", namespace="web", chartRef={"kind": "HelmChart", "name": "c", "namespace": "flux"}
            ),
            "c.yaml": manifest("HelmChart", "c", api=HELM_CHART, namespace="flux", spec=spec),
            "s.yaml": helm_repository("s", namespace="flux"),
            "wrong.yaml": helm_repository("s", "https://wrong.example.org", namespace="web"),
        }
    )
    assert (tree.resolution("app").version, tree.resolution("app").chart_url) == ("6.0.0", "https://charts.example.org")
    tree.put({"c.yaml": manifest("HelmChart", "c", api=HELM_CHART, namespace="flux", spec={**spec, "version": "7"})})
    assert tree.resolution("app").version == "7"


def test_a_helm_chart_that_names_itself_as_its_source_is_unresolved(tree: Tree) -> None:
    spec = {"chart": "c", "sourceRef": {"kind": "HelmChart", "name": "c"}}
    tree.put(
        {
            "hr.yaml": release("app", chartRef={"kind": "HelmChart", "name": "c"}),
            "c.yaml": manifest("HelmChart", "c", api=HELM_CHART, spec=spec),
        }
    )
    assert tree.resolution("app").resolution == "unresolved"


def test_a_reference_without_a_namespace_means_the_release_s_own_never_flux_system(tree: Tree) -> None:
    tree.put(
        {
            "hr.yaml": release("app", namespace="web", chart=chart("c", "1", "s")),
            "s.yaml": helm_repository("s", namespace="flux-system"),
        }
    )
    resolution = tree.resolution("app")
    assert (resolution.resolution, resolution.version, resolution.chart_name, resolution.chart_url) == (
        "unresolved",
        "1",
        "c",
        None,
    )
    assert resolution.reason is not None
    assert "web" in resolution.reason
    tree.put({"hr.yaml": release("app", namespace="web", chart=chart("c", "1", "s", namespace="flux-system"))})
    assert tree.resolution("app").resolution == "exact"


def test_of_equal_names_the_one_in_the_release_s_effective_namespace_is_meant(tree: Tree) -> None:
    tree.put(
        {
            "ks.yaml": documents(flux_path("one", "1", "one"), flux_path("two", "2", "two")),
            **{f"{n}/hr.yaml": release(f"app{n}", chartRef=CHART_REF) for n in (1, 2)},
            **{f"{n}/oci.yaml": oci_repository("app", f"{n}.0") for n in (1, 2)},
        }
    )
    assert [tree.resolution(f"app{n}").version for n in (1, 2)] == ["1.0", "2.0"]


def test_several_that_differ_are_ambiguous_and_several_that_agree_are_one(tree: Tree) -> None:
    files = {"hr.yaml": release("app", chartRef=CHART_REF), "1.yaml": oci_repository("app", "1")}
    tree.put({**files, "2.yaml": oci_repository("app", "2")})
    assert (tree.resolution("app").resolution, tree.resolution("app").version) == ("ambiguous", None)
    tree.put({"2.yaml": oci_repository("app", "1")})
    assert (tree.resolution("app").resolution, tree.resolution("app").version) == ("exact", "1")


@pytest.mark.parametrize("kind", ["ExternalArtifact", "HelmChart", "Bucket"])
def test_what_is_not_in_the_repository_is_unresolved_and_nothing_is_guessed(tree: Tree, kind: str) -> None:
    tree.put(
        {"hr.yaml": release("app", chartRef={"kind": kind, "name": "app"}), "oci.yaml": oci_repository("app", "1")}
    )
    resolution = tree.resolution("app")
    assert (resolution.resolution, resolution.version) == ("unresolved", None)
    assert resolution.reason == f"{kind} app is not in the repository"


def test_a_release_with_no_chart_at_all_is_a_patch(tree: Tree) -> None:
    tree.put({"hr.yaml": release("app", values={"a": 1})})
    assert tree.resolution("app").resolution == "not_applicable"
    assert "patch" in (tree.resolution("app").reason or "")


def test_changes_of_one_commit_are_in_the_order_of_identities_and_not_of_hashes(tree: Tree) -> None:
    tree.put({f"{number * 7 % 20}.yaml": config(f"c{number}") for number in range(20)})
    changed = list(tree.replay.active)
    assert changed == sorted(changed, key=order_of)
    assert len(changed) == 20


def test_kinds_of_other_groups_with_the_same_name_are_no_sources(tree: Tree) -> None:
    k3s = manifest(
        "HelmChart", "c", api="helm.cattle.io/v1", spec={"chart": "x", "repo": "https://r.org", "version": "2"}
    )
    tree.put({"hr.yaml": release("app", chartRef={"kind": "HelmChart", "name": "c"}), "k3s.yaml": k3s})
    assert tree.resolution("app").resolution == "unresolved"
    assert tree.resolution("c", "HelmChart").chart == ("helm", "https://r.org", "x")


def test_a_source_that_cannot_be_read_any_more_keeps_its_meaning(tree: Tree) -> None:
    tree.put({"hr.yaml": release("app", chartRef=CHART_REF), "oci.yaml": oci_repository("app", "1.0")})
    tree.put({"oci.yaml": "kind: apiVersion: ["})
    assert tree.resolution("app").version == "1.0"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://Charts.Example.org/a/", "https://charts.example.org/a"),
        ("https://user:pass@x.org/r.git", "https://x.org/r"),
        ("oci://GHCR.io/Org/App", "oci://ghcr.io/Org/App"),
        ("ssh://git@github.com/o/r.git", "https://github.com/o/r"),
        ("ssh://git@github.com:22/o/r", "https://github.com/o/r"),
        ("git@github.com:o/r.git", "https://github.com/o/r"),
        ("https://github.com/o/r", "https://github.com/o/r"),
        ("./charts/x/", "./charts/x"),
        ("http://[${IP}]/x", "http://[${IP}]/x"),
        ("https://a℀b/x", "https://a℀b/x"),
    ],
)
def test_one_place_has_one_url(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


SOURCES = [oci_repository("app", version, namespace=space) for version in "12" for space in (None, "one")]
CHARTS = [
    manifest(
        "HelmChart",
        "c",
        api=HELM_CHART,
        spec={"chart": "x", "version": v, "sourceRef": {"kind": "HelmRepository", "name": n}},
    )
    for v, n in (("1", "s"), ("2", "gone"))
]
RELEASES = [
    release("app", chartRef=CHART_REF),
    release("app", chartRef={"kind": "HelmChart", "name": "c"}),
    release("app", namespace="one", chart=chart("x", "1", "s")),
]
CONTENTS = [
    *SOURCES,
    *CHARTS,
    *RELEASES,
    helm_repository("s"),
    config("app"),
    documents(SOURCES[0], RELEASES[0]),
    *(
        flux_path(name, path, target)
        for name, path in (("k", "a"), ("k", "a/b"), ("l", ""))
        for target in (None, "one", "two")
    ),
    None,
]
PATHS = ["a/1.yaml", "a/b/2.yaml", "a/b/3.yaml", "c/4.yaml", "5.yaml"]
ENTRIES = ["1.yaml", "b", "../c", "2.yaml", "b/3.yaml", "..", "../a/b", "4.yaml", "a"]
KUSTOMIZATIONS = st.one_of(
    st.none(),
    st.builds(
        lambda entries, namespace: kustomization(*entries, namespace=namespace),
        st.lists(st.sampled_from(ENTRIES), max_size=3),
        st.sampled_from([None, "one", "three"]),
    ),
)
EDITS = st.one_of(
    st.tuples(st.sampled_from(PATHS), st.sampled_from(CONTENTS)),
    st.tuples(st.sampled_from(["a", "a/b", "c"]).map("{}/kustomization.yaml".format), KUSTOMIZATIONS),
)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(EDITS, min_size=1, max_size=3), min_size=3, max_size=10))
def test_after_any_edits_everything_means_what_it_means_from_scratch(steps: list[list[tuple[str, str | None]]]) -> None:
    tree = Tree()
    for step in steps:
        tree.put(dict(step))
        assert tree.resolutions() == tree.from_scratch()
