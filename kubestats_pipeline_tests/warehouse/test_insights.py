"""What histories teach, worked out by hand: migrations, pairs, replacements, survival, authors, secrets, quality."""

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.lake.tables import SCAN_PROBLEMS
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline_tests.warehouse.small_lake import Row, day
from kubestats_pipeline_tests.warehouse.told_history import URL, History, drop, image, put, release, write_histories

Ask = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Publish some histories and give what a query finds there."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def publish(query: str, *histories: History, problems: dict[str, list[Row]] | None = None, **status: str):
        if not opened:
            lake = write_histories(tmp_path, *histories, **status)
            for name, rows in (problems or {}).items():
                lake.write(SCAN_PROBLEMS, name, rows)
            opened.append(duckdb.connect(str(build_warehouse(lake).path), read_only=True))
        return opened[0].execute(query).fetchall()

    yield publish
    for connection in opened:
        connection.close()


def begun(number: int, full_name: str, at: datetime.datetime | None = None) -> History:
    """A repository whose first commit, which dates nothing, holds only a ConfigMap."""
    return History(number, full_name).commit(at or day(1, 1), put("start", kind="ConfigMap", api_group=""))


def test_versions_of_a_chart_are_counted_at_the_end_of_each_month(ask):
    """Bob drops plex on 28 February; v1.0.0 and 1.0.0 are one; March ends with the newest event, of 3 March.

    Carol's log begins in February: of those who ran plex in January only alice does, all at 1.1.0.
    """
    alice = begun(1, "alice/home").commit(day(1, 5), release("plex", "plex", "1.0.0"))
    alice.commit(day(2, 10), put("plex", version="1.1.0")).commit(day(3, 3), put("web"))
    bob = begun(2, "bob/home").commit(day(1, 20), release("plex", "plex", "v1.0.0")).commit(day(2, 28), drop("plex"))
    carol = begun(3, "carol/home", day(2, 1)).commit(
        day(2, 1), release("plex", "plex", "1.0.0"), release("two", "plex", "1.1.0")
    )
    columns = "month::VARCHAR, version, repositories, share, joined_the_data, repositories_growth, share_growth"
    query = f"SELECT {columns} FROM monthly_versions ORDER BY month, version"
    assert ask(query, alice, bob, carol) == [
        ("2026-01-01", "1.0.0", 2, 1.0, 2, 0, None),
        ("2026-02-01", "1.0.0", 1, 0.5, 1, -2, -1.0),
        ("2026-02-01", "1.1.0", 2, 1.0, 1, 1, 1.0),
        ("2026-03-01", "1.0.0", 1, 0.5, 0, 0, 0.0),
        ("2026-03-01", "1.1.0", 2, 1.0, 0, 0, 0.0),
    ]


