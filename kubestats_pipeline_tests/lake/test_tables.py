"""The table contracts keep their own conventions, and hold at least the names that users were promised."""

import itertools
import re
from typing import Literal, get_args, get_origin

import pytest

from kubestats_pipeline.lake import vocabulary
from kubestats_pipeline.lake.contract import Column, Table, Type
from kubestats_pipeline.lake.tables import TABLES
from kubestats_pipeline.scan.documents.file import PROBLEMS

PROMISED = {
    "repositories": """repository_id host full_name owner name clone_url html_url description language topics
        license_name default_branch is_archived is_fork is_template created_at pushed_at discovery_tags discovered_at
        last_seen_at retired_at status status_reason retired_because""",
    "repository_metrics": """repository_id date recorded_at stars_count forks_count watchers_count open_issues_count
        size_kb updated_at pushed_at""",
    "snapshots": """repository_id full_name default_branch head_commit head_committed_at history_since sync_status
        sync_error size_limit_mb last_sync_at consecutive_failures next_attempt_at sync_run_id""",
    "scans": """repository_id full_name scan_status scan_error scanned_commit last_scan_at resources_count events_count
        problems_count gitops_engine sync_run_id""",
    "resources": """resource_id repository_id full_name api_group api_version kind name namespace declared_namespace
        file_path content_hash version chart_name chart_url chart_kind app_name images context resolution is_applied
        status created_at updated_at deleted_at created_commit updated_commit data""",
    "applied_resources": """applied_id repository_id full_name resource_id cluster applied_by applied_path api_group
        api_version kind name namespace version version_tag chart_name chart_url chart_kind app_name images content_hash
        resolution resolution_reason is_complete context created_at updated_at""",
    "helm_values": """repository_id full_name resource_id applied_id path value_type value origin""",
    "resource_events": """event_id resource_id repository_id full_name event_type event_timestamp commit_sha
        commit_subject author_kind resource_kind resource_api_version resource_name resource_namespace file_path
        previous_file_path file_hash_before file_hash_after version_before version_after changes_detected field_changes
        resource_data sync_run_id""",
    "applied_events": """event_id applied_id repository_id full_name sequence event_type event_timestamp commit_sha
        author_kind resource_id cluster applied_by applied_path api_group api_version kind name namespace version_before
        version_after version_tag chart_name chart_url chart_kind app_name images content_hash resolution is_complete
        context changes_detected sync_run_id""",
    "scan_problems": """repository_id full_name file_path document_index problem message commit_sha first_seen_at""",
    "ecosystem_stats": """date total_repositories active_repositories repositories_with_resources total_resources
        active_resources total_resource_events daily_created_resources daily_modified_resources daily_deleted_resources
        resource_type_breakdown popular_helm_charts language_breakdown popular_topics total_stars total_forks
        total_watchers total_open_issues repository_growth resource_growth star_growth""",
}
"""The names that other people's queries rely on; columns may be added, none may go."""

KEYS = {
    "repositories": ("repository_id",),
    "repository_metrics": ("repository_id", "date"),
    "snapshots": ("repository_id",),
    "scans": ("repository_id",),
    "resources": ("resource_id",),
    "applied_resources": ("applied_id",),
    "helm_values": ("resource_id", "applied_id", "path"),
    "resource_events": ("event_id",),
    "applied_events": ("event_id",),
    "scan_problems": ("repository_id", "file_path", "problem"),
    "ecosystem_stats": ("date",),
}

COLUMNS = [(table, column) for table in TABLES.values() for column in table.columns]
each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
each_column = pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{t.name}.{c.name}" for t, c in COLUMNS])


def test_the_promised_tables_are_there_in_the_order_of_the_flow():
    assert list(TABLES) == list(PROMISED)
    assert [stage for stage, _ in itertools.groupby(table.stage for table in TABLES.values())] == [
        "discover",
        "sync",
        "scan",
        "warehouse",
    ]


