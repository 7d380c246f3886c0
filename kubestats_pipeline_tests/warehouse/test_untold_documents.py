"""Uses over time of a document that a cluster ran once, and of which its repository later does not tell."""

import datetime
from pathlib import Path

import duckdb

from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.scan.world import World, chart, flux_path, helm_repository, manifest, release

ANYTHING = manifest(
    "ApplicationSet",
    "all",
    api="argoproj.io/v1alpha1",
    spec={"generators": [{"clusters": {}}], "template": {"metadata": {"name": "x"}, "spec": {"source": {"path": "x"}}}},
)
"""It may apply any folder."""


def on(number: int) -> datetime.datetime:
    return datetime.datetime(2026, 6, number, tzinfo=datetime.UTC)


def app(version: str) -> dict[str, str | None]:
    return {"apps/app.yaml": release("app", chart=chart("web", version, "charts"))}


def published(world: World) -> duckdb.DuckDBPyConnection:
    world.scan()
    return duckdb.connect(str(build_warehouse(world.lake).path), read_only=True)


def history(world: World) -> None:
    """It runs 1.0.0 and 2.0.0, then nobody can tell, and its document gets 3.0.0."""
    begin = {"clusters/home/apps.yaml": flux_path("apps", "./apps"), "apps/charts.yaml": helm_repository("charts")}
    world.git.commit({**begin, **app("1.0.0")}, at=on(1))
    world.git.commit(app("2.0.0"), at=on(2))
    world.git.commit({"clusters/home/apps.yaml": None, "set.yaml": ANYTHING}, at=on(3))
    world.git.commit(app("3.0.0"), at=on(4))


def test_a_document_counts_only_while_no_cluster_runs_its_object(tmp_path: Path) -> None:
    world = World(tmp_path)
    history(world)
    with published(world) as connection:
        (document,) = connection.execute("SELECT is_applied FROM resources WHERE name = 'app'").fetchall()
        query = (
            "SELECT version, valid_from, valid_to, cluster IS NOT NULL FROM use_spans "
            "WHERE is_release AND app_name = 'app' ORDER BY valid_from"
        )
        spans = connection.execute(query).fetchall()
    assert document == (None,)
    assert spans == [
        ("1.0.0", on(1), on(2), True),
        ("2.0.0", on(2), on(3), True),
        ("2.0.0", on(3), on(4), False),
        ("3.0.0", on(4), None, False),
    ]


def test_a_step_of_such_a_release_is_counted_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    history(world)
    with published(world) as connection:
        query = "SELECT from_version, to_version, releases, days_held FROM version_steps ORDER BY changed_at"
        assert connection.execute(query).fetchall() == [("1.0.0", "2.0.0", 1, 1.0), ("2.0.0", "3.0.0", 1, 1.0)]


def test_what_cannot_be_built_goes_on_to_run_after_its_document_is_gone(tmp_path: Path) -> None:
    world = World(tmp_path)
    listed = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [charts.yaml, app.yaml]\n"
    begin = {"clusters/home/apps.yaml": flux_path("apps", "./apps"), "apps/charts.yaml": helm_repository("charts")}
    world.git.commit({**begin, **app("1.0.0"), "apps/kustomization.yaml": listed}, at=on(1))
    world.git.commit({"apps/app.yaml": None}, at=on(2))
    with published(world) as connection:
        query = "SELECT name, status, is_applied FROM resources WHERE file_path LIKE 'apps/%' ORDER BY name"
        documents = connection.execute(query).fetchall()
        running = connection.execute("SELECT name FROM applied_resources WHERE kind = 'HelmRelease'").fetchall()
    assert documents == [("app", "DELETED", True), ("charts", "ACTIVE", None)]
    assert running == [("app",)]
