"""The benchmarks measure what they say: tiny sizes, the sample repositories, and never a word about time."""

import io
import subprocess
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from rich.console import Console

from benchmarks import against, discovery, fleet, floors, hostile, idle, inputs, pages, scan, sweep, units, warehouse
from benchmarks.__main__ import main
from benchmarks.ecosystem import Size, learn, write_ecosystem
from benchmarks.equality_report import show_equality
from benchmarks.long_histories import Edits, Lengths, edit_long_document, edit_long_file, long_lines, make_history
from benchmarks.made_fleet import ENVIRONMENTS, FleetSize, make_fleet
from benchmarks.measure import Cost, Runs, measure
from benchmarks.report import Line, at_most, show
from kubestats_pipeline.lake.applied_tables import APPLIED_RESOURCES
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import HELM_VALUES, RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.warehouse.build import build_warehouse
from kubestats_pipeline.warehouse.marts import MACROS, MARTS
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.scan.documents.oracle import KUBECTL, needs_kubectl
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

CHEAP = Runs((Cost(1.0, 2.0, 10.0), Cost(3.0, 1.5, 30.0)))


SMALL_FLEET = FleetSize(environments=3, clusters_each=2, teams=2, apps_each=2, commits=20)

LARGE = "len(b'x' * 300_000_000)"
"""A piece of Python that needs 300 MB."""


@pytest.fixture(scope="session")
def tidewater(sample_repositories: Path) -> Path:
    return sample_repositories / "tidewater" / "home-ops.git"


@pytest.fixture(scope="session")
def history(tidewater: Path, tmp_path_factory: pytest.TempPathFactory) -> inputs.Mirrored:
    """A mirror of everything, scanned to its head."""
    mirrored = inputs.mirror(tidewater, tmp_path_factory.mktemp("history") / "data", "all")
    scan.scan(mirrored, mirrored.span.head)
    return mirrored


def test_the_cpu_time_and_the_memory_of_children_are_counted() -> None:
    idle, busy = (measure(floors.run_python, code).cost for code in ("pass", f"sum(range(30_000_000)); {LARGE}"))
    assert busy.cpu > idle.cpu
    assert busy.peak_mb > 300 > idle.peak_mb


def test_a_process_is_charged_with_its_own_memory_and_not_with_that_of_the_one_that_started_it() -> None:
    large = bytearray(b"x") * 400_000_000
    small, own = measure(int, "7"), measure(eval, LARGE)
    assert small.value == 7
    assert small.cost.peak_mb < 300 < own.cost.peak_mb < 400
    assert len(large) == 400_000_000


def test_a_function_that_fails_fails_the_measurement() -> None:
    with pytest.raises(ValueError, match="seven"):
        measure(int, "seven")


def test_of_several_runs_the_cheapest_counts_and_the_largest_memory() -> None:
    assert (CHEAP.cpu, CHEAP.median_cpu, CHEAP.wall, CHEAP.peak_mb) == (1.0, 2.0, 1.5, 30.0)
    assert CHEAP.each(10).cpu == 0.1


def test_the_table_names_a_goal_that_was_missed() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    floor = Runs((Cost(0.5, 0.5, 1.0),))
    show([Line("scan", "a tip", CHEAP, floor, (at_most(2, 1.5, "× floor"), at_most(1, 2, "s")))], ["a note"], console)
    text = console.export_text()
    assert "2.00" in text
    assert "≤ 1.5 × floor MISSED" in text
    assert "≤ 2 s MISSED" not in text
    assert "a note" in text


def test_the_floor_of_a_tip_parses_exactly_the_kubernetes_files(tmp_path: Path) -> None:
    remote = GitRepository(tmp_path / "owner" / "home.git")
    document = "apiVersion: v1\nkind: ConfigMap\n"
    remote.commit({"a.yaml": document, "b/c.YML": document + "x: 1\n", "values.yaml": "a: 1\n", "d.txt": document})
    remote.commit({"a.yaml": document + "broken: {\n", "b/c.YML": document + "x: 2\n"})
    assert floors.scan_tip(remote.path, "HEAD") == 1
    assert floors.scan_history(remote.path, "HEAD", processes=2) == 3
    assert floors.read_step(remote.path, "HEAD") == 1
    assert floors.list_remotes([remote.url, remote.url]) == 2


