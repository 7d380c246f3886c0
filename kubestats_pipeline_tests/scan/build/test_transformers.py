"""Builds: namespaces, names, labels, images, replicas and plugins, as kustomize 5.7.1 applies them."""

import pytest

from kubestats_pipeline_tests.scan.build.trees import build, contents

RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: app, namespace: b}\nspec: {}\n"
ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: app}\n"
SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: '%s'}]}\n"


def only(text: str, fields: str) -> dict:
    (content,) = contents(build({"kustomization.yaml": f"resources: [a.yaml]\n{fields}", "a.yaml": text}))
    return content


def test_a_namespace_moves_an_object_that_has_another_one():
    assert only(RELEASE, "namespace: a")["metadata"]["namespace"] == "a"


def test_a_namespace_is_not_given_to_a_cluster_role_and_renames_a_namespace():
    assert only(ROLE, "namespace: a")["metadata"] == {"name": "app"}
    assert only(SPACE, "namespace: a")["metadata"] == {"name": "a"}


@pytest.mark.parametrize(
    ("kind", "namespace"),
    [
        ("v1, kind: ComponentStatus", None),
        ("apiregistration.k8s.io/v1, kind: APIService", None),
        ("storage.k8s.io/v1, kind: StorageClass", None),
        ("flowcontrol.apiserver.k8s.io/v1beta1, kind: FlowSchema", None),
        ("flowcontrol.apiserver.k8s.io/v1, kind: FlowSchema", "x"),
        ("admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy", "x"),
        ("gateway.networking.k8s.io/v1, kind: GatewayClass", "x"),
    ],
)
def test_kustomize_knows_the_kinds_of_the_cluster_of_an_older_kubernetes(kind: str, namespace: str | None):
    built = only(f"{{apiVersion: {kind}, metadata: {{name: a}}}}", "namespace: x")
    assert built["metadata"].get("namespace") == namespace


def test_a_namespace_is_given_to_a_kind_that_kustomize_does_not_know():
    issuer = "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: i}\n"
    assert only(issuer, "namespace: a")["metadata"]["namespace"] == "a"


def test_of_the_subjects_of_a_binding_only_the_default_account_moves():
    subjects = "[{kind: ServiceAccount, name: default, namespace: x}, {kind: ServiceAccount, name: bot, namespace: x}]"
    binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects: "
    moved = only(binding + subjects, "namespace: a")["subjects"]
    assert [subject["namespace"] for subject in moved] == ["a", "x"]


def test_two_objects_that_become_one_by_the_namespace_are_refused():
    tree = {"kustomization.yaml": "namespace: x\nresources: [a.yaml]", "a.yaml": f"{RELEASE}---\n{RELEASE}"}
    tree["a.yaml"] = tree["a.yaml"].replace("namespace: b", "namespace: c", 1)
    assert build(tree).failure == "two resources become the same one by the namespace"


def test_the_namespace_of_a_kustomization_wins_over_that_of_its_component():
    tree = {
        "kustomization.yaml": "namespace: k\ncomponents: [part]\nresources: [a.yaml]",
        "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamespace: c",
        "a.yaml": RELEASE,
    }
    assert contents(build(tree))[0]["metadata"]["namespace"] == "k"


@pytest.mark.parametrize("named", ["", ", namespace: c"])
def test_the_patch_of_a_kustomization_wins_over_that_of_its_component(named: str):
    patch = "apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: app%s}, spec: {f: %s}"
    tree = {
        "kustomization.yaml": "components: [part]\nresources: [a.yaml]\npatches: [{patch: '{%s}'}]"
        % (patch % (named, "parent")),
        "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamespace: c\n"
        "patches: [{patch: '{%s}'}]" % (patch % ("", "component")),
        "a.yaml": RELEASE.replace(", namespace: b", ""),
    }
    assert contents(build(tree))[0]["spec"] == {"f": "parent"}


def test_a_component_is_refused_as_a_resource():
    tree = {
        "kustomization.yaml": "resources: [part]",
        "part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamespace: c",
    }
    assert build(tree).failure == "part: it is a component"


def test_a_prefix_is_followed_where_kubernetes_names_an_object_and_not_in_custom_kinds():
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec: {volumes: [{name: v, configMap: {name: one}}]}\n"
    release = RELEASE.replace("spec: {}", "spec: {chartRef: {kind: ConfigMap, name: one}}")
    tree = {"kustomization.yaml": "namePrefix: p-\nresources: [a.yaml]", "a.yaml": "---\n".join([config, pod, release])}
    one, followed, kept = contents(build(tree))
    assert one["metadata"]["name"] == "p-one"
    assert followed["spec"]["volumes"][0]["configMap"]["name"] == "p-one"
    assert (kept["metadata"]["name"], kept["spec"]["chartRef"]["name"]) == ("p-app", "one")


def test_a_configuration_says_in_which_other_fields_a_name_is_followed():
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\nconfigurations: [c.yaml]\n"
        "configMapGenerator: [{name: values, literals: [a=b]}]",
        "c.yaml": "nameReference: [{kind: ConfigMap, fieldSpecs: [{path: spec/valuesFrom/name, kind: HelmRelease}]}]",
        "a.yaml": RELEASE.replace("spec: {}", "spec: {valuesFrom: [{kind: ConfigMap, name: values}]}").replace(
            ", namespace: b", ""
        ),
    }
    release, config = contents(build(tree))
    assert config["metadata"]["name"].startswith("values-")
    assert release["spec"]["valuesFrom"][0]["name"] == config["metadata"]["name"]


