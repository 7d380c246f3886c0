"""Decisions as the administrator makes them, by command and by the jobs of the UI; no token is left anywhere."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from kubestats_pipeline.discover.decide import DecisionRefusedError, Verb
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.base.partitions import OTHER_PARTITIONS, REPOSITORY_PARTITIONS
from kubestats_pipeline.orchestration.decision_jobs import carry_out
from kubestats_pipeline_tests.demo import Command
from kubestats_pipeline_tests.discover.world import TOKEN, World, config
from kubestats_pipeline_tests.hosts.github_server import GitHubServer
from kubestats_pipeline_tests.sync.git_server import serve


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """Three repositories that were discovered, synced and scanned, but for one that is too large."""
    folder = tmp_path_factory.mktemp("decisions")
    with GitHubServer() as github, serve(folder / "remotes") as git:
        world = World(folder, github, git)
        world.create("ada/ops", 1)
        world.create("bob/cluster", 2)
        world.create("eve/huge", 3, size=900_000)
        execute(world, "discover_repositories", "discover")
        world.sync()
        world.scan()
        yield world


@pytest.fixture
def kubestats(world):
    github = world.settings.github
    environment = {
        "KUBESTATS_GITHUB__API_URL": github.api_url,
        "KUBESTATS_GITHUB__GIT_URL": github.git_url,
        "KUBESTATS_GITHUB__TOPICS": "kubesearch",
        "GITHUB_TOKEN": TOKEN,
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return Command(world.folder)(*arguments, env=environment)

    return run


def partitions(world: World, kind: str = REPOSITORY_PARTITIONS) -> list[str]:
    with open_instance(Layout(world.folder / "data")) as instance:
        return sorted(instance.get_dynamic_partitions(kind))


def execute(world: World, job: str, op: str, partition: str | None = None, **given: str) -> dg.ExecuteInProcessResult:
    definitions = build_definitions(Services(world.settings), headless=True)
    with open_instance(Layout(world.folder / "data")) as instance:
        return definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            run_config={"ops": {op: {"config": given}}},
            partition_key=partition,
            raise_on_error=False,
        )


def run_verb(world: World, verb: Verb, name: str | None, **given: str) -> dg.ExecuteInProcessResult:
    """The job of a verb, as it is launched for the partition of a repository."""
    return execute(world, f"{verb}_repository", f"{verb}_one_repository", name, **given)


def refusal(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_step_failure_events()
    return str(event.step_failure_data.user_failure_data.description)


def decided(world: World, verb: Verb, name: str, reason: str | None = None) -> str:
    """What the command does, without its process."""
    with open_instance(Layout(world.folder / "data")) as instance:
        return carry_out(Services(world.settings), instance, verb, name, reason).text


def test_a_decision_is_a_command_that_takes_effect_at_once_and_shows_in_the_status(world, kubestats):
    assert partitions(world) == ["ada/ops", "bob/cluster"]
    assert kubestats("block", "Ada/Ops", "--reason", "spam").stdout == "ada/ops is blocked (spam)\n"
    assert partitions(world) == ["bob/cluster"]
    shown = kubestats("status").stdout
    assert "ada/ops: spam" in shown
    assert "eve/huge: 900 MB on its host" in shown
    assert "1 repositories, 0 failed, 2 not active" in shown
    refused = kubestats("sync", "ada/ops")
    assert (refused.returncode, "ada/ops is blocked: spam" in refused.stderr) == (1, True)


def test_every_verb_lets_dagsters_partitions_follow(world):
    assert decided(world, "approve", "eve/huge") == "eve/huge is active, approved"
    assert decided(world, "unblock", "ada/ops") == "ada/ops is active"
    assert partitions(world) == ["ada/ops", "bob/cluster", "eve/huge"]


@pytest.mark.slow  # publishes a warehouse
def test_one_repository_is_synced_scanned_and_published_by_a_command(world, kubestats):
    world.github.git[1].commit({"b.yaml": config("second")})
    synced = kubestats("sync", "Ada/Ops")
    assert (synced.returncode, "1 repositories, 1 with news, 0 failed" in synced.stdout) == (0, True), synced.stderr
    assert world.lake.layout.warehouse.exists()


@pytest.mark.parametrize(
    ("verb", "name", "said"),
    [
        ("unblock", "bob/cluster", "bob/cluster is not blocked"),
        ("block", "bob/clustr", "bob/clustr is not known. Did you mean bob/cluster? To decide about it in advance"),
        ("approve", "nobody/typo", "nobody/typo is not known. `kubestats status` names all that are. To decide"),
        ("delete", "ada/opss", "ada/opss is not known. Did you mean ada/ops?"),
        ("unblock", "eve/hug", "eve/hug is not known. Did you mean eve/huge?"),
        ("block", "nothing", "'nothing' is not a repository name. Give owner/name"),
        ("block", "ops", "'ops' is not a repository name. Give owner/name, or host/owner/name. Did you mean ada/ops?"),
    ],
)
def test_a_wrong_decision_is_refused_with_what_would_be_right(world, verb, name, said):
    with pytest.raises(DecisionRefusedError) as error:
        decided(world, verb, name)
    assert said in str(error.value)


def test_what_no_discovery_has_seen_can_be_decided_in_advance(world):
    with open_instance(Layout(world.folder / "data")) as instance:
        services = Services(world.settings)
        said = carry_out(services, instance, "block", "mal/ory", unknown_too=True).text
    assert said == "mal/ory is not known yet. The decision holds when a discovery finds it"
    world.create("mal/ory", 8)
    world.discover()
    assert world.row(8)["status"] == "blocked"


def test_a_broken_file_of_decisions_stops_discoveries_and_loses_nothing(world):
    path = world.lake.layout.decisions
    before = path.read_bytes()
    path.write_text("blocked: [\n")
    (event,) = execute(world, "discover_repositories", "discover").get_step_failure_events()
    assert "decisions.yaml, line 2, cannot be read" in event.step_failure_data.user_failure_data.description
    assert path.read_text() == "blocked: [\n"
    path.write_bytes(before)


def test_decisions_are_jobs_of_the_repositorys_own_partition(world):
    assert run_verb(world, "block", "bob/cluster", reason="no").success
    assert world.row(2)["status"] == "blocked"
    assert "bob/cluster" not in partitions(world)
    assert "bob/cluster" in partitions(world, OTHER_PARTITIONS), "it can be picked to be unblocked"
    assert run_verb(world, "unblock", "bob/cluster").success
    assert "bob/cluster" not in partitions(world, OTHER_PARTITIONS)
    assert run_verb(world, "delete", "bob/cluster").success
    assert (world.row(2)["status"], world.events("bob/cluster")) == ("retired", [])
    assert run_verb(world, "approve", "bob/cluster").success
    assert "bob/cluster is not blocked" in refusal(run_verb(world, "unblock", "bob/cluster"))


def test_a_job_shows_what_it_did_on_its_run_and_on_the_pages_of_table_and_partition(world):
    result = run_verb(world, "block", "ada/ops", reason="spam")
    told = {"decision": "block", "repository": "ada/ops", "outcome": "ada/ops is blocked (spam)"}
    (output,) = [event for event in result.all_events if event.is_successful_output]
    assert {name: value.value for name, value in output.step_output_data.metadata.items()} == told
    with open_instance(Layout(world.folder / "data")) as instance:
        for key, partition in (("repositories", None), ("snapshots", "ada/ops")):
            (record,) = instance.fetch_observations(dg.AssetKey(key), limit=1).records
            assert record.partition_key == partition
            assert {name: value.value for name, value in record.asset_observation.metadata.items()} == told
    assert run_verb(world, "unblock", "ada/ops").success


@pytest.mark.parametrize("verb", ["approve", "block", "unblock", "delete"])
def test_a_job_refuses_a_name_that_nobody_knows_with_near_ones(world, verb):
    with open_instance(Layout(world.folder / "data")) as instance:  # as the API lets a run be launched for it
        for kind in (REPOSITORY_PARTITIONS, OTHER_PARTITIONS):
            instance.add_dynamic_partitions(kind, ["bob/clustr"])
    assert "bob/clustr is not known. Did you mean bob/cluster?" in refusal(run_verb(world, verb, "bob/clustr"))
    assert "pick the repository as the partition" in refusal(run_verb(world, verb, None))
    world.discover()


def test_a_renamed_repository_exchanges_its_partition_in_dagster(world):
    world.rename(1, "ada/home-ops")
    execute(world, "discover_repositories", "discover")
    assert "ada/home-ops" in partitions(world)
    assert "ada/ops" not in partitions(world)


def test_no_token_is_left_in_any_file(world):
    files = [path for path in Path(world.folder / "data").rglob("*") if path.is_file()]
    assert any(path.name == "runs.db" for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in {request.path for request in world.github.requests}
    assert {request.headers.get("authorization") for request in world.github.requests} == {f"Bearer {TOKEN}"}


def test_an_unknown_repository_is_decided_about_in_advance_by_who_means_it(world, kubestats):
    """users.md 10: `block nobody/typo` ended with 0."""
    refused = kubestats("block", "nobody/spam")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert not world.lake.layout.decisions.exists() or "nobody/spam" not in world.lake.layout.decisions.read_text()
    decided = kubestats("block", "nobody/spam", "--unknown-too")
    assert decided.stdout == "nobody/spam is not known yet. The decision holds when a discovery finds it\n"
    lifted = kubestats("unblock", "Nobody/Spam")
    assert (lifted.returncode, lifted.stderr) == (0, ""), "what was decided about is known"


@pytest.mark.parametrize("name", ["bob/clustr", "cluster"])
def test_a_sync_of_an_unknown_repository_names_near_ones(world, kubestats, name):
    refused = kubestats("sync", name)
    assert (refused.returncode, refused.stderr) == (1, f"error: {name} is not known. Did you mean bob/cluster?\n")