def test_the_floor_of_a_history_reads_more_blobs_than_fit_into_one_question(tmp_path: Path) -> None:
    remote = GitRepository(tmp_path / "owner" / "home.git")
    remote.commit({f"{number}.yaml": f"apiVersion: v1\nkind: A\nn: {number}\n" for number in range(1201)})
    assert floors.scan_history(remote.path, "HEAD", processes=2) == 1201


def test_a_scan_is_measured_on_an_empty_lake_only(history: inputs.Mirrored, tmp_path: Path) -> None:
    lake = tmp_path / "other"
    outcome = scan.scan(history, history.span.head, lake)
    assert outcome.new_events == outcome.events > 0
    with pytest.raises(RuntimeError, match="scanned already"):
        scan.scan(history, history.span.head, lake)


@pytest.mark.slow
def test_the_lines_of_the_scan_are_the_tips_the_history_and_one_commit_more(tidewater: Path, tmp_path: Path) -> None:
    lines = list(scan.scan_lines([tidewater], tidewater, tmp_path, repeats=1))
    assert [line.what.split()[0] for line in lines] == ["tip", "history", "one"]
    assert all(line.floor is not None for line in lines)


def test_a_second_sweep_changes_nothing_and_one_that_finds_a_change_is_refused(tmp_path: Path) -> None:
    settings = sweep.prepare(3, tmp_path)
    sweep.sweep_again(settings)
    sweep.execute(settings)
    remote = next((tmp_path / "remotes").glob("*/cluster0.git"))
    GitRepository(remote).commit({"a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
    with pytest.raises(RuntimeError, match="1 repositories changed"):
        sweep.sweep_again(settings)


def test_a_made_ecosystem_has_the_size_asked_for_and_passes_every_check_of_the_warehouse(
    history: inputs.Mirrored, tmp_path: Path
) -> None:
    lake, size = Lake(Layout(tmp_path / "data")), Size(resources=600, events=1800)
    made = write_ecosystem(learn([history.lake]), lake, size)
    report = build_warehouse(lake)  # it refuses rows that break a rule
    assert report.rows["resources"] == 600
    assert report.rows["resource_events"] == made
    assert abs(made - 1800) < 200
    assert report.rows["repositories"] == 3
    queries = warehouse.query_marts(report.path, repeats=1)
    assert {query.partition(":")[0] for query in queries} == {mart.name for mart in (*MARTS, *MACROS)}


def test_a_made_ecosystem_keeps_lives_whole_and_documents_apart(history: inputs.Mirrored, tmp_path: Path) -> None:
    lake = Lake(Layout(tmp_path / "data"))
    write_ecosystem(learn([history.lake]), lake, Size(resources=400, events=1000))
    resources = lake.read_all(RESOURCES)
    assert resources["data"].n_unique() == resources.height
    query = """
        SELECT resource_id FROM events GROUP BY resource_id
        HAVING arg_min(event_type, sequence) <> 'CREATED' OR count(*) FILTER (WHERE event_type = 'CREATED') <> 1
    """
    with duckdb.connect() as connection:
        files = str(lake.layout.table("resource_events") / "*" / "part.parquet")
        connection.execute("CREATE TABLE events AS FROM read_parquet(?, hive_partitioning = false)", [files])
        assert connection.execute(query).fetchall() == []


def test_a_made_ecosystem_is_like_what_was_learned(history: inputs.Mirrored, tmp_path: Path) -> None:
    """Kinds, settings of a release and sizes of documents, within what chance explains."""
    lives, lake = learn([history.lake]), Lake(Layout(tmp_path / "data"))
    mean = lives.events.height / lives.resources.height
    write_ecosystem(lives, lake, Size(resources=3000, events=int(3000 * mean)))
    made, learned = lake.read_all(RESOURCES), lives.resources
    for rows, other in ((made, learned), (learned, made)):
        for kind, count in rows.group_by("kind").len().iter_rows():
            share = other.filter(other["kind"] == kind).height / other.height
            assert share == pytest.approx(count / rows.height, abs=0.04)
    values = lake.read_all(HELM_VALUES).height / made.height
    assert values == pytest.approx(lives.values.height / learned.height, rel=0.25)
    length = made["data"].str.len_bytes().median()
    assert length == pytest.approx(learned["data"].str.len_bytes().median() + 45, rel=0.25)  # 45: what tells them apart


def test_repositories_of_a_made_ecosystem_are_as_unequal_as_those_learned(
    history: inputs.Mirrored, tmp_path: Path
) -> None:
    lives, lake = learn([history.lake]), Lake(Layout(tmp_path / "data"))
    write_ecosystem(replace(lives, sizes=[1, 9]), lake, Size(resources=2000, events=5000))
    counts = sorted(lake.read_all(RESOURCES).group_by("repository_id").len()["len"])
    assert sum(counts) == 2000
    assert counts[-1] / counts[0] == pytest.approx(9, rel=0.05)


@pytest.mark.parametrize("changes", [0, 1])
def test_one_repository_in_which_hardly_anything_changed_makes_an_ecosystem_too(tmp_path: Path, changes: int) -> None:
    """It cannot give the mean that is asked for. The weights were all zero then, and nothing could be drawn."""
    remote = GitRepository(tmp_path / "remotes" / "someone" / "cluster.git")
    for step in range(1 + changes):
        data = f"data: {{step: '{step}'}}"
        remote.commit({"a.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{data}\n"})
    mirrored = inputs.mirror(remote.path, tmp_path / "learned", "all")
    scan.scan(mirrored, mirrored.span.head)
    made = write_ecosystem(learn([mirrored.lake]), Lake(Layout(tmp_path / "data")), Size(resources=50, events=500))
    assert made == 50 * (1 + changes)


def test_the_same_seed_makes_the_same_ecosystem(history: inputs.Mirrored, tmp_path: Path) -> None:
    lives, size = learn([history.lake]), Size(resources=200, events=500)
    lakes = [Lake(Layout(tmp_path / name)) for name in ("one", "other")]
    for lake in lakes:
        write_ecosystem(lives, lake, size)
    one, other = (lake.read_all(RESOURCE_EVENTS) for lake in lakes)
    assert one.equals(other)


def test_the_same_size_makes_the_same_fleet(tmp_path: Path) -> None:
    one, other = (make_fleet(tmp_path / name, SMALL_FLEET) for name in ("one", "other"))
    assert inputs.first_parents(one) == inputs.first_parents(other)
    assert len(inputs.first_parents(one)) == SMALL_FLEET.commits


def test_a_commit_of_a_made_fleet_edits_a_release_and_the_patches_of_several_environments(tmp_path: Path) -> None:
    remote = GitRepository(make_fleet(tmp_path, SMALL_FLEET))
    edited = [
        remote.git("diff", "--name-only", f"{commit}~1", commit).split()
        for commit in inputs.first_parents(remote.path)[:-1]
    ]
    patches = [[path for path in paths if Path(path).stem in ENVIRONMENTS] for paths in edited]
    assert sum(len(found) > 1 for found in patches) > len(edited) / 2
    assert all(edited)


def test_every_release_of_a_made_fleet_is_read_and_has_its_chart(tmp_path: Path) -> None:
    mirrored = inputs.mirror(make_fleet(tmp_path, SMALL_FLEET), tmp_path / "data", "all")
    assert scan.scan(mirrored, mirrored.span.head).problems == 0
    rows = mirrored.lake.read_all(RESOURCES)
    releases = rows.filter((pl.col("kind") == "HelmRelease") & pl.col("file_path").str.contains("app[01]/team"))
    assert len(releases) == SMALL_FLEET.apps
    assert set(releases["chart_url"]) == {"https://charts.example.org"}


def test_the_history_of_a_made_fleet_ends_with_the_objects_of_its_tip(tmp_path: Path) -> None:
    remote = make_fleet(tmp_path, SMALL_FLEET)
    applied = []
    for name, since in (("history", "all"), ("tip", 0)):
        mirrored = inputs.mirror(remote, tmp_path / name, since)
        scan.scan(mirrored, mirrored.span.head)
        rows = mirrored.lake.read_all(APPLIED_RESOURCES)
        told = [column for column in rows.columns if not column.endswith(("_at", "_since"))]
        applied.append(rows.select(told).sort("cluster", "applied_by", "kind", "name"))
    assert applied[0].equals(applied[1])
    assert len(applied[0]) > SMALL_FLEET.clusters * SMALL_FLEET.apps


@pytest.mark.parametrize("edits", [edit_long_file, edit_long_document])
def test_each_commit_of_a_long_file_edits_one_line(tmp_path: Path, edits: Edits) -> None:
    remote = GitRepository(make_history(tmp_path / "made.git", edits(4)))
    assert remote.git("show", "HEAD:all.yaml").count("\n") >= 9_998  # stripped
    assert [remote.git("show", "--format=", "--shortstat", f"HEAD~{back}").strip() for back in range(3)] == [
        "1 file changed, 1 insertion(+), 1 deletion(-)"
    ] * 3


@pytest.mark.slow
def test_a_long_history_is_measured_beside_half_of_it(tmp_path: Path) -> None:
    lines = list(long_lines(Lengths(20, 4), tmp_path))
    assert [line.what.split()[0] for line in lines] == ["20", "4", "4"]
    assert all(line.floor is not None for line in lines)


@pytest.mark.slow
def test_the_lines_of_the_fleet_are_the_tip_and_each_commit_with_and_without_another_revision(tmp_path: Path) -> None:
    alone = list(fleet.fleet_lines(SMALL_FLEET, tmp_path / "alone", repeats=1))
    sizes = (Size(600, 1800), 2, 2, SMALL_FLEET)
    compared = list(against.against_lines(["fleet"], [], tmp_path, sizes, against.OURS, tmp_path / "two", repeats=1))
    assert [line.what.partition(",")[0] for line in alone] == [line.what for line in compared]
    assert [line.floor is None for line in (*alone, *compared)] == [True, True, False, False]
    assert alone[1].runs.cpu < alone[0].runs.cpu


@pytest.mark.slow
def test_without_a_corpus_the_sample_is_measured_and_the_table_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["startup", "--repeats", "1", "--corpus", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "import the definitions" in printed
    assert inputs.NO_CORPUS in printed


@pytest.mark.slow
def test_an_idle_launch_changes_no_table(tmp_path: Path) -> None:
    settings = idle.prepare(2, tmp_path)
    lake = Lake(Layout(settings.data_dir))
    before = lake.read_all(RESOURCES)
    assert before.height == 2
    times = [lake.path(RESOURCES, name).stat().st_mtime_ns for name in lake.repositories(RESOURCES)]
    idle.launch(settings, ("scan_repositories",))
    assert [lake.path(RESOURCES, name).stat().st_mtime_ns for name in lake.repositories(RESOURCES)] == times
    with open_instance(lake.layout) as instance:
        assert [run.status.value for run in instance.get_runs()] == ["SUCCESS"]


def test_the_calls_of_a_discovery_are_counted_by_bucket(tmp_path: Path) -> None:
    first, later = discovery.discover_twice(150, tmp_path / "token", discovery.TOKEN)
    assert (first, later) == ({"search": 2, "graphql": 2}, {"search": 2})
    assert discovery.discover_twice(150, tmp_path / "none", None) == ({"search": 2}, {"search": 2})


def test_two_revisions_work_in_turn_and_each_is_measured_by_its_own_programs(tidewater: Path, tmp_path: Path) -> None:
    """Both sides are this checkout here: what another one needs to be installed takes a minute."""
    turns = tmp_path / "turns"
    code = f"with open({str(turns)!r}, 'a') as file: file.write(folder.name[0])\nreport(timed(sum, range(1000)))"
    line = against.compare(against.Work("scan", "a sum", "", code), against.OURS, against.OURS, tmp_path / "sum", 2)
    assert turns.read_text() == "otot"
    assert line.floor is not None
    assert (len(line.runs.costs), len(line.floor.costs)) == (2, 2)


@pytest.mark.slow
def test_the_lines_against_a_revision_are_the_tips_the_history_and_one_commit_more(
    tidewater: Path, tmp_path: Path
) -> None:
    sizes = (Size(600, 1800), 2, 2, SMALL_FLEET)
    found = against.against_lines(["scan"], [tidewater], tidewater, sizes, against.OURS, tmp_path / "scan", repeats=1)
    assert [line.what.split()[0] for line in found] == ["tip", "history", "one"]


def test_a_command_is_measured_from_outside_and_one_that_fails_is_no_measurement(tmp_path: Path) -> None:
    line = against.compare(against.Work("run", "help", "", ("--help",)), against.OURS, against.OURS, tmp_path / "a", 1)
    assert line.runs.cpu > 0
    with pytest.raises(RuntimeError, match="ended with status 2"):
        against.compare(against.Work("run", "x", "", ("no-such",)), against.OURS, against.OURS, tmp_path / "b", 1)
    work = against.Work("run", "x", "raise ValueError('no such thing')", ("--help",))
    with pytest.raises(RuntimeError, match="no such thing"):
        against.compare(work, against.OURS, against.OURS, tmp_path / "c", 1)


@pytest.mark.slow
def test_a_revision_is_checked_out_with_an_environment_of_its_own_once(tmp_path: Path) -> None:
    found = against.check_out("HEAD", tmp_path)
    assert (found.folder / "benchmarks" / "scan.py").is_file()
    assert found.python.is_relative_to(tmp_path)
    assert against.check_out("HEAD", tmp_path) == found
    work = against.Work("startup", "import", "", "import kubestats_pipeline\nreport(timed(sum, [1]))")
    assert against.compare(work, against.OURS, found, tmp_path / "work", 1).floor is not None
    with pytest.raises(subprocess.CalledProcessError):
        against.check_out("no-such-revision", tmp_path)


def test_hostile_input_is_shown_with_how_it_grows() -> None:
    half, whole = hostile.read_trees(2, 1), hostile.read_trees(4, 1)
    assert half.keys() == whole.keys() == hostile.TREES.keys()
    slow = dict.fromkeys(whole, 0.1) | {"patches of a release": 0.4}
    first, second, *_ = hostile._lines("trees", dict.fromkeys(half, 0.1), slow)
    assert (first.what, first.goals[0].is_met) == (f"trees of {len(whole)} families, doubled", True)
    assert (second.what, second.ratio, second.goals[0].is_met) == ("trees: patches of a release", 4.0, False)


def test_equality_is_measured_only_with_a_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECTL", raising=False)
    console = Console(file=io.StringIO(), width=200)
    assert show_equality(tmp_path, tmp_path / "no corpus", console)
    assert "not measured" in console.file.getvalue()


@needs_kubectl
def test_equality_with_kubectl_is_told_by_feature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL", str(KUBECTL))
    console = Console(file=io.StringIO(), width=200)
    assert show_equality(tmp_path, tmp_path / "no corpus", console)
    said = console.file.getvalue()
    assert "folders of tidewater/home-ops: " in said
    assert all(f"{feature} " in said for feature in ("all", "changed", "namespace", "goal 99.5%"))


def test_a_change_of_one_repository_for_the_pages_passes_every_check_and_writes_some_of_them(tmp_path: Path) -> None:
    lake = write_small_lake(tmp_path)
    build_warehouse(lake)
    whole = pages.build_pages(lake)
    pages.change_one(lake)
    build_warehouse(lake)  # it refuses rows that break a rule
    assert 0 < pages.build_pages(lake).written < whole.written
    assert pages.read_shown(lake.layout.warehouse) > 0


def test_units_are_costs_divided_by_what_they_were_spent_on(tidewater: Path, tmp_path: Path) -> None:
    read = units.read_remote(tidewater, tmp_path / "read")
    found = {(unit.what, unit.unit, unit.per): unit.amount for unit in units.repository_units([read])}
    assert all(amount > 0 for amount in found.values())
    objects = [path for path in read.mirrored.lake.layout.lake.rglob("*") if path.is_file()]
    assert found["lake of the same", "objects", "repository"] == len(objects)
    by = {per: found["first scan of the same", "CPU ms", per] for per in ("repository", "commit", "event")}
    assert by["repository"] == pytest.approx(by["commit"] * read.commits)
    assert by["repository"] == pytest.approx(by["event"] * read.scanned.events)


@pytest.mark.slow
def test_units_of_publications_sweeps_and_requests_are_printed(tidewater: Path, tmp_path: Path) -> None:
    out = Console(file=io.StringIO(), width=200)
    units.show_units([tidewater], tmp_path, Size(60, 150), (2, 30), out)
    said = out.file.getvalue()  # type: ignore[attr-defined]
    for what in (
        "first fetch",
        "a run that finds no work",
        "first discovery of a day",
        "whole build",
        "after one push",
    ):
        assert what in said
