"""Ages and first sightings that begin with a log: each says that it is a lower bound."""

from pathlib import Path

import pytest

from kubestats_pipeline.git.mirror_folder import History
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.scan.world import chart, flux_path, helm_repository, kustomization, release
from kubestats_pipeline_tests.warehouse.small_lake import day as at
from kubestats_pipeline_tests.warehouse.test_growth import ask, day, publish


@pytest.mark.parametrize("history", [10, "all"])
def test_what_a_log_begins_with_is_at_least_so_old(tmp_path: Path, history: History):
    """A cluster runs one release from the first commit on, and another one that comes on the 15th."""
    remote = GitRepository(tmp_path / "remotes" / "o" / "cluster.git")
    source = helm_repository("charts")
    one, two = (release(name, chart=chart(name, "1.0.0", "charts")) for name in ("one", "two"))
    first = {"clusters/main/apps.yaml": flux_path("apps", "./apps"), "apps/s.yaml": source, "apps/1.yaml": one}
    remote.commit({**first, "apps/kustomization.yaml": kustomization("s.yaml", "1.yaml")}, at=day(1))
    remote.commit({"README.md": "still there"}, at=day(12))
    remote.commit(
        {"apps/kustomization.yaml": kustomization("s.yaml", "1.yaml", "2.yaml"), "apps/2.yaml": two}, at=day(15)
    )
    remote.commit({"README.md": "rest"}, at=day(20))
    lake = publish(tmp_path, [remote.path], history)
    known = [("one", True), ("two", False)]
    for table, where in (
        ("resource_overview", "is_release"),
        ("resource_uses", "is_release AND cluster IS NOT NULL"),
        ("releases", "TRUE"),
    ):
        assert ask(lake, f"SELECT name, is_lower_bound FROM {table} WHERE {where} ORDER BY name") == known, table
    assert ask(lake, "SELECT chart_name, is_lower_bound FROM chart_versions ORDER BY chart_name") == known
    assert ask(lake, "SELECT chart_name, is_lower_bound FROM version_reception ORDER BY chart_name") == known
    pages = "FROM chart_page('one') UNION ALL FROM chart_page('two')"
    assert ask(lake, f"SELECT name, is_lower_bound FROM ({pages}) ORDER BY name") == known


def test_an_overview_says_since_when_a_repository_is_watched(small_warehouse):
    query = "SELECT full_name, log_begins_at, watched_days FROM repository_overview WHERE full_name = 'alice/home'"
    assert small_warehouse.execute(query).fetchall() == [("alice/home", at(2, 27), 6.0)]
    query = "SELECT full_name, first_commit, begins_at, told_at, observed_until, days FROM repository_logs"
    assert small_warehouse.execute(f"{query} ORDER BY full_name").fetchall() == [
        ("alice/home", "c0", at(2, 27), None, at(3, 5), 6.0),
        ("bob/homelab", "c1", at(3, 1), None, at(3, 9), 8.0),
        ("carol/gone", "c0", at(2, 20), None, at(2, 20), 0.0),
    ]