FLUX = {"api_group": "source.toolkit.fluxcd.io", "api_version": "v1"}
GATEWAY = {"api_group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}
INGRESS = {"api_group": "networking.k8s.io", "kind": "Ingress"}


def test_a_migration_from_one_kind_to_another_knows_when_it_began_and_ended(ask):
    alice = (
        begun(1, "alice/home")
        .commit(day(1, 2), put("old", kind="HelmRepository", **FLUX), put("old2", kind="HelmRepository", **FLUX))
        .commit(day(2, 2), put("new", kind="OCIRepository", **FLUX), drop("old"), put("in", **INGRESS))
        .commit(day(3, 2), drop("old2"), put("in", kind="HTTPRoute", api_group=GATEWAY["api_group"]))
    )
    bob = History(2, "bob/home").commit(day(1, 1), put("route", **GATEWAY), put("old", kind="HelmRepository", **FLUX))
    carol = begun(3, "carol/home").commit(day(1, 3), put("in", **INGRESS)).commit(day(1, 4), put("route", **GATEWAY))
    carol.commit(day(1, 5), drop("route"))
    columns = "full_name, wave, started_at, is_left_censored, completed_at, old_left, new_now, migration_status"
    query = f"SELECT {columns} FROM migrations WHERE contains(wave, ' to ') ORDER BY wave, full_name"
    assert ask(query, alice, bob, carol) == [
        ("alice/home", "HelmRepository to OCIRepository", day(2, 2), False, day(3, 2), 0, 1, "complete"),
        ("bob/home", "HelmRepository to OCIRepository", None, False, None, 1, 0, "not begun"),
        ("alice/home", "Ingress to Gateway API", day(3, 2), False, day(3, 2), 0, 1, "complete"),
        ("bob/home", "Ingress to Gateway API", day(1, 1), True, None, 0, 1, "born new"),
        ("carol/home", "Ingress to Gateway API", day(1, 4), False, None, 1, 0, "went back"),
    ]


def test_ingress_in_the_values_of_a_release_migrates_too(ask):
    def values(**told: object) -> Row:
        return {"spec": {"values": told}}

    alice = (
        begun(1, "alice/home")
        .commit(day(1, 2), release("a", "app-template", "1.0.0", data=values(ingress={"main": {}})))
        .commit(day(1, 3), release("b", "app-template", "1.0.0", data=values(ingress={"main": {}})))
        .commit(day(1, 9), put("a", data=values(route={"main": {}})))
    )
    columns = "started_at, completed_at, old_left, new_now, migration_status"
    query = f"SELECT {columns} FROM migrations WHERE wave = 'Ingress to Gateway API'"
    assert ask(query, alice) == [(day(1, 9), None, 1, 1, "under way")]


def test_what_retention_took_dates_no_migration(ask):
    """Until 9 January nobody knows what the release said: its route is of that day at the latest."""
    route = {"spec": {"values": {"route": {"main": {}}}}}
    alice = begun(1, "alice/home").commit(day(1, 2), release("a", "app-template", "1.0.0", data=None))
    alice.commit(day(1, 9), put("a", data=route))
    assert ask("SELECT exposure FROM resource_spans WHERE name = 'a' ORDER BY sequence", alice) == [
        ("unknown",),
        ("gateway",),
    ]
    query = "SELECT started_at, is_left_censored FROM migrations WHERE wave = 'Ingress to Gateway API'"
    assert ask(query) == [(day(1, 9), True)]


def test_api_versions_and_chart_sources_migrate_resource_by_resource(ask):
    beta = {"api_version": "v2beta1"}
    alice = (
        begun(1, "alice/home")
        .commit(day(1, 2), release("a", "plex", "1.0.0", **beta), release("b", "plex", "1.0.0", **beta))
        .commit(day(1, 5), put("a", api_version="v2"))
        .commit(day(1, 6), put("a", chart_url="oci://quay.io/plex"), put("b", api_version="v2"))
    )
    columns = "wave, subject, moved_from, moved_to, started_at, completed_at, old_left, new_now, migration_status"
    assert ask(f"SELECT {columns} FROM migrations ORDER BY wave", alice) == [
        (
            "API version",
            "helm.toolkit.fluxcd.io/HelmRelease",
            "v2beta1",
            "v2",
            day(1, 5),
            day(1, 6),
            0,
            2,
            "complete",
        ),
        ("chart source", "plex", URL + "plex", "oci://quay.io/plex", day(1, 6), None, 1, 1, "under way"),
    ]


def test_pairs_of_apps_need_three_repositories_and_lift_says_what_is_no_chance(ask):
    """Of four repositories, three run plex and sonarr, all run web, two run radarr, and one is retired."""
    apps = {1: "plex sonarr web radarr", 2: "plex sonarr web radarr", 3: "plex sonarr web", 4: "web", 5: "web plex"}
    histories = [
        begun(number, f"r{number}/home").commit(day(1, 2), *(put(app, app_name=app) for app in told.split()))
        for number, told in apps.items()
    ]
    query = "SELECT app, other_app, repositories, confidence, round(lift, 3), jaccard FROM app_pairs ORDER BY ALL"
    assert ask(query, *histories, r5="retired") == [
        ("plex", "sonarr", 3, 1.0, 1.333, 1.0),
        ("plex", "web", 3, 1.0, 1.0, 0.75),
        ("sonarr", "plex", 3, 1.0, 1.333, 1.0),
        ("sonarr", "web", 3, 1.0, 1.0, 0.75),
        ("web", "plex", 3, 0.75, 1.0, 0.75),
        ("web", "sonarr", 3, 0.75, 1.0, 0.75),
    ]


def test_what_begins_in_the_commit_that_ends_something_replaced_it(ask):
    """Alice swaps in one commit; bob takes five days, with two candidates; carol's newcomer comes after 40 days."""
    alice = begun(1, "alice/home").commit(day(1, 2), put("loki", app_name="loki"))
    alice.commit(day(2, 1), drop("loki"), put("logs", app_name="logs")).commit(day(2, 3), put("new", app_name="new"))
    bob = begun(2, "bob/home").commit(day(1, 2), put("loki", app_name="loki")).commit(day(2, 1), drop("loki"))
    bob.commit(day(2, 6), put("logs", app_name="logs"), put("other", app_name="other"))
    carol = begun(3, "carol/home").commit(day(1, 2), put("loki", app_name="loki")).commit(day(2, 1), drop("loki"))
    carol.commit(day(3, 13), put("logs", app_name="logs"))
    columns = "old_name, new_name, score, repositories, in_one_commit, watched_days, first_at, last_at"
    query = f"SELECT {columns} FROM replacements WHERE subject = 'app'"
    assert ask(query, alice, bob, carol) == [("loki", "logs", 1.1, 2, 1, 36.0, day(2, 1), day(2, 1))]


def test_what_begins_together_shares_what_it_replaced(ask):
    """One controller becomes two; a third begins and goes before it does."""
    alice = begun(1, "alice/home").commit(day(1, 2), release("nginx", "nginx", "1.0.0"))
    alice.commit(day(1, 20), put("trial", app_name="trial")).commit(day(1, 30), drop("trial"))
    alice.commit(day(2, 1), drop("nginx"), release("inside", "inner", "1.0.0"), release("outside", "outer", "1.0.0"))
    query = "SELECT subject, old_name, new_name, score FROM replacements ORDER BY ALL"
    assert ask(query, alice) == [
        ("app", "nginx", "inside", 0.5),
        ("app", "nginx", "outside", 0.5),
        ("chart", "nginx", "inner", 0.5),
        ("chart", "nginx", "outer", 0.5),
    ]


def survivors() -> list[History]:
    """Tenures of app x: 10 days, 20 and running, 30 days, 40 and running; one whose beginning nobody saw."""
    x = put("x", app_name="x")
    ends = {1: (10, True), 2: (20, False), 3: (30, True), 4: (40, False)}
    histories = []
    for number, (days, is_over) in ends.items():
        history = begun(number, f"r{number}/home").commit(day(1, 2), x)
        at = day(1, 2) + datetime.timedelta(days=days)
        histories.append(history.commit(at, drop("x") if is_over else put("start", kind="ConfigMap")))
    return [*histories, History(5, "r5/home").commit(day(1, 1), x).commit(day(1, 3), drop("x"))]


def test_survival_is_that_of_kaplan_and_meier(ask):
    """After 10 days 3 of 4 are left; at 30 days one of the two that were watched so long ends: 3/4 * 1/2."""
    curve = "SELECT day, at_risk, ended, survival FROM survival_curves WHERE name = 'x' ORDER BY day"
    assert ask(curve, *survivors()) == [(10, 4, 1, 0.75), (20, 3, 0, 0.75), (30, 2, 1, 0.375), (40, 1, 0, 0.375)]
    columns = "tenures, ended, median_days, survival_30_days, survival_180_days"
    assert ask(f"SELECT {columns} FROM survival WHERE name = 'x'") == [(4, 2, 30, 0.375, None)]
    assert ask(f"SELECT {columns} FROM survival WHERE subject = 'every app'") == [(4, 2, 30, 0.375, None)]


def changed(number: int, name: str) -> History:
    """Renovate makes two version changes in one commit, a person one and an edit; another month has one edit."""
    return (
        History(number, name)
        .commit(day(1, 1), release("a", "plex", "1.0.0"), release("b", "plex", "1.0.0"))
        .commit(day(1, 5), put("a", version="1.1.0"), put("b", version="1.1.0"), author="renovate")
        .commit(day(1, 6), put("a", version="1.2.0"), put("b", namespace="media"))
        .commit(day(2, 1), put("b", context="archived"), put("c"))
    )


def test_the_share_of_bots_leaves_out_the_first_commit_and_what_is_archived(ask):
    columns = "author_kind, repositories, commits, changes, version_changes, share_of_changes, share_of_version_changes"
    query = f"SELECT month::VARCHAR, {columns} FROM monthly_authors"
    assert ask(query, changed(1, "alice/home"), changed(2, "bob/gone"), bob="blocked") == [
        ("2026-01-01", "human", 1, 1, 2, 1, 0.5, 1 / 3),
        ("2026-01-01", "renovate", 1, 1, 2, 2, 0.5, 2 / 3),
        ("2026-02-01", "human", 1, 1, 1, 0, 1.0, None),
    ]
    columns = "full_name, author_kind, first_at, last_at, changes, version_changes, share_of_version_changes"
    assert ask(f"SELECT {columns} FROM repository_authors") == [
        ("alice/home", "human", day(1, 6), day(2, 1), 3, 1, 1 / 3),
        ("alice/home", "renovate", day(1, 5), day(1, 5), 2, 2, 2 / 3),
    ]


def test_registries_and_pinning_are_counted_by_repository_and_image(ask):
    """An image that is named with and without a digest is not pinned; what only watches an image does not count."""
    pinned, loose = image("plex", "1", "sha256:1"), image("plex", "1")
    alice = (
        begun(1, "alice/home")
        .commit(day(1, 2), put("a", images=[pinned]), put("b", images=[pinned, image("web", "2", registry="quay.io")]))
        .commit(day(2, 2), put("b", images=[loose]))
        .commit(day(2, 3), put("watch", images=[image("watched")], api_group="image.toolkit.fluxcd.io"))
    )
    bob = begun(2, "bob/home", day(2, 1)).commit(day(2, 4), put("a", images=[pinned]))
    columns = "registry, repositories, images, uses, pinned, share_pinned, share_of_uses, joined_uses, uses_growth"
    columns += ", share_pinned_growth, share_of_uses_growth"
    assert ask(f"SELECT month::VARCHAR, {columns} FROM monthly_registries", alice, bob) == [
        ("2026-01-01", "ghcr.io", 1, 1, 1, 1, 1.0, 0.5, 1, 0, None, None),
        ("2026-01-01", "quay.io", 1, 1, 1, 0, 0.0, 0.5, 1, 0, None, None),
        ("2026-02-01", "ghcr.io", 2, 1, 2, 1, 0.5, 1.0, 1, 0, -1.0, 0.5),
    ]


def test_a_chart_drifts_where_several_of_its_versions_run_at_once(ask):
    alice = begun(1, "alice/home").commit(
        day(1, 2),
        release("a", "plex", "1.10.0"),
        release("b", "plex", "1.9.0"),
        release("c", "plex", "v1.9.0"),
        release("d", "plex", "1.x"),
        release("e", "web", "1.0.0"),
        release("f", "web", "v1.0.0"),
        release("g", "web", "2.0.0", context="test"),
    )
    query = "SELECT chart_name, versions, releases, oldest, newest, level FROM chart_drift"
    assert ask(query, alice) == [("plex", ["1.9.0", "1.10.0", "1.x"], 4, "1.9.0", "1.10.0", "minor")]


def secret(key: str, data: Row, **columns: object):
    return put(key, kind="Secret", api_group="", data={"kind": "Secret"} | data, **columns)


def test_ways_of_keeping_secrets_are_told_by_kind_and_shape(ask):
    problem = dict.fromkeys(SCAN_PROBLEMS.column_names) | {
        "repository_id": "github:1",
        "full_name": "alice/home",
        "file_path": "x.sops.yaml",
        "problem": "encrypted_kind",
        "message": "the kind is encrypted",
        "commit_sha": "c1",
        "first_seen_at": day(1, 3),
    }
    alice = begun(1, "alice/home").commit(
        day(1, 2),
        secret("plain", {"stringData": {"a": "<redacted>", "b": "${B}"}}),
        secret("substituted", {"stringData": {"a": "${A}"}, "data": {"b": "${B}${C:=d}"}}),
        secret("empty", {"type": "kubernetes.io/service-account-token"}),
        secret("sops", {"data": {"a": "<redacted>"}, "sops": "<encrypted>"}),
        secret("old", {"data": {"a": "<redacted>"}}, context="archived"),
        put("values", kind="ConfigMap", api_group="", data={"data": {"a": "x"}, "sops": "<encrypted>"}),
        put("sealed", kind="SealedSecret", api_group="bitnami.com"),
        put("external", kind="ExternalSecret", api_group="external-secrets.io"),
    )
    query = "SELECT practice, resources, kinds, first_at FROM secrets_practice"
    assert ask(query, alice, problems={"alice/home": [problem]}) == [
        ("empty", 1, ["Secret"], day(1, 2)),
        ("external", 1, ["ExternalSecret"], day(1, 2)),
        ("plain", 1, ["Secret"], day(1, 2)),
        ("sealed", 1, ["SealedSecret"], day(1, 2)),
        ("sops", 3, ["ConfigMap", "Secret", "encrypted"], day(1, 2)),
        ("substituted", 1, ["Secret"], day(1, 2)),
    ]


def test_quality_says_what_was_understood_and_what_to_improve_first(ask):
    lost = {"resolution": "unresolved", "resolution_reason": "OCIRepository plex is not in namespace media"}
    alice = begun(1, "alice/home").commit(
        day(1, 2),
        release("a", "plex", "1.0.0"),
        release("b", "plex", ">=1", **lost),
        release("c", "plex", "1.0", resolution="ambiguous", resolution_reason="HelmRepository x is declared 2 times"),
        release("d", "plex", None, **lost | {"resolution_reason": "OCIRepository web is not in namespace web"}),
        release("e", "plex", None, context="template"),
    )
    problem = dict.fromkeys(SCAN_PROBLEMS.column_names) | {
        "repository_id": "github:1",
        "full_name": "alice/home",
        "message": "no YAML",
        "commit_sha": "c1",
        "first_seen_at": day(1, 3),
    }
    named = (("a.yaml", "syntax"), ("b.yaml", "template"), ("c.yaml", "template"))
    problems = [problem | {"file_path": path, "problem": kind} for path, kind in named]
    columns = "full_name, releases, exact, ambiguous, unresolved, share_exact, without_version, problems"
    query = f"SELECT {columns}, problems_by_class FROM repository_quality"
    assert ask(query, alice, begun(2, "bob/home"), problems={"alice/home": problems}) == [
        ("alice/home", 4, 1, 1, 2, 0.25, 2, 3, {"syntax": 1, "template": 2}),
        ("bob/home", 0, 0, 0, 0, None, 0, 0, None),
    ]
    assert ask("SELECT * FROM unresolved_reasons ORDER BY ALL") == [
        ("reading", "syntax", None, 1, 1),
        ("reading", "template", None, 1, 2),
        ("resolution", "ambiguous", "HelmRepository … is declared …", 1, 1),
        ("resolution", "unresolved", "OCIRepository … is not in namespace …", 1, 2),
    ]
