"""`kubestats review` on real clones against a real published file: what changes where, and what others know of it."""

import datetime
import os
import subprocess
from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.demo import KUBESTATS, clean_environment
from kubestats_pipeline_tests.review.world import SECRET, clone_of, deployment, files_of, published
from kubestats_pipeline_tests.scan.world import BROKEN

Finished = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("published"), "ann/web")


def review(clone: Path, *arguments: str, cwd: Path | None = None) -> Finished:
    command = [*KUBESTATS, "review", *arguments, "--clone", str(clone)]
    environment = clean_environment() | {"COLUMNS": "200", "HOME": str(clone.parent)}
    return subprocess.run(
        command, cwd=cwd or clone.parent, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def rows_of(markdown: str) -> list[list[str]]:
    """The cells of the table, without its head."""
    lines = [line for line in markdown.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def test_a_change_is_shown_in_each_cluster_with_who_runs_it_and_who_went_back(tmp_path: Path, file: Path):
    clone = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0"))
    done = review(clone.path, "HEAD~1..HEAD", "--against", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("### Kubestats: 2 changes of versions in 2 clusters\n")
    podinfo, web = rows_of(done.stdout)
    places = "`clusters/{}`: `{} apps/{}`"
    both = [
        ", ".join(places.format(cluster, *names) for cluster in ("one", "two"))
        for names in (("HelmRelease", "podinfo"), ("Deployment", "web"))
    ]
    assert podinfo[:2] == ["chart `podinfo` `6.5.0` → `6.6.0`", both[0]]
    names = ", ".join(f"`user{number}/home`" for number in range(1, 6))
    assert podinfo[2:] == [
        f"5 of 7 repositories: {names}",
        "by nobody yet for a week, median less than a day, first seen 2026-01-29",
        "none",
    ]
    assert web[:2] == ["image `ghcr.io/team/web` `1.0.0` → `2.0.0`", both[1]]
    assert web[2] == "nobody. 1 repository runs another version"
    assert web[4] == "**1**: `ann/web` after 1 day to `1.0.0`"
    assert done.stdout.endswith(
        f"Counted in 8 repositories, as published on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}.\n"
    )


def test_the_rules_decide_the_status_and_are_named(tmp_path: Path, file: Path):
    clone = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0"), files_of("7.0.0", "9.9.9"))
    against = ("--against", str(file))
    fine = review(clone.path, "HEAD~2..HEAD~1", *against, "--fail-on", "unknown,low")
    assert (fine.returncode, "- **" in fine.stdout) == (0, False)
    back = review(clone.path, "HEAD~2..HEAD~1", *against, "--fail-on", "went-back")
    assert back.returncode == 1
    assert "- **went-back**: a repository went back from the new version: `ghcr.io/team/web` `2.0.0`" in back.stdout
    every = review(clone.path, "HEAD~1..HEAD", *against, "--fail-on", "went-back, unknown, low")
    assert every.returncode == 1
    assert [line.split("**")[1] for line in every.stdout.splitlines() if line.startswith("- **")] == [
        "went-back",
        "low",
        "unknown",
    ]


def test_three_dots_leave_out_what_the_base_has_gained_since(tmp_path: Path, file: Path):
    clone = clone_of(tmp_path, files_of("6.5.0", "1.0.0"))
    clone.branch("change")
    clone.commit({"apps/web.yaml": deployment("2.0.0")}, branch="change")
    clone.commit(files_of("6.6.0", "1.0.0"))
    two, three = (review(clone.path, f"main{dots}change", "--against", str(file)) for dots in ("..", "..."))
    assert len(rows_of(two.stdout)) == 2
    assert [row[0] for row in rows_of(three.stdout)] == ["image `ghcr.io/team/web` `1.0.0` → `2.0.0`"]


def test_what_comes_and_goes_is_told_and_another_spelling_is_no_change(tmp_path: Path, file: Path):
    before = files_of("6.5.0", "1.0.0")
    commented = {"apps/web.yaml": f"# a comment\n{deployment('1.0.0')}"}
    clone = clone_of(tmp_path, before, commented, {"apps/web.yaml": deployment("2.0.0", "ghcr.io/team/other")})
    quiet = review(clone.path, "HEAD~2..HEAD~1", "--against", str(file))
    assert quiet.stdout.startswith("### Kubestats: no release or image changes its version\n\nCounted in ")
    moved = review(clone.path, "HEAD~1..HEAD", "--against", str(file), "--fail-on", "unknown")
    assert [row[0] for row in rows_of(moved.stdout)] == [
        "image `ghcr.io/team/other` new → `2.0.0`",
        "image `ghcr.io/team/web` `1.0.0` is gone",
    ]
    assert moved.returncode == 1


def test_a_file_that_can_no_longer_be_read_is_told(tmp_path: Path, file: Path):
    clone = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), {"other/broken.yaml": BROKEN})
    done = review(clone.path, "HEAD~1..HEAD", "--against", str(file))
    assert "cannot be read after this change: `other/broken.yaml (" in done.stdout


def test_nothing_is_written_into_the_clone(tmp_path: Path, file: Path):
    bare = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0"))
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", bare.url, str(work)], check=True)

    def state() -> dict[str, tuple[int, int]]:
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(work.rglob("*"))}

    before = state()
    done = review(work, "HEAD~1..HEAD", "--against", str(file), cwd=work)
    assert (done.returncode, len(rows_of(done.stdout))) == (0, 2)
    assert state() == before


