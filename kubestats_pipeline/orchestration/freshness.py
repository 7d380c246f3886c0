"""Freshness policies: how long an asset may stay without a new materialization before Dagster calls it overdue.

Dagster's daemon evaluates them and the pages of the assets show the outcome. Only assets that are renewed whether
anything has changed have one. The checks (`checks.py`) look at the age of the content of the published file instead,
also where no daemon runs.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from kubestats_pipeline.setting_sections import AutomationSettings

LONGEST_AGE = datetime.timedelta(days=1)
"""When nothing has happened for so long, or for three times the cadence where that is longer, somebody should look."""

RENEWED: Mapping[str, str | None] = {
    "discovery_runs": "discover_minutes",
    "sync_runs": "sync_minutes",
    "scan_runs": "scan_minutes",
    "ecosystem_stats": None,
    "warehouse": "publish_minutes",
    "report": "publish_minutes",
}
"""Each asset with the setting that says how often it is renewed. None for once a day, as the statistics are, with which
the published file changes."""


def longest_age(cadence: AutomationSettings, setting: str | None) -> datetime.timedelta:
    """The age from which something is overdue that is renewed as often as a setting says."""
    minutes = getattr(cadence, setting) if setting else 0
    return max(LONGEST_AGE, datetime.timedelta(minutes=3 * minutes))


def with_freshness(assets: Sequence[Any], cadence: AutomationSettings) -> list[Any]:
    """The assets with their policies. One whose schedule is switched off has none."""

    def add(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.to_user_string()
        setting = RENEWED.get(name)
        if name not in RENEWED or (setting and not getattr(cadence, setting)):
            return spec
        age = longest_age(cadence, setting)
        policy = dg.FreshnessPolicy.time_window(fail_window=2 * age, warn_window=age)
        return spec.replace_attributes(freshness_policy=policy)

    return list(dg.map_asset_specs(add, assets))
