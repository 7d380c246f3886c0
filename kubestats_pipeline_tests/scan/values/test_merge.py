"""What a release's Helm values are: its inputs, merged as Flux and Helm merge them, one row a setting."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.facts.facts import Facts, ValuesPart
from kubestats_pipeline.scan.facts.helm_set import read_name, read_value
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.values.merge import Layer, Values, layer_of, merge_values, plain, read_values
from kubestats_pipeline.scan.values.rows import MAX_SETTINGS, MAX_TEXT, flatten
from kubestats_pipeline_tests.scan.world import chart, read, release


def release_with(values: str, name: str = "app") -> Manifest:
    """A HelmRelease with inline values, given as YAML in flow style."""
    spec = json.dumps(chart("app", "1.0.0", "charts"))
    (found,) = read(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        f"metadata: {{name: {name}}}\nspec:\n  chart: {spec}\n  values: {values}\n"
    ).manifests
    return found


def with_parts(document: dict[str, Any], *parts: ValuesPart) -> Manifest:
    """Any document whose scanner names these parts."""
    (template,) = read(release("app", **chart_of())).manifests
    return template._replace(data=canonical_json(document), facts=Facts(values=parts), numbers=())


def chart_of() -> dict[str, Any]:
    return {"chart": chart("app", "1.0.0", "charts")}


def layer(text: str, origin: str = "values.yaml") -> Layer | None:
    return layer_of(read_values(text.encode(), Bounds()), origin)


def effective(manifest: Manifest, *layers: Layer | None) -> Any:
    return plain(merge_values(manifest, Values(layers) if layers else None)[0])


def rows(manifest: Manifest, *layers: Layer | None) -> dict[str, tuple[str, str | None]]:
    tree, _ = merge_values(manifest, Values(layers) if layers else None)
    return {each.path: (each.value_type, each.value) for each in flatten(tree)}


def test_every_leaf_is_a_row_with_its_path_type_and_text() -> None:
    values = "{a: {b: true, c: x}, num: 3, f: 1.5, z: null, m: {}, l: [], hosts: [one, {host: two}], 'k.8s/x': why}"
    assert rows(release_with(values)) == {
        "a.b": ("boolean", "true"),
        "a.c": ("string", "x"),
        "num": ("integer", "3"),
        "f": ("float", "1.5"),
        "z": ("null", None),
        "m": ("map", "{}"),
        "l": ("list", "[]"),
        "hosts[0]": ("string", "one"),
        "hosts[1].host": ("string", "two"),
        "['k.8s/x']": ("string", "why"),
    }


def test_items_of_lists_of_named_objects_go_by_name_so_that_their_order_does_not_count() -> None:
    one = rows(release_with("{env: [{name: TZ, value: UTC}, {name: UID, value: '1'}]}"))
    other = rows(release_with("{env: [{name: UID, value: '1'}, {name: TZ, value: UTC}]}"))
    assert one == other
    assert one["env[name=TZ].value"] == ("string", "UTC")


def test_versions_are_as_written() -> None:
    found = rows(release_with("{image: {tag: 1.10}, other: {tag: '1.10'}, list: [{tag: 012}], x: {tag: 0x10}}"))
    assert found == {
        "image.tag": ("float", "1.10"),
        "other.tag": ("string", "1.10"),
        "list[0].tag": ("integer", "012"),
        "x.tag": ("integer", "0x10"),
    }
    assert rows(release_with("{}"), layer("image: {tag: 1.10}"))["image.tag"] == ("float", "1.10")


def test_secrets_in_values_are_hidden() -> None:
    found = rows(release_with("{admin: {password: hunter2, user: ann, passwordKey: key}, pin: 1234}"))
    assert "hunter2" not in str(found)
    assert "1234" not in str(found)
    assert found["admin.password"] == ("string", "<redacted>")
    assert found["admin.user"] == ("string", "ann")


MERGES = [
    ("maps are merged deeply", "{a: {x: 1, w: 1}}", "{a: {w: 2}}", {"a": {"x": 1, "w": 2}}),
    ("lists are replaced", "{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
    ("a scalar replaces a map", "{a: {x: 1}}", "{a: 2}", {"a": 2}),
    ("a map replaces a scalar", "{a: 2}", "{a: {x: 1}}", {"a": {"x": 1}}),
    ("null replaces and stays", "{a: {x: 1}}", "{a: null}", {"a": None}),
    ("an empty map changes no map", "{a: {x: 1}}", "{a: {}}", {"a": {"x": 1}}),
    ("an empty map replaces a scalar", "{a: 1}", "{a: {}}", {"a": {}}),
    ("a map fills an empty one", "{a: {}}", "{a: {x: 1}}", {"a": {"x": 1}}),
    ("false is a value", "{a: true}", "{a: false}", {"a": False}),
]


@pytest.mark.parametrize(("below", "above", "merged"), [each[1:] for each in MERGES], ids=[each[0] for each in MERGES])
def test_inline_values_are_merged_over_those_of_files(below: str, above: str, merged: Any) -> None:
    assert effective(release_with(above), layer(below)) == merged


def test_later_files_win_over_earlier_ones_and_each_row_tells_where_it_comes_from() -> None:
    manifest = release_with("{inline: 1}")
    layers = (layer("{a: 1, b: 1, m: {x: 1}}", "one.yaml"), layer("{b: 2, m: {w: 2}}", "two.yaml"))
    tree, is_complete = merge_values(manifest, Values(layers))
    assert is_complete
    assert {each.path: each.origin for each in flatten(tree)} == {
        "a": "one.yaml",
        "b": "two.yaml",
        "m.x": "one.yaml",
        "m.w": "two.yaml",
        "inline": "inline",
    }


def test_what_is_not_known_makes_the_values_incomplete_and_leaves_the_rest() -> None:
    tree, is_complete = merge_values(release_with("{a: 1}"), Values((None,)))
    assert (plain(tree), is_complete) == ({"a": 1}, False)


def test_encrypted_values_are_incomplete_and_show_no_ciphertext() -> None:
    text = "{a: 'ENC[AES256_GCM,data:xyz]', b: clear, sops: {mac: m, lastmodified: x}}"
    tree, is_complete = merge_values(release_with("{}"), Values((layer(text),)))
    assert not is_complete
    assert plain(tree) == {"a": "<encrypted>", "b": "clear", "sops": "<encrypted>"}


def test_only_the_first_document_of_a_values_file_counts() -> None:
    assert read_values(b"a: 1\n---\na: 2\n", Bounds()).content == b'{"a":1}'
    assert read_values(b"", Bounds()).content == b"{}"
    assert read_values(b"a: 1\n---\n{broken\n", Bounds()).problem is None


@pytest.mark.parametrize("text", ["{broken", "- a list", "text", "a: {{ .Values.x }}: b", "a: *missing"])
def test_a_values_file_that_is_no_mapping_is_a_problem_that_quotes_nothing(text: str) -> None:
    problem = read_values(text.encode(), Bounds()).problem
    assert problem is not None
    assert not any(word in problem.message for word in ("broken", ".Values", "missing"))


def test_yaml_in_a_text_and_parameters_are_inputs_in_their_order() -> None:
    document = {"spec": {"text": "a: {x: 1, w: 1}\nimage: {tag: 1.10}\n", "set": [{"name": "a.w", "value": "2"}]}}
    parts = (ValuesPart("text", ("spec", "text")), ValuesPart("parameters", ("spec", "set")))
    manifest = with_parts(document, *parts)
    assert effective(manifest) == {"a": {"x": 1, "w": 2}, "image": {"tag": 1.1}}
    assert rows(manifest)["image.tag"] == ("float", "1.10")


def test_parameters_are_read_as_helm_sets_them() -> None:
    parameters = {"a\\.b.c": "x", "list[1].name": "n", "flag": "true", "number": "7", "quoted": "'7'", "many": "{1,b}"}
    manifest = with_parts({"set": parameters}, ValuesPart("parameters", ("set",)))
    assert effective(manifest) == {
        "a.b": {"c": "x"},
        "list": [None, {"name": "n"}],
        "flag": True,
        "number": 7,
        "quoted": "7",
        "many": [1, "b"],
    }


def test_a_parameter_that_is_forced_to_be_text_is_text() -> None:
    parameters = [{"name": "a", "value": "7", "forceString": True}]
    assert effective(with_parts({"set": parameters}, ValuesPart("parameters", ("set",)))) == {"a": "7"}


def test_a_parameter_sets_an_item_of_a_list_that_a_file_gives() -> None:
    manifest = with_parts({"set": {"l[0].b": "2"}}, ValuesPart("file", path="f"), ValuesPart("parameters", ("set",)))
    assert effective(manifest, layer("l: [{a: 1, b: 1}, x]")) == {"l": [{"a": 1, "b": 2}, "x"]}


@pytest.mark.parametrize(
    "name", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "[0]", "a=b", "a,b", "a[99999999999]", "a[101]"]
)
def test_a_name_that_sets_nothing_or_several_things_is_none(name: str) -> None:
    assert read_name(name) is None


@pytest.mark.parametrize("name", [".".join(["a"] * 101), "a" + "[0]" * 100, "a." * 100_000 + "a"])
def test_a_name_that_leads_deeper_than_a_document_may_be_sets_nothing(name: str) -> None:
    assert read_name(name) is None
    manifest = with_parts({"set": [{"name": name, "value": "x"}]}, ValuesPart("parameters", ("set",)))
    assert merge_values(manifest, None) == ({}, False)


@pytest.mark.parametrize(
    "parts",
    [
        (ValuesPart("text", ("spec", "broken")),),
        (ValuesPart("parameters", ("spec", "wrong")),),
        (ValuesPart("map", ("spec", "wrong")),),
        (ValuesPart("unknown"),),
        (ValuesPart("file", path="not/there.yaml"),),
    ],
)
def test_parts_that_cannot_be_read_make_the_values_incomplete(parts: tuple[ValuesPart, ...]) -> None:
    manifest = with_parts({"spec": {"broken": "{a: ", "wrong": 7}}, *parts)
    assert merge_values(manifest, None) == ({}, False)


def test_rows_and_texts_are_bounded() -> None:
    many = "{" + ", ".join(f"k{number}: 1" for number in range(MAX_SETTINGS + 1)) + "}"
    assert len(rows(release_with(many))) == MAX_SETTINGS
    (_, text), *_ = rows(release_with(f"{{a: '{'x ' * MAX_TEXT}'}}")).values()
    assert text is not None
    assert len(text) == MAX_TEXT + 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab.'\\[]=/x", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab.'\\[]=0", max_size=3) | st.just("name"), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("ab.'\\[]x", min_size=1, max_size=3), JSON, max_size=4))
def test_no_two_leaves_share_a_path(values: dict[str, Any]) -> None:
    tree, _ = merge_values(with_parts({"v": values}, ValuesPart("map", ("v",))), None)
    paths = [each.path for each in flatten(tree)]
    assert len(set(paths)) == len(paths)
    assert plain(tree) == values


@given(st.tuples(JSON, JSON, JSON))
def test_merging_depends_on_the_order_of_layers_and_not_on_their_grouping(contents: tuple[Any, ...]) -> None:
    layers = [Layer(str(number), canonical_json({"v": content})) for number, content in enumerate(contents)]
    manifest = with_parts({})
    grouped = Layer("both", canonical_json(effective(manifest, layers[0], layers[1])))
    assert effective(manifest, *layers) == effective(manifest, grouped, layers[2])


@given(st.text("ab.\\[]{}=,'\"0", max_size=12))
def test_any_name_and_value_is_read_without_an_error(text: str) -> None:
    read_value(text)
    place = read_name(text)
    assert place is None or isinstance(place[0], str)
