"""Building the sample: the same commits everywhere, nothing done twice, nothing left half done."""

from pathlib import Path

import pytest

from kubestats_pipeline.git import command as git
from kubestats_pipeline.git.command import GitError
from kubestats_pipeline.sample import build
from kubestats_pipeline.sample.build import FINGERPRINT, SAMPLE_REPOSITORIES, build_sample
from kubestats_pipeline.sample.clusters.story import Delete, Person, ReplaceText, Story, StoryError, commit, write
from kubestats_pipeline.sample.stream import fast_import_stream

ANYONE = Person("Any One", "anyone@example.com")


def heads(paths: list[Path]) -> list[str]:
    return [git.run(["rev-parse", "main"], directory=path).decode().strip() for path in paths]


def modification_times(directory: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*")}


def test_the_repositories_lie_at_owner_and_name_in_the_order_of_their_stories(tmp_path):
    assert build_sample(tmp_path) == [tmp_path / f"{name}.git" for name in SAMPLE_REPOSITORIES]
    assert len(set(SAMPLE_REPOSITORIES)) == 6


def test_two_folders_get_the_same_heads(tmp_path):
    assert heads(build_sample(tmp_path / "a")) == heads(build_sample(tmp_path / "b"))


def test_heads_do_not_depend_on_the_users_git_configuration_or_time_zone(tmp_path, monkeypatch):
    expected = heads(build_sample(tmp_path / "plain"))
    (tmp_path / ".gitconfig").write_text(
        "[user]\nname = Someone\n[init]\ndefaultBranch = trunk\n[core]\nautocrlf = true\n[commit]\ngpgSign = true\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    assert heads(build_sample(tmp_path / "configured")) == expected


def test_a_second_call_touches_no_file(tmp_path):
    build_sample(tmp_path)
    before = modification_times(tmp_path)
    build_sample(tmp_path)
    assert modification_times(tmp_path) == before


def test_a_run_stopped_while_importing_is_healed_by_the_next(tmp_path, monkeypatch):
    expected = heads(build_sample(tmp_path / "undisturbed"))

    def stopped(path: Path, stream: bytes) -> None:
        git.run(["init", "--quiet", "--bare", str(path)])
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "_import", stopped)
    with pytest.raises(KeyboardInterrupt):
        build_sample(tmp_path / "disturbed")
    monkeypatch.undo()

    assert not (tmp_path / "disturbed" / f"{SAMPLE_REPOSITORIES[0]}.git").exists()
    paths = build_sample(tmp_path / "disturbed")
    assert heads(paths) == expected
    assert {file.name for path in paths for file in path.parent.iterdir()} == {path.name for path in paths}


def test_a_run_stopped_between_two_repositories_is_completed(tmp_path):
    paths = build_sample(tmp_path)
    expected = heads(paths)
    paths[3].rename(paths[3].with_name(f".{paths[3].name}.outdated"))  # stopped between the two renames
    assert heads(build_sample(tmp_path)) == expected
    assert [file.name for file in paths[3].parent.iterdir()] == [paths[3].name]


def test_a_run_stopped_after_the_last_rename_leaves_nothing_to_the_next(tmp_path):
    paths = build_sample(tmp_path)
    paths[3].with_name(f".{paths[3].name}.outdated").mkdir()
    build_sample(tmp_path)
    assert [file.name for file in paths[3].parent.iterdir()] == [paths[3].name]


def test_what_an_older_version_of_the_package_built_is_replaced(tmp_path):
    paths = build_sample(tmp_path)
    expected = heads(paths)
    (paths[0] / FINGERPRINT).write_text("an older story")
    git.run(["update-ref", "refs/heads/main", "main~5"], directory=paths[0])
    assert heads(build_sample(tmp_path)) == expected


def test_a_strangers_repository_in_the_way_is_left_alone_and_named(tmp_path):
    stranger = tmp_path / f"{SAMPLE_REPOSITORIES[0]}.git"
    stranger.mkdir(parents=True)
    (stranger / "precious").write_text("data")
    with pytest.raises(FileExistsError, match="is not a sample repository"):
        build_sample(tmp_path)
    assert (stranger / "precious").read_text() == "data"


def test_without_git_the_error_says_how_to_get_it_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="install it"):
        build_sample(tmp_path / "sample")
    assert not list((tmp_path / "sample").rglob("*.git"))


def test_git_finds_nothing_wrong_with_any_repository(tmp_path):
    for path in build_sample(tmp_path):
        assert git.run(["fsck", "--strict", "--full"], directory=path) == b""


def test_a_mirror_can_leave_large_files_out(tmp_path):
    path = build_sample(tmp_path / "sample")[0]
    mirror = tmp_path / "mirror.git"
    git.run(["clone", "--quiet", "--bare", "--filter=blob:limit=200", f"file://{path}", str(mirror)])
    missing = git.run(["rev-list", "--objects", "--missing=print", "main"], directory=mirror).decode().splitlines()
    assert [line for line in missing if line.startswith("?")]


@pytest.mark.parametrize(
    "change", [ReplaceText("a.yaml", "not there", ""), ReplaceText("b.yaml", "a", "b"), Delete("b.yaml")]
)
def test_a_change_that_does_not_fit_its_tree_is_refused(change):
    steps = (
        commit("2026-05-01 10:00", ANYONE, "one", write("a.yaml", "a: 1\n")),
        commit("2026-05-02 10:00", ANYONE, "two", change),
    )
    with pytest.raises(StoryError):
        fast_import_stream(Story("any/one", "nothing", steps))


def test_a_stream_that_was_cut_short_makes_no_repository(tmp_path):
    story = Story("any/one", "", (commit("2026-05-01 10:00", ANYONE, "one", write("a.yaml", "a: 1\n")),))
    with pytest.raises(GitError):
        build._build_repository(tmp_path / "one.git", fast_import_stream(story).removesuffix(b"done\n"))
    assert not (tmp_path / "one.git").exists()
