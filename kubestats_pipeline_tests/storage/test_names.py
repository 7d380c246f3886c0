"""All that is known goes to the bucket, and nothing else: each path below the data directory has been thought about."""

from pathlib import Path

from kubestats_pipeline.backup.kept import kept_places
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.relocation import MIRROR
from kubestats_pipeline.lake.tables import SCANS, SNAPSHOTS
from kubestats_pipeline.storage.names import EDITED_BY_HAND, KNOWN_FILES, KNOWN_FOLDERS, PACKED, is_known

LAYOUT = Layout(Path("/data"), "s3://bucket")


def test_what_a_backup_keeps_is_known_apart_from_the_settings_of_a_machine_s_dagster() -> None:
    kept = {LAYOUT.name_of(place) for place in kept_places(LAYOUT)}
    assert {*(name.rstrip("/") for name in KNOWN_FOLDERS), *KNOWN_FILES} == kept - {"dagster/dagster.yaml"}


def test_every_path_is_known_or_belongs_to_one_machine() -> None:
    places = {name: getattr(LAYOUT, name) for name, value in vars(Layout).items() if isinstance(value, property)}
    folders = {LAYOUT.name_of(place): f"{LAYOUT.name_of(place)}/a" for place in places.values()}
    known = {place for place, below in folders.items() if is_known(place) or is_known(below)}
    assert known == {"lake", "lake/redacted_by", "archive", "moving", "decisions.yaml", "watch.told.json"}


def test_files_that_are_just_being_written_and_mirrors_stay_here() -> None:
    assert not is_known("lake/resource_events/repository=a/.part.parquet.1.tmp")
    assert not is_known(f"{LAYOUT.name_of(LAYOUT.moving('github:1'))}/{MIRROR}/HEAD")


def test_the_states_that_every_sweep_replaces_are_packed() -> None:
    assert tuple(f"{LAYOUT.name_of(LAYOUT.table(table.name))}/" for table in (SNAPSHOTS, SCANS)) == PACKED
    assert (LAYOUT.name_of(LAYOUT.decisions),) == EDITED_BY_HAND