@each_table
def test_a_table_has_its_promised_columns_and_key(table: Table):
    assert set(PROMISED[table.name].split()) <= set(table.column_names)
    assert table.key == KEYS[table.name]


@each_table
def test_keys_and_order_are_made_of_columns_that_are_never_null(table: Table):
    required = {column.name for column in table.columns if not column.nullable}
    assert table.key
    assert set(table.key) <= required
    assert set(table.sort) <= required


@each_table
def test_a_partition_of_several_rows_has_an_order_so_that_equal_rows_give_equal_files(table: Table):
    one_row_each = table.name in ("snapshots", "scans")
    assert bool(table.sort) is not one_row_each


@each_table
def test_a_table_says_what_one_row_is(table: Table):
    assert re.fullmatch(r"one row per \S.*[^.]", table.grain)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", table.name)
    assert len(set(table.column_names)) == len(table.columns)


@each_column
def test_a_column_has_a_snake_case_name_and_a_meaning(table: Table, column: Column):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", column.name)
    assert re.fullmatch(r"\S.*[^.\s]", column.meaning)
    first = column.meaning.split()[0]
    assert first[0].islower() or not first[0].isalpha() or first.isupper() or first in ABBREVIATIONS, column.meaning


ABBREVIATIONS = {"API", "SPDX"}


@each_column
def test_names_tell_types(table: Table, column: Column):
    if column.name.endswith(("_at", "_timestamp", "_since")):
        assert column.type is Type.TIME
    if column.name.endswith("_count") or column.name.startswith(("total_", "daily_")):
        assert column.type is Type.INTEGER
    if column.name.startswith("is_"):
        assert column.type is Type.BOOLEAN
    if column.name == "date":
        assert column.type is Type.DATE


def test_a_column_that_several_tables_share_has_one_type():
    types = {(column.name, column.type) for _, column in COLUMNS}
    assert len(types) == len({name for name, _ in types})


VOCABULARIES = {
    ("repositories", "status"): vocabulary.RepositoryStatus,
    ("repositories", "retired_because"): vocabulary.RetiredBecause,
    ("snapshots", "sync_status"): vocabulary.SyncStatus,
    ("scans", "scan_status"): vocabulary.ScanStatus,
    ("scans", "gitops_engine"): vocabulary.GitOpsEngine,
    ("resources", "status"): vocabulary.ResourceStatus,
    ("resources", "context"): vocabulary.Context,
    ("resources", "resolution"): vocabulary.Resolution,
    ("resources", "chart_kind"): vocabulary.ChartKind,
    ("resources", "images"): vocabulary.ImageRole,
    ("helm_values", "value_type"): vocabulary.ValueType,
    ("resource_events", "event_type"): vocabulary.EventType,
    ("resource_events", "author_kind"): vocabulary.AuthorKind,
    ("applied_resources", "chart_kind"): vocabulary.ChartKind,
    ("applied_resources", "resolution"): vocabulary.Resolution,
    ("applied_resources", "context"): vocabulary.Context,
    ("applied_events", "event_type"): vocabulary.AppliedEventType,
    ("applied_events", "author_kind"): vocabulary.AuthorKind,
    ("scan_problems", "problem"): vocabulary.ProblemClass,
}


@pytest.mark.parametrize(("table", "column"), VOCABULARIES)
def test_a_column_of_a_closed_vocabulary_names_every_value_in_its_sentence(table: str, column: str):
    (meaning,) = (found.meaning for found in TABLES[table].columns if found.name == column)
    missing = [value for value in get_args(VOCABULARIES[table, column]) if not re.search(rf"\b{value}\b", meaning)]
    assert missing == []


def test_every_vocabulary_belongs_to_a_column():
    declared = {value for value in vars(vocabulary).values() if get_origin(value) is Literal}
    assert declared == {*VOCABULARIES.values(), vocabulary.UnreadProblem}


def test_the_problems_of_a_file_are_recorded_in_the_classes_that_the_table_names():
    assert {*PROBLEMS} == {*get_args(vocabulary.ProblemClass)}
