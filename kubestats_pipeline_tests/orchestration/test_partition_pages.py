"""The pages of partitions: a repository that never could be fetched says why, and each number of a day plots."""

from pathlib import Path

import dagster as dg

from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import ECOSYSTEM_STATS
from kubestats_pipeline.orchestration import jobs
from kubestats_pipeline.orchestration.assembly import build_definitions
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.base.dagster_home import open_instance
from kubestats_pipeline.orchestration.base.partitions import day_key, repository_partitions
from kubestats_pipeline.orchestration.cycle import Runner
from kubestats_pipeline_tests.builders import settings_for
from kubestats_pipeline_tests.orchestration.test_batches import MATERIALIZED, NOW, Installation, records_of


def discover_and_sync(services: Services, instance: dg.DagsterInstance) -> None:
    runner = Runner(build_definitions(services, headless=True), instance)
    runner.run(jobs.discover_repositories, "discover", {"sources": []})
    runner.run(jobs.sync_repositories, "sync", {"repositories": list(services.repositories())})


def test_a_repository_that_never_could_be_fetched_is_not_missing_and_says_why(tmp_path: Path):
    settings = settings_for(tmp_path, repositories=["http://127.0.0.1:9/ann/lost"])
    services = Services(settings, now=lambda: NOW)
    with open_instance(Layout(settings.data_dir)) as instance:
        discover_and_sync(services, instance)
        statuses = instance.get_status_by_partition(
            dg.AssetKey("snapshots"), ["127.0.0.1/ann/lost"], repository_partitions
        )
        assert [status.value for status in (statuses or {}).values() if status] == [MATERIALIZED]
        (record,) = instance.fetch_materializations(dg.AssetKey("snapshots"), limit=5).records
        told = record.asset_materialization.metadata
        assert told["reason"].value.startswith("git could not read http://127.0.0.1:9/ann/lost")
        assert told["next_attempt"].value > NOW.timestamp()
        discover_and_sync(services, instance)
        assert len(instance.fetch_materializations(dg.AssetKey("snapshots"), limit=5).records) == 1


def test_the_days_of_the_statistics_are_those_with_data_and_their_numbers_plot(tmp_path: Path):
    installation = Installation(tmp_path)
    with installation.instance as instance:
        installation.cycle()
        rows = {day_key(row["date"]): row for row in installation.lake.read_all(ECOSYSTEM_STATS).iter_rows(named=True)}
        assert list(instance.get_dynamic_partitions("statistics_day")) == sorted(rows)
        told = {record.partition_key: record for record in records_of(instance, "ecosystem_stats")}
        assert set(told) == set(rows)
        for day, record in told.items():
            numbers = {name: value.value for name, value in record.asset_materialization.metadata.items()}
            assert numbers["active_resources"] == rows[day]["active_resources"]
            assert numbers["total_repositories"] == rows[day]["total_repositories"]
