"""The values of settings that are published: by their looks, by the release's own words, and by who shares them."""

import itertools
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import HELM_VALUES, REPOSITORIES, RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.scan.values.merge import Layer, Leaf
from kubestats_pipeline.scan.values.rows import flatten
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.values.documents import WITHHELD, ReleaseSettings, withhold_changes, withhold_settings
from kubestats_pipeline_tests.corpus import CORPUS
from kubestats_pipeline_tests.warehouse.personal_values import PERSONAL
from kubestats_pipeline_tests.warehouse.published_corpus import scan_corpus_repository
from kubestats_pipeline_tests.warehouse.small_lake import APP_TEMPLATE, day, events, repository, resource, setting

MOST_WITHHELD = 0.2


def values_of(number: int) -> dict[str, Any]:
    """The values of a release in one of four repositories: two of them share a word, three of them another one."""
    return {
        "replicas": number,
        "mode": "frobnicate",
        "motto": "festina" if number < 3 else "lente",
        "claim": f"web{number}-data",
        "hosts": ["photos.lindqvist.example"],
        "env": [{"name": "OWNER", "value": "lindqvist"}] if number == 1 else [],
    }


def write_lake(folder: Path) -> Lake:
    """Four repositories with the same values as rows, in documents and in changes."""
    lake = Lake(Layout(folder / "data"))
    lake.write(REPOSITORIES, None, [repository(number, f"user{number}/home") for number in range(1, 5)])
    for number in range(1, 5):
        full_name, name, values = f"user{number}/home", f"web{number}", values_of(number)
        steps = [("CREATED", day(3, 1), "1")]
        document = {"kind": "HelmRelease", "spec": {"interval": "lindqvist", "values": values}}
        row = resource(number, full_name, name, steps, **APP_TEMPLATE) | {"data": json.dumps(document)}
        changes = [{"path": "$.spec.values.motto", "before": None, "after": values["motto"]}]
        told = {"resource_data": json.dumps(document), "field_changes": json.dumps(changes)}
        lake.write(RESOURCES, full_name, [row])
        lake.write(RESOURCE_EVENTS, full_name, [each | told for each in events(number, full_name, name, row, steps, 0)])
        tree = {key: Leaf(value, Layer({}, "inline")) for key, value in values.items()}
        rows = [each for each in flatten(tree) if each.value_type in ("string", "integer")]
        texts = [setting(number, full_name, name, each.path, each.value) for each in rows]
        lake.write(HELM_VALUES, full_name, texts)
    return lake


