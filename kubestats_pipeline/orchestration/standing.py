"""Decides if the published file, its checks and its pages still stand, so that a publication would bring nothing new.

The schedule, the sensor and the command line ask before they start `publish_warehouse`. A run of the job itself always
publishes, so that one started by hand in the UI is the way to force it.
"""

import datetime

import dagster as dg

from kubestats_pipeline.orchestration.assets.report import link_to_pages
from kubestats_pipeline.orchestration.base.context import Services
from kubestats_pipeline.orchestration.checks import CHECK_KEYS
from kubestats_pipeline.warehouse.basis import confirm_basis, is_current

NOTHING_NEW = "nothing new to publish: the published file holds what the lake holds"


def find_standing(services: Services, instance: dg.DagsterInstance) -> list[dg.AssetCheckEvaluation] | None:
    """The findings of the checks of the published file, or None if it must be published anew.

    That is so where something failed or was broken off after the last build, or is missing, and where the lake, the
    code or a setting has changed since. Columns that say when somebody last looked may change for some hours.
    """
    published, made = _latest(instance, "warehouse"), _latest(instance, "report")
    if published is None or made is None or made.timestamp < published.timestamp:
        return None
    found = _evaluations(instance, published.timestamp)
    if len(found) < len(CHECK_KEYS) or not _has_pages(services, made):
        return None
    if not is_current(services.pulled_lake(), services.settings.publish_values, datetime.datetime.now(datetime.UTC)):
        return None
    confirm_basis(services.lake)
    return found


def _has_pages(services: Services, made: dg.EventLogEntry) -> bool:
    """True if the pages are there and were made for the address at which they are published."""
    link = made.asset_materialization.metadata.get("link") if made.asset_materialization else None
    is_there = (services.lake.layout.report / "index.html").is_file()
    return is_there and link == dg.MetadataValue.url(link_to_pages(services.settings))


def _latest(instance: dg.DagsterInstance, asset: str) -> dg.EventLogEntry | None:
    return instance.get_latest_materialization_event(dg.AssetKey(asset))


def _evaluations(instance: dg.DagsterInstance, since: float) -> list[dg.AssetCheckEvaluation]:
    """The latest result of each check since a moment. One that was only planned, or broke off, has none."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(CHECK_KEYS).values()
    events = [record.event for record in records if record.event and record.event.timestamp >= since]
    return [
        event.dagster_event.asset_check_evaluation_data
        for event in events
        if event.dagster_event and event.dagster_event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ]