def test_a_shallow_clone_is_enough_where_both_commits_are_there(tmp_path: Path, file: Path):
    bare = clone_of(tmp_path, files_of("6.4.0", "1.0.0"), files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0"))
    for depth, expected in ((2, 0), (1, 2)):
        work = tmp_path / f"depth{depth}"
        subprocess.run(["git", "clone", "-q", f"--depth={depth}", bare.url, str(work)], check=True)
        done = review(work, f"{bare.git('rev-parse', 'HEAD~1')}..HEAD", "--against", str(file))
        assert done.returncode == expected
    assert "has no commit" in done.stderr
    assert "fetch-depth: 0 in CI" in done.stderr.replace("\n", " ")


def test_a_linked_worktree_is_a_clone_too(tmp_path: Path, file: Path):
    bare = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0"))
    subprocess.run(["git", "--git-dir", str(bare.path), "worktree", "add", "-q", str(tmp_path / "linked")], check=True)
    assert len(rows_of(review(tmp_path / "linked", "HEAD~1..HEAD", "--against", str(file)).stdout)) == 2


def test_secrets_are_printed_nowhere(tmp_path: Path, file: Path):
    token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
    named = {"apps/web.yaml": deployment("2.0.0").replace('"web"', f'"{token}"'), f"apps/{token}.yaml": BROKEN}
    clone = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0") | named)
    done = review(clone.path, "HEAD~1..HEAD", "--against", str(file))
    assert rows_of(done.stdout)
    assert "cannot be read after this change" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert token not in done.stdout + done.stderr


def wrong(clone: Path, *arguments: str) -> str:
    """What is said where the input is wrong: one line, and the status is 2."""
    done = review(clone, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    return " ".join(done.stderr.split())


def test_wrong_input_is_one_clear_line(tmp_path: Path, file: Path):
    clone = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0")).path
    against = ("--against", str(file))
    (tmp_path / "empty").mkdir()
    assert "is not a git repository" in wrong(tmp_path / "empty", "HEAD~1..HEAD", *against)
    assert "is not a git repository" in wrong(tmp_path / "missing", "HEAD~1..HEAD", *against)
    assert "has no commit nowhere. Fetch it first" in wrong(clone, "nowhere..HEAD", *against)
    assert "has no commit --all" in wrong(clone, "HEAD..--all", *against)
    assert "HEAD is not a range" in wrong(clone, "HEAD", *against)
    assert "is not a range" in wrong(clone, "a..b..c", *against)
    assert "unknown rule nonsense. Known are went-back, low, unknown" in wrong(
        clone, "HEAD~1..HEAD", "--fail-on", "nonsense"
    )
    assert "no published file at" in wrong(clone, "HEAD~1..HEAD", "--against", "nowhere")
    assert "no published file at" in wrong(clone, "HEAD~1..HEAD")


def test_a_file_of_another_version_is_refused(tmp_path: Path, file: Path):
    clone = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0")).path
    other = tmp_path / "other.duckdb"
    other.write_bytes(file.read_bytes())
    with duckdb.connect(str(other)) as connection:
        connection.execute("UPDATE warehouse_info SET schema_version = 'older'")
    assert "has the schema older, and this Kubestats knows" in wrong(clone, "HEAD~1..HEAD", "--against", str(other))
    other.write_bytes(b"no database")
    assert "is not a file that Kubestats published" in wrong(clone, "HEAD~1..HEAD", "--against", str(other))


def test_settings_of_the_clone_are_not_read_where_a_file_is_named(tmp_path: Path, file: Path):
    """A pull request may bring a kubestats.yaml, and must not decide about the job that reviews it."""
    bare = clone_of(tmp_path, files_of("6.5.0", "1.0.0"), files_of("6.6.0", "2.0.0") | {"kubestats.yaml": "wrong: 1"})
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", bare.url, str(work)], check=True)
    done = review(work, "HEAD~1..HEAD", "--against", os.path.relpath(file, work), cwd=work)
    assert done.returncode == 0, done.stderr


def test_the_corpus_of_real_repositories_is_reviewed_without_a_trace(
    tmp_path: Path, file: Path, sample_repositories: Path
):
    found = sorted(sample_repositories.glob("*/*.git"))
    assert found
    for path in found:
        repository = GitRepository.__new__(GitRepository)
        repository.path, repository.time = path, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        first = repository.git("rev-list", "--max-parents=0", "HEAD").splitlines()[0]
        done = review(path, f"{first}..HEAD", "--against", str(file))
        assert (done.returncode, done.stderr) == (0, ""), path