def ask(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(lake.layout.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    written = write_lake(tmp_path_factory.mktemp("values"))
    build_warehouse(written)
    return written


def test_settings_documents_and_changes_show_the_same(lake: Lake):
    rows = ask(lake, "SELECT path, value FROM helm_values WHERE full_name = 'user1/home' ORDER BY path")
    assert rows == [
        ("claim", "web1-data"),
        ("env[name=OWNER].name", "OWNER"),
        ("env[name=OWNER].value", None),
        ("hosts[0]", None),
        ("mode", "frobnicate"),
        ("motto", None),
        ("replicas", "1"),
    ]
    published = {
        "replicas": 1,
        "mode": "frobnicate",
        "motto": WITHHELD,
        "claim": "web1-data",
        "hosts": [WITHHELD],
        "env": [{"name": "OWNER", "value": WITHHELD}],
    }
    tables = "SELECT data FROM resources UNION ALL SELECT resource_data FROM resource_events"
    documents = [orjson.loads(text) for (text,) in ask(lake, tables)]
    found = [each["spec"]["values"] for each in documents if each["spec"]["values"]["replicas"] == 1]
    assert found == [published, published]
    assert {each["spec"]["interval"] for each in documents} == {"lindqvist"}, "only settings are withheld"
    changes = ask(lake, "SELECT field_changes::VARCHAR FROM resource_events")
    assert all(WITHHELD in text and "festina" not in text for (text,) in changes)


def test_the_lake_keeps_what_is_withheld(lake: Lake):
    for table, column in ((RESOURCES, "data"), (RESOURCE_EVENTS, "resource_data"), (HELM_VALUES, "value")):
        assert "photos.lindqvist.example" in "".join(lake.read_all(table)[column].to_list())


def test_popularity_shows_a_word_that_three_repositories_share_and_counts_the_others(lake: Lake):
    sql = "SELECT common_values, withheld_repositories FROM value_popularity WHERE path = '{}'"
    assert ask(lake, sql.format("mode")) == [([{"value": "frobnicate", "repositories": 4}], 0)]
    assert ask(lake, sql.format("motto")) == [([], 4)]


def test_in_strict_mode_only_what_is_shared_or_safe_is_shown(tmp_path: Path):
    lake = write_lake(tmp_path)
    build_warehouse(lake, "strict")
    rows = ask(
        lake, "SELECT DISTINCT path, value FROM helm_values WHERE value IS NOT NULL AND full_name = 'user1/home'"
    )
    assert sorted(rows) == [("mode", "frobnicate"), ("replicas", "1")]
    assert ask(lake, "SELECT count(*) FROM resources WHERE contains(data::VARCHAR, 'web1-data')") == [(0,)]
    assert ask(lake, "SELECT publish_values FROM warehouse_info") == [("strict",)]


def test_no_personal_value_is_published_from_two_repositories(tmp_path: Path):
    """The rows have paths of their own, because a release has each of them once."""
    lake = Lake(Layout(tmp_path / "data"))
    lake.write(REPOSITORIES, None, [repository(number, f"user{number}/home") for number in (1, 2)])
    for number in (1, 2):
        full_name = f"user{number}/home"
        rows = [
            setting(number, full_name, "web", f"s{at}.{path}", value) for at, (_, path, value) in enumerate(PERSONAL)
        ]
        steps = [("CREATED", day(3, 1), "1")]
        row = resource(number, full_name, "web", steps, **APP_TEMPLATE)
        lake.write(RESOURCES, full_name, [row])
        lake.write(RESOURCE_EVENTS, full_name, events(number, full_name, "web", row, steps, 0))
        lake.write(HELM_VALUES, full_name, rows)
    build_warehouse(lake)
    assert ask(lake, "SELECT count(*), count(value) FROM helm_values") == [(400, 0)]


def test_paths_in_documents_are_those_of_the_rows():
    values = {"a": {"b.c/d": ["x"]}, "e": [{"name": "N", "value": "v"}], "f": [{"name": "N"}, 7], "g": "text"}
    seen = list[tuple[str, str]]()
    withhold_settings({"values": values}, ReleaseSettings(lambda path, value: not seen.append((path, value))))
    tree = {key: Leaf(value, Layer({}, "inline")) for key, value in values.items()}
    assert sorted(seen) == sorted(
        (each.path.replace("[0]", "[]").replace("[1]", "[]"), each.value) for each in flatten(tree)
    )


def withhold_all(path: str, value: str) -> bool:
    return False


def test_a_document_of_which_only_the_settings_are_read_is_published_like_one_that_is_taken_apart():
    """Their text stands once more as a text, below a key that only ends like theirs, or before other members."""
    values = {"a": {"b": "x"}, "c": "y"}
    block = orjson.dumps(values).decode()
    others = ({}, {"note": f'"values":{block}'}, {'the "values': values}, {"x": {"values": {"a": {"b": "z"}}}})
    followers = ({}, {"valuesFrom": [{"kind": "ConfigMap"}]}, {"z": {"set": {"a.b": "x"}, "chart": "c"}}, {"é": "}}"})
    settings = ReleaseSettings(lambda path, value: path != "a.b")
    for other, follower, last in itertools.product(
        others, followers, ({}, {"status": {"a": {"b": {}}}}, {"last": "}}"})
    ):
        document = {**other, "spec": {"values": values, **follower}, **last}
        text = orjson.dumps(document).decode()
        taken_apart = orjson.dumps(withhold_settings(document, settings)).decode()
        assert [settings.withhold_in(text) for _ in range(2)] == [taken_apart] * 2
    for harmless in ({"values": {"c": "y"}}, {"expressions": [{"values": ["a", "b"]}]}, {"note": '"values":{'}, {}):
        assert settings.withhold_in(orjson.dumps(harmless).decode()) is None


@pytest.mark.parametrize(
    ("document", "published"),
    [
        ({"helm": {"valuesObject": {"a": "x"}}}, {"helm": {"valuesObject": {"a": WITHHELD}}}),
        ({"helm": {"values": "a: x"}}, {"helm": {"values": WITHHELD}}),
        (
            {"helm": {"parameters": [{"name": "a", "value": "x"}]}},
            {"helm": {"parameters": [{"name": "a", "value": WITHHELD}]}},
        ),
        ({"chart": "c", "set": {"a.b": "x", "c": 1}}, {"chart": "c", "set": {"a.b": WITHHELD, "c": WITHHELD}}),
        ({"chart": {}, "set": [{"name": "a", "value": "x"}]}, {"chart": {}, "set": [{"name": "a", "value": WITHHELD}]}),
        ({"set": [{"name": "X-Frame-Options", "value": "x"}]}, {"set": [{"name": "X-Frame-Options", "value": "x"}]}),
        ({"values": {"set": {"a": "x"}}}, {"values": {"set": {"a": WITHHELD}}}),
        ({"values": ["file.yaml", {"a": "x"}]}, {"values": ["file.yaml", {"a": WITHHELD}]}),
        ({"data": {"app-values.yaml": "a: x"}}, {"data": {"app-values.yaml": WITHHELD}}),
        ({"matchExpressions": [{"values": ["x"]}]}, {"matchExpressions": [{"values": ["x"]}]}),
        ({"values": {"a": True, "b": None}}, {"values": {"a": True, "b": None}}),
    ],
)
def test_settings_are_found_where_tools_keep_them(document: dict[str, Any], published: dict[str, Any]):
    assert orjson.loads(orjson.dumps(withhold_settings(document, ReleaseSettings(withhold_all)))) == published


@pytest.mark.parametrize(
    ("path", "item", "published"),
    [
        ("$.spec.values.a", "x", WITHHELD),
        ("$.spec.values['a.b/c']", "x", WITHHELD),
        ("$.values.a", {"b": "x"}, {"b": WITHHELD}),
        ("$.spec.values", {"b": ["x"]}, {"b": [WITHHELD]}),
        ("$.spec", {"values": {"b": "x"}}, {"values": {"b": WITHHELD}}),
        ("$.spec.source.helm.parameters[name=a].value", "x", WITHHELD),
        ("$.spec.set['a.b']", "x", WITHHELD),
        ("$.spec.set.a", "x", WITHHELD),
        ("$.spec.set", {"a.b": "x"}, {"a.b": WITHHELD}),
        ("$.spec.set[name=a.b].value", "x", WITHHELD),
        ("$.spec.values.set.a", "x", WITHHELD),
        ("$.spec.forProvider.set[name=a].value", "x", WITHHELD),
        ("$.spec.rules[0].filters[0].set[name=a].value", "x", "x"),
        ("$.spec.reset.a", "x", "x"),
        ("$.data['values.yaml']", "a: x", WITHHELD),
        ("$.spec.matchExpressions[0].values[0]", "x", "x"),
        ("$.spec.interval", "x", "x"),
    ],
)
def test_changes_are_withheld_like_documents(path: str, item: object, published: object):
    (change,) = withhold_changes([{"path": path, "before": None, "after": item}], ReleaseSettings(withhold_all))
    assert orjson.loads(orjson.dumps(change)) == {"path": path, "before": None, "after": published}


@pytest.mark.slow
def test_of_real_settings_at_most_a_fifth_is_withheld(tmp_path: Path):
    tips = CORPUS.parent / "tips" / "unpack"
    if not tips.exists():
        pytest.skip("the tips of real repositories are not beside the project")
    subprocess.run([str(tips), str(tmp_path / "trees")], check=True, capture_output=True, timeout=300)
    lake, rows = Lake(Layout(tmp_path / "data")), []
    for number, tree in enumerate(sorted((tmp_path / "trees").glob("*/*")), 1):
        full_name = "/".join(tree.parts[-2:])
        found = Repository(f"github:{number}", full_name, "github.com", *full_name.split("/"), "")
        scan_corpus_repository(lake, found, tree / ".git")
        rows.append(repository(number, full_name))
    lake.write(REPOSITORIES, None, rows)
    build_warehouse(lake)
    sql = "SELECT is_withheld FROM setting_uses WHERE value_type IN ('string', 'integer', 'float', 'boolean')"
    counted = Counter(is_withheld for (is_withheld,) in ask(lake, sql))
    assert counted.total() > 10_000
    assert counted[True] / counted.total() <= MOST_WITHHELD
