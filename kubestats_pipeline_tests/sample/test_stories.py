"""The sample's stories: what a reader of the demo is promised can be found in the repositories with git alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubestats_pipeline.git import command as git
from kubestats_pipeline.sample.build import STORIES, build_sample
from kubestats_pipeline.sample.clusters.story import Story

NAMES = [story.full_name for story in STORIES]


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> dict[str, Path]:
    paths = build_sample(tmp_path_factory.mktemp("sample"))
    return dict(zip(NAMES, paths, strict=True))


def read(repository: Path, *arguments: str) -> str:
    return git.run(arguments, directory=repository).decode("utf-8", "replace")


def show(repository: Path, path: str, revision: str = "main") -> str:
    return read(repository, "show", f"{revision}:{path}")


def find(repository: Path, subject: str) -> str:
    """The one commit whose subject holds a text."""
    found = read(repository, "log", "--format=%H", "--fixed-strings", f"--grep={subject}").split()
    assert len(found) == 1, f"{len(found)} commits say {subject!r}"
    return found[0]


def changes(repository: Path, revision: str) -> list[str]:
    """What a commit did, such as `M path` and `R100 old new`."""
    lines = read(
        repository,
        "-c",
        "core.quotePath=false",
        "show",
        "-M90%",
        "--first-parent",
        "--format=",
        "--name-status",
        revision,
    )
    return [line.replace("\t", " ") for line in lines.splitlines()]


def yaml_files(repository: Path) -> Iterator[tuple[str, bytes]]:
    """The regular files at the tip that end like YAML."""
    for line in read(repository, "ls-tree", "-r", "-z", "main").split("\0")[:-1]:
        meta, path = line.split("\t", 1)
        mode, _, blob = meta.split()
        if path.endswith((".yaml", ".yml")) and mode != "120000":
            yield path, git.run(["cat-file", "blob", blob], directory=repository)


def loads(content: bytes) -> bool:
    try:
        list(yaml.safe_load_all(content.decode()))
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
    return True


@pytest.mark.parametrize("story", STORIES, ids=NAMES)
def test_every_yaml_file_at_the_tip_loads_but_those_that_are_bad_on_purpose(sample, story: Story):
    unreadable = {path for path, content in yaml_files(sample[story.full_name]) if not loads(content)}
    assert unreadable == set(story.unreadable)


@pytest.mark.parametrize("story", STORIES, ids=NAMES)
def test_every_applied_path_and_listed_resource_is_there(sample, story: Story):
    repository = sample[story.full_name]
    tree = read(repository, "ls-tree", "-r", "-t", "-z", "--name-only", "main").split("\0")
    for path, content in yaml_files(repository):
        if path in story.unreadable:
            continue
        folder = Path(path).parent
        for document in yaml.safe_load_all(content):
            if not isinstance(document, dict) or document.get("kind") not in ("Kustomization", "Component"):
                continue
            spec = document.get("spec", {})
            listed = [spec["path"]] if "path" in spec else []
            listed += [str(folder / entry) for entry in document.get("resources", []) + document.get("components", [])]
            for target in listed:
                assert str(Path("/", target).resolve().relative_to("/")) in tree, f"{path} names {target}"


@pytest.mark.parametrize("story", STORIES, ids=NAMES)
def test_commit_times_ascend_along_the_mainline_and_end_in_mid_2026(sample, story: Story):
    times = read(sample[story.full_name], "log", "--first-parent", "--reverse", "--format=%ct").split()
    assert times == sorted(set(times), key=int)
    last = read(sample[story.full_name], "log", "-1", "--format=%cs").strip()
    assert "2026-06-15" < last < "2026-07-01"


@pytest.mark.parametrize("name", NAMES[:-1])
def test_grown_clusters_have_fifteen_to_sixty_commits_over_six_to_ten_weeks(sample, name):
    times = [int(time) for time in read(sample[name], "log", "--first-parent", "--reverse", "--format=%ct").split()]
    assert 15 <= len(times) <= 60
    assert 6 * 7 <= (times[-1] - times[0]) / 86_400 <= 10 * 7


def test_the_young_cluster_has_three_commits(sample):
    assert read(sample["sprout/cluster"], "rev-list", "--count", "main").strip() == "3"


def test_people_and_five_kinds_of_authors_commit(sample):
    authors = {line for path in sample.values() for line in read(path, "log", "--format=%an").splitlines()}
    assert authors >= {"renovate[bot]", "dependabot[bot]", "github-actions[bot]", "fluxcdbot", "Mira Aurelio"}


def test_people_and_hosts_are_invented(sample):
    people = {line for path in sample.values() for line in read(path, "log", "--format=%ae").splitlines()}
    assert all(email.endswith((".example", "@users.noreply.github.com")) for email in people)


def test_aurora_is_upgraded_by_renovate_and_downgraded_by_a_person(sample):
    path = "kubernetes/apps/observability/kube-prometheus-stack/app/helmrelease.yaml"
    repository = sample["aurora/home-cluster"]
    log = read(repository, "log", "--reverse", "-G^ +version:", "--format=%an", "--", path).splitlines()
    assert log == ["Jon Vester", "renovate[bot]", "Jon Vester", "renovate[bot]", "renovate[bot]"]
    revert = find(repository, "83 loses our dashboards")
    before, after = ("version: 83.0.0", "version: 82.4.1")
    assert before in show(repository, path, f"{revert}~1")
    assert after in show(repository, path, revert)


def test_auroras_releases_pass_through_three_api_versions(sample):
    path = "kubernetes/apps/default/podinfo/app/helmrelease.yaml"
    revisions = read(sample["aurora/home-cluster"], "log", "--reverse", "--format=%H", "--", path).split()
    seen = dict.fromkeys(show(sample["aurora/home-cluster"], path, revision).splitlines()[1] for revision in revisions)
    assert [line.rsplit("/", 1)[-1] for line in seen] == ["v2beta1", "v2beta2", "v2"]


def test_flux_itself_moves_auroras_own_image(sample):
    path = "kubernetes/apps/default/hello/deployment.yaml"
    log = read(sample["aurora/home-cluster"], "log", "--author=fluxcdbot", "--format=%an", "--", path).splitlines()
    assert len(log) == 2
    assert "hello:1.1.0" in show(sample["aurora/home-cluster"], path)


def test_tidewater_moves_jellyfin_to_another_namespace(sample):
    commit = find(sample["tidewater/home-ops"], "media deserves a namespace")
    old, new = "kubernetes/apps/default/jellyfin/app", "kubernetes/apps/media/jellyfin/app"
    assert f"R100 {old}/helmrelease.yaml {new}/helmrelease.yaml" in changes(sample["tidewater/home-ops"], commit)


def test_tidewater_deletes_miniflux_and_brings_it_back(sample):
    repository, path = sample["tidewater/home-ops"], "kubernetes/apps/default/miniflux/app/helmrelease.yaml"
    log = read(repository, "log", "--reverse", "--format=", "--name-status", "--", path).split()
    assert log[::2] == ["A", "M", "D", "A"]
    assert "kind: HelmRelease" in show(repository, path)


@pytest.mark.parametrize("subject", ["quote what prettier wants", "say what tides is"])
def test_tidewater_has_commits_that_change_text_but_no_content(sample, subject):
    repository = sample["tidewater/home-ops"]
    commit = find(repository, subject)
    for path in (line.split(" ", 1)[1] for line in changes(repository, commit)):
        before, after = show(repository, path, f"{commit}~1"), show(repository, path, commit)
        assert before != after
        assert list(yaml.safe_load_all(before)) == list(yaml.safe_load_all(after))


def test_tidewaters_versions_live_in_its_oci_repositories(sample):
    repository = sample["tidewater/home-ops"]
    release = show(repository, "kubernetes/apps/kube-system/cilium/app/helmrelease.yaml")
    source = show(repository, "kubernetes/apps/kube-system/cilium/app/ocirepository.yaml")
    assert "chartRef:" in release
    assert "1.19" not in release
    assert "tag: 1.19.3" in source


def test_granite_migrates_a_release_without_changing_its_version(sample):
    repository = sample["granite-peak/k8s-gitops"]
    commit = find(repository, "refactor(podinfo): take the chart from an OCIRepository")
    assert "version: 6.10.1" in show(repository, "apps/base/podinfo/helmrelease.yaml", f"{commit}~1")
    assert "chartRef:" in show(repository, "apps/base/podinfo/helmrelease.yaml", commit)
    assert "tag: 6.10.1" in show(repository, "apps/base/podinfo/ocirepository.yaml", commit)


def test_granite_replaces_every_ingress_by_a_route(sample):
    repository = sample["granite-peak/k8s-gitops"]
    first = read(repository, "log", "--reverse", "--format=%H", "--", "apps/base/podinfo/ingress.yaml").split()[0]
    assert read(repository, "grep", "-l", "kind: Ingress$", first).count("\n") == 3
    assert read(repository, "grep", "-l", "kind: HTTPRoute", "main").count("\n") == 3
    assert "ingress.yaml" not in read(repository, "ls-tree", "-r", "--name-only", "main")


def test_orchard_shows_the_ways_of_argo_cd(sample):
    repository = sample["orchard/argo-homelab"]
    kinds = {
        (document.get("kind"), "sources" in document.get("spec", {}))
        for path, content in yaml_files(repository)
        if "/templates/" not in path
        for document in yaml.safe_load_all(content)
    }
    assert kinds >= {("Application", False), ("Application", True), ("ApplicationSet", False), ("CronJob", False)}
    assert "dependencies:" in show(repository, "apps/jellyfin/Chart.yaml")


def test_magpies_file_is_broken_for_two_days_and_then_repaired(sample):
    repository, path = sample["magpie/infra"], "home/janitor-settings.yaml"
    revisions = read(repository, "log", "--reverse", "--format=%H", "--", path).split()
    assert [loads(show(repository, path, revision).encode()) for revision in revisions] == [True, False, True]


def test_magpie_hides_a_secret_with_sops_and_shows_another(sample):
    repository = sample["magpie/infra"]
    hidden = yaml.safe_load(show(repository, "k3s/router.sops.yaml"))
    assert all(value.startswith("ENC[AES256_GCM,data:") for value in hidden["data"].values())
    assert {"mac", "lastmodified", "version"} <= hidden["sops"].keys()
    assert yaml.safe_load(show(repository, "k3s/allowlist.yaml"))["kind"].startswith("ENC[")
    shown = find(repository, "grafana wants a password")
    assert "not-a-real-password" in show(repository, "monitoring/secret.yaml", shown)
    assert "monitoring/secret.yaml" not in read(repository, "ls-tree", "-r", "--name-only", "main")


def test_magpies_history_has_a_merge_a_revert_and_an_empty_commit(sample):
    repository = sample["magpie/infra"]
    merged = find(repository, "Merge pull request #7")
    assert len(read(repository, "show", "--no-patch", "--format=%P", merged).split()) == 2
    assert changes(repository, merged) == ["A home/route.yaml"]
    assert changes(repository, find(repository, "wake up, flux")) == []
    revert = find(repository, 'Revert "')
    assert read(repository, "diff", "--stat", f"{revert}~2", revert, "--", "home/mqtt.yaml") == ""


def test_magpie_keeps_what_other_people_throw_away(sample):
    tree = read(sample["magpie/infra"], "-c", "core.quotePath=false", "ls-tree", "-r", "main")
    paths = {line.split("\t")[1]: line.split()[0] for line in tree.splitlines()}
    assert paths["ansible/namespaces.yaml"] == "120000"
    assert paths["scripts/apply.sh"] == "100755"
    assert paths.keys() >= {".archive/mqtt/mqtt.yaml", "ansible/templates/node-labels.yaml.j2", "tests/bomb.yaml"}
    sealed = find(sample["magpie/infra"], "sealed secrets are nice too")
    assert changes(sample["magpie/infra"], sealed) == ["A home/top secret/mqtt.yaml"]
