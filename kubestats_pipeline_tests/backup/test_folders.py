"""A backup is a folder that is whole or does not count, and a restore writes everything or nothing."""

import functools
import hashlib
import itertools
import json
import os
import shutil
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from kubestats_pipeline.backup.inventory import INVENTORY, BackupError, complete_backups, read_inventory
from kubestats_pipeline.backup.kept import kept_places, made_places
from kubestats_pipeline.backup.restore import verify
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import REPOSITORIES
from kubestats_pipeline.scan.store.scanner_version import SCANNER_VERSION
from kubestats_pipeline_tests.backup.installations import TIMES, back_up, everything, kept, put_back, restore
from kubestats_pipeline_tests.scan.store.test_crash import IMPATIENCE_SECONDS, SPAWN, die_at
from kubestats_pipeline_tests.warehouse.small_lake import write_small_lake

KILLS = (0, 1, 2, 4, 8, 30, 45, 60)
"""Numbers of calls that change the disk, before which a process dies. A backup and a restore have more than these."""

TOKEN = "github: {token: one-that-nobody-else-may-read}\n"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An installation with everything that is kept, and much that is not."""
    layout = write_small_lake(tmp_path / "running").layout
    (layout.data_dir.parent / "kubestats.yaml").write_text(TOKEN)
    layout.decisions.write_text("blocked: [ada/ops]\n")
    layout.dagster_configuration.parent.mkdir()
    layout.dagster_configuration.write_text("# mine\n")
    archive = layout.archive("events", "github:1")
    (archive / "before=2026-01-01").mkdir(parents=True)  # a boundary before which nothing was
    (archive / "before=2026-02-01").mkdir()
    (archive / "before=2026-02-01" / "part-000000000000.parquet").write_bytes(b"rows")
    for cache in (layout.warehouse, layout.mirrors / "a.git" / "HEAD", layout.http / "b", layout.dagster_home / "c.db"):
        cache.parent.mkdir(exist_ok=True, parents=True)
        cache.write_text("can be made again")
    (layout.lake / ".part.parquet.1.tmp").write_text("half written")
    return layout


def shown(call: Callable[[], object]) -> str:
    """The one line that says why something is refused."""
    with pytest.raises(BackupError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_place_below_the_data_directory_is_kept_or_can_be_made_again() -> None:
    """A new one is to be thought about: perhaps nothing else knows what it holds."""
    layout = Layout(Path("/data"))
    again = {*made_places(layout), layout.mirrors, layout.http, layout.sample}
    locks = {layout.restore_lock, layout.register_lock, layout.redaction_lock, layout.told_lock}
    passing = {layout.restoring, layout.restored, *locks}
    properties = [name for name, value in vars(Layout).items() if isinstance(value, property)]
    places = {getattr(layout, name) for name in properties}
    inside = {place for place in places if any(kept in place.parents for kept in kept_places(layout))}
    assert places == {*kept_places(layout), *again, *passing, *inside}


def test_what_is_known_comes_back_and_nothing_else(layout: Layout, tmp_path: Path) -> None:
    made = back_up(layout, tmp_path / "target")
    restored, new = put_back(made.folder, tmp_path / "new")
    expected = kept(layout)
    del expected["lake/.part.parquet.1.tmp"]
    assert kept(new) == expected
    assert "archive/events/repository_id=github%3A1/before=2026-01-01" in expected
    assert {path.name for path in new.data_dir.iterdir()} == {"archive", "dagster", "decisions.yaml", "lake", "locks"}
    assert [path.name for path in new.dagster_home.iterdir()] == ["dagster.yaml"]
    assert restored.has_written_config


def test_nobody_else_reads_the_token_in_a_backup_or_after_it(layout: Layout, tmp_path: Path) -> None:
    made = back_up(layout, tmp_path / "target")
    restore(made.folder, tmp_path / "new")
    assert (tmp_path / "new" / "kubestats.yaml").read_text() == TOKEN
    private = [*(path for path in made.folder.rglob("*") if path.is_file()), tmp_path / "new" / "kubestats.yaml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700


def test_settings_that_are_there_stay(layout: Layout, tmp_path: Path) -> None:
    made = back_up(layout, tmp_path / "target")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "kubestats.yaml").write_text("repositories: []\n")
    restored, _ = put_back(made.folder, tmp_path / "new")
    assert not restored.has_written_config
    assert (tmp_path / "new" / "kubestats.yaml").read_text() == "repositories: []\n"


def test_settings_that_keep_the_data_elsewhere_are_asked_for_first(layout: Layout, tmp_path: Path) -> None:
    (layout.data_dir.parent / "kubestats.yaml").write_text("data_dir: /srv/elsewhere\n")
    made = back_up(layout, tmp_path / "target")
    said = shown(lambda: restore(made.folder, tmp_path / "new"))
    assert f"Run `install -m 600 {made.folder}/kubestats.yaml {tmp_path}/new/kubestats.yaml` and restore again" in said
    assert everything(tmp_path / "new") == {}


def test_a_second_backup_shares_what_has_not_changed_and_is_whole_by_itself(layout: Layout, tmp_path: Path) -> None:
    first = back_up(layout, tmp_path / "target", at=TIMES[0])
    layout.decisions.write_text("blocked: [eve/new]\n")
    second = back_up(layout, tmp_path / "target", at=TIMES[1])
    assert second.linked == len(second.inventory.files) - 1
    inodes = [(made.folder / "data/lake/repositories/part.parquet").stat().st_ino for made in (first, second)]
    assert inodes[0] == inodes[1]
    shutil.rmtree(first.folder)
    assert kept(restore(tmp_path / "target", tmp_path / "new"))["decisions.yaml"] == kept(layout)["decisions.yaml"]


def test_a_file_of_the_last_backup_that_was_damaged_since_is_copied_again(layout: Layout, tmp_path: Path) -> None:
    first = back_up(layout, tmp_path / "target", at=TIMES[0])
    (first.folder / "data/decisions.yaml").write_text("blocked: [ada/xxx]\n")
    second = back_up(layout, tmp_path / "target", at=TIMES[1])
    verify(second.folder, second.inventory)
    assert second.linked == len(second.inventory.files) - 1


def test_only_so_many_of_the_newest_are_kept_and_a_clock_set_back_makes_no_older_one(
    layout: Layout, tmp_path: Path
) -> None:
    for at in (TIMES[3], TIMES[4], TIMES[0]):
        made = back_up(layout, tmp_path / "target", at=at, keep=2)
    assert made.removed == 1
    assert [path.name for path in complete_backups(tmp_path / "target")] == [
        TIMES[4].strftime("%Y-%m-%dT%H-%M-%SZ"),
        TIMES[4].strftime("%Y-%m-%dT%H-%M-01Z"),
    ]
    assert made.folder == complete_backups(tmp_path / "target")[-1]


def test_a_wrong_target_is_refused(layout: Layout, tmp_path: Path) -> None:
    made = back_up(layout, tmp_path / "target")
    (tmp_path / "link").symlink_to(layout.data_dir)
    for inside in (layout.data_dir, layout.data_dir / "backup", tmp_path / "link" / "backup"):
        assert "lies in the data directory" in shown(functools.partial(back_up, layout, inside))
    assert f"Give the folder that it is in, {made.folder.parent}" in shown(lambda: back_up(layout, made.folder))
    below_a_file = layout.decisions.parent.parent / "kubestats.yaml" / "x"
    assert "is a file, or lies below one" in shown(lambda: back_up(layout, below_a_file))
    empty = Layout(tmp_path / "empty")
    assert "holds nothing yet" in shown(lambda: back_up(empty, tmp_path / "other"))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("place", ["lake", "archive", "decisions.yaml", "kubestats.duckdb", "dagster", "report"])
def test_a_data_directory_that_is_in_use_is_refused(layout: Layout, tmp_path: Path, place: str) -> None:
    made = back_up(layout, tmp_path / "target")
    there = tmp_path / "new" / "data" / place
    there.mkdir(parents=True)
    said = shown(lambda: restore(made.folder, tmp_path / "new"))
    assert f"is in use, it has {place}. Move it away as a whole, or set KUBESTATS_DATA_DIR" in said
    assert list((tmp_path / "new" / "data").iterdir()) == [there]


def test_mirrors_and_answers_that_survived_may_stay(layout: Layout, tmp_path: Path) -> None:
    made = back_up(layout, tmp_path / "target")
    for cache in ("git", "http", "locks"):
        (tmp_path / "new" / "data" / cache).mkdir(parents=True)
    (tmp_path / "new" / "data" / "README.md").write_text("of the clone")
    assert (
        kept(restore(made.folder, tmp_path / "new")).items()
        >= {"decisions.yaml": kept(layout)["decisions.yaml"]}.items()
    )


def flip(folder: Path) -> None:
    path = folder / "data/lake/repositories/part.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def tell(folder: Path, **changes: object) -> None:
    """Have the inventory say something else."""
    content = json.loads((folder / INVENTORY).read_text())
    (folder / INVENTORY).write_text(json.dumps({**content, **changes}))


def outside(folder: Path) -> None:
    digest = hashlib.sha256((folder / "kubestats.yaml").read_bytes()).hexdigest()
    size = (folder / "kubestats.yaml").stat().st_size
    tell(folder, files={"data/../../outside": {"size": size, "sha256": digest}})


COLUMNS = list(REPOSITORIES.column_names)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (flip, "files are missing or have changed, among them data/lake/repositories/part.parquet"),
        (lambda folder: (folder / "data/decisions.yaml").unlink(), "among them data/decisions.yaml"),
        (lambda folder: shutil.rmtree(folder / "data"), "Take another backup, or copy this one again"),
        (lambda folder: (folder / INVENTORY).unlink(), "is not a complete backup"),
        (lambda folder: (folder / INVENTORY).write_text('{"format": 1, '), "cannot be read (JSONDecodeError)"),
        (lambda folder: (folder / INVENTORY).write_text("[]"), "cannot be read (AttributeError)"),
        (lambda folder: tell(folder, files=None), "cannot be read (ValidationError)"),
        (outside, "cannot be read (ValidationError)"),
        (lambda folder: tell(folder, format=2, kubestats="9.0"), "newer version of Kubestats (9.0, by its format)"),
        (lambda folder: tell(folder, scanner=int(SCANNER_VERSION) + 1), "by its scanner). Install that version"),
        (lambda folder: tell(folder, tables={"repositories": [*COLUMNS, "mood"]}), "by its repositories)"),
        (lambda folder: tell(folder, tables={"moods": []} | {"moods": ["mood"]}), "by its moods)"),
    ],
)
def test_a_backup_that_cannot_be_used_is_refused_before_anything_is_written(
    layout: Layout, tmp_path: Path, damage: Callable[[Path], object], says: str
) -> None:
    made = back_up(layout, tmp_path / "target")
    damage(made.folder)
    assert says in shown(lambda: restore(made.folder, tmp_path / "new"))
    assert list((tmp_path / "new").iterdir()) == []


def in_child(work: Callable[[Path, int], None], folder: Path, dies_at: int) -> int | None:
    """Do something in a process that dies at its call number `dies_at` that changes the disk; gives its exit status."""
    child = SPAWN.Process(target=work, args=(folder, dies_at))
    child.start()
    child.join(IMPATIENCE_SECONDS)
    return child.exitcode


def back_up_and_die(folder: Path, dies_at: int) -> None:
    os.fsync = lambda _: None
    die_at(dies_at)
    back_up(Layout(folder / "running" / "data"), folder / "target", at=TIMES[1], keep=1)


def restore_and_die(folder: Path, dies_at: int) -> None:
    os.fsync = lambda _: None
    die_at(dies_at)
    restore(folder / "target", folder / "new")


@pytest.mark.parametrize("dies_at", KILLS)
def test_a_backup_that_is_killed_at_any_moment_leaves_whole_ones_alone(
    layout: Layout, tmp_path: Path, dies_at: int
) -> None:
    back_up(layout, tmp_path / "target", at=TIMES[0])
    layout.decisions.write_text("blocked: [eve/new]\n")
    assert in_child(back_up_and_die, tmp_path, dies_at) == -signal.SIGKILL
    there = complete_backups(tmp_path / "target")
    assert there
    for folder in there:
        verify(folder, read_inventory(folder))
    back_up(layout, tmp_path / "target", at=TIMES[2], keep=1)
    (last,) = (path for path in (tmp_path / "target").iterdir() if path.name != "backup.lock")
    verify(last, read_inventory(last))


@pytest.mark.parametrize("dies_at", KILLS)
def test_a_restore_that_is_killed_at_any_moment_is_repeated(layout: Layout, tmp_path: Path, dies_at: int) -> None:
    back_up(layout, tmp_path / "target")
    (layout.lake / ".part.parquet.1.tmp").unlink()
    assert in_child(restore_and_die, tmp_path, dies_at) == -signal.SIGKILL
    new = Layout(tmp_path / "new" / "data")
    if new.lake.exists() and not new.restored.exists():
        assert "is in use, it has lake" in shown(lambda: restore(tmp_path / "target", tmp_path / "new"))
    else:
        restore(tmp_path / "target", tmp_path / "new")
    assert kept(new) == kept(layout)
    assert (tmp_path / "new" / "kubestats.yaml").read_text() == TOKEN
    assert not new.restored.exists()


def test_what_was_made_since_a_restore_was_killed_is_not_overwritten(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(layout, tmp_path / "target")
    new = Layout(tmp_path / "new" / "data")
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, to: interrupt() if path.name == "lake" else rename(path, to))
    with pytest.raises(KeyboardInterrupt):
        restore(tmp_path / "target", tmp_path / "new")
    monkeypatch.setattr(Path, "rename", rename)
    new.lake.mkdir()
    (new.lake / "repositories").write_text("a new lake")
    said = shown(lambda: restore(tmp_path / "target", tmp_path / "new"))
    assert f"{new.lake} was made since a restore was interrupted. Move it away" in said
    shutil.rmtree(new.lake)
    (layout.lake / ".part.parquet.1.tmp").unlink()
    assert put_back(tmp_path / "target", tmp_path / "new")[0].folder is None
    assert kept(new) == kept(layout)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("calls", range(0, 25, 4))
def test_a_full_disk_leaves_no_backup_and_an_empty_data_directory(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    made = back_up(layout, tmp_path / "target", at=TIMES[0])
    places = everything(tmp_path / "target")
    with monkeypatch.context() as patch:
        fill_disk(patch, calls)
        patch.setattr(os, "link", full)
        said = shown(lambda: back_up(layout, tmp_path / "target", at=TIMES[1]))
    assert f"no backup was made in {tmp_path / 'target'}: [Errno 28] No space left on device" in said
    assert everything(tmp_path / "target") == places
    with monkeypatch.context() as patch:
        fill_disk(patch, calls)
        said = shown(lambda: restore(made.folder, tmp_path / "new"))
    assert "No space left on device" in said
    assert "run `kubestats restore` again" in said
    assert set(everything(tmp_path / "new")) <= {"data/locks/restore.lock"}
    restore(made.folder, tmp_path / "new")


def fill_disk(patch: pytest.MonkeyPatch, calls: int) -> None:
    """Let the disk be full after so many files have been flushed to it."""
    left, fsync = itertools.count(calls, -1), os.fsync
    patch.setattr(os, "fsync", lambda descriptor: fsync(descriptor) if next(left) > 0 else full())


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")