@pytest.mark.parametrize(
    ("entry", "image", "expected"),
    [
        ("{name: nginx, newTag: 19.0.4, digest: 'sha256:2'}", "nginx:1", "nginx:19.0.4@sha256:2"),
        ("{name: 'argo/cd:v1.7.7', digest: 'sha256:3'}", "argo/cd:v1.7.7", "argo/cd@sha256:3"),
        ("{name: '.*/opa', newTag: v7}", "reg.example.org/team/opa:1", "reg.example.org/team/opa:v7"),
        ("{name: nginx, newTag: '2'}", "nginx:1@sha256:1", "nginx:2"),
        ("{name: nginx, newTag: '2'}", "docker.io/library/nginx:1", "docker.io/library/nginx:1"),
        ("{name: nginx, newTag: '2'}", "nginx-more:1", "nginx-more:1"),
        ("{name: nginx, newName: reg:5000/n}", "nginx:1", "reg:5000/n:1"),
        ("{name: nginx, newTag: null}", "nginx:1", "nginx:1"),
        ("{name: nginx, newTag: 2024-01-01}", "nginx:1", "nginx:2024-01-01"),
    ],
)
def test_an_image_is_overridden(entry: str, image: str, expected: str):
    built = only(POD % image, f"images: [{entry}]")
    assert built["spec"]["containers"][0]["image"] == expected


@pytest.mark.parametrize("tag", ["1.10", "012", "1e3", "5", "true", "yes"])
def test_a_tag_that_is_not_a_text_is_refused(tag: str):
    tree = {"kustomization.yaml": f"resources: [a.yaml]\nimages: [{{name: x, newTag: {tag}}}]", "a.yaml": POD % "x:1"}
    assert build(tree).failure == "newTag is not a text"


def test_images_are_overridden_in_containers_at_any_depth_of_any_kind_and_nowhere_else():
    values = "image: 'nginx:1', initContainers: [{image: 'nginx:1'}], x: {containers: [{image: 'nginx:1'}]}"
    more = "main: {containers: {main: {image: 'nginx:1'}}}, ephemeralContainers: [{image: 'nginx:1'}]"
    text = RELEASE.replace("spec: {}", f"spec: {{values: {{{values}, {more}}}}}")
    built = only(text, "images: [{name: nginx, newTag: '2'}]")["spec"]["values"]
    assert built["initContainers"] == built["x"]["containers"] == [{"image": "nginx:2"}]
    assert built["image"] == built["main"]["containers"]["main"]["image"] == "nginx:1"
    assert built["ephemeralContainers"] == [{"image": "nginx:1"}]


def test_the_image_of_a_volume_is_overridden_in_kinds_of_kubernetes():
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {volumes: [{name: v, image: {reference: 'm:1'}}]}\n"
    volumes = only(text, "images: [{name: m, newTag: '2'}]")["spec"]["volumes"]
    assert volumes[0]["image"]["reference"] == "m:2"


def test_an_image_of_flux_takes_the_place_of_the_same_one_of_the_folder():
    fields = "resources: [a.yaml]\nimages: [{name: nginx, newName: other}]"
    built = build({"kustomization.yaml": fields, "a.yaml": POD % "nginx:1"}, images=[{"name": "nginx", "newTag": "2"}])
    assert contents(built)[0]["spec"]["containers"][0]["image"] == "nginx:2"


def test_labels_reach_selectors_only_where_they_are_asked_to():
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}}\n"
    assert only(text, "labels: [{pairs: {t: x}}]")["spec"]["selector"] == {"app": "a"}
    assert only(text, "commonLabels: {t: x}")["spec"]["selector"] == {"app": "a", "t": "x"}


def test_replicas_of_nobody_are_refused():
    tree = {"kustomization.yaml": "resources: [a.yaml]\nreplicas: [{name: nope, count: 2}]", "a.yaml": RELEASE}
    assert build(tree).failure == "an entry of replicas matches no resource"


def test_a_transformer_of_a_file_changes_images_and_is_not_built_itself():
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\ntransformers: [t.yaml]",
        "t.yaml": "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: t}\n"
        "imageTag: {name: org/x, newTag: v9}\n",
        "a.yaml": POD % "org/x:1",
    }
    (pod,) = contents(build(tree))
    assert pod["spec"]["containers"][0]["image"] == "org/x:v9"


def test_a_namespace_transformer_may_fill_only_where_none_is():
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\ntransformers: [t.yaml]",
        "t.yaml": "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: t, namespace: filled}\n"
        "unsetOnly: true\n",
        "a.yaml": RELEASE + "---\n" + RELEASE.replace("app, namespace: b", "other"),
    }
    assert [each["metadata"]["namespace"] for each in contents(build(tree))] == ["b", "filled"]


def test_a_transformer_that_runs_a_program_is_refused():
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\ntransformers: [t.yaml]",
        "t.yaml": "apiVersion: example.org/v1\nkind: Runs\nmetadata: {name: t}\n",
        "a.yaml": RELEASE,
    }
    assert build(tree).failure == "a transformer is not built in"


def test_an_object_says_which_features_changed_it():
    tree = {
        "kustomization.yaml": "resources: [a.yaml]\nnamespace: x\nimages: [{name: x, newTag: '2'}]",
        "a.yaml": POD % "x",
    }
    assert build(tree).objects[0].changed_by == {"namespace", "image"}


def test_a_variable_of_kustomize_makes_an_object_incomplete():
    fields = "vars: [{name: V, objref: {kind: Pod, apiVersion: v1, name: a}}]"
    tree = {"kustomization.yaml": f"resources: [a.yaml]\n{fields}", "a.yaml": POD % "$(V)" + "---\n" + RELEASE}
    assert [each.incomplete is not None for each in build(tree).objects] == [True, False]
