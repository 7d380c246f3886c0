"""The groups of marts in the UI: by what a row is about, so that the graph of each fits a screen."""

from collections.abc import Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "marts_adoption": (
        "migrations",
        "replacements",
        "survival",
        "survival_curves",
        "tenures",
        "weekly_adoption",
    ),
    "marts_base": (
        "chart_families",
        "chart_mirrors",
        "image_renames",
        "reference_moment",
        "repository_digests",
        "repository_logs",
    ),
    "marts_charts": (
        "chart_drift",
        "chart_popularity",
        "chart_versions",
        "family_popularity",
        "monthly_versions",
        "releases",
    ),
    "marts_ecosystem": (
        "daily_event_counts",
        "ecosystem_growth",
        "ecosystem_totals",
        "languages",
        "monthly_authors",
        "secrets_practice",
        "topics",
    ),
    "marts_images": (
        "app_pairs",
        "image_usage",
        "image_uses",
        "monthly_registries",
    ),
    "marts_quality": (
        "repository_quality",
        "table_figures",
        "unresolved_reasons",
    ),
    "marts_reception": (
        "version_confidence",
        "version_holds",
        "version_reception",
        "version_spells",
    ),
    "marts_repositories": (
        "daily_repository_metrics",
        "event_overview",
        "latest_metrics",
        "repository_activity",
        "repository_authors",
        "repository_overview",
        "repository_status",
    ),
    "marts_resources": (
        "kinds",
        "resource_groups",
        "resource_overview",
        "resource_spans",
        "resource_uses",
        "use_spans",
    ),
    "marts_settings": (
        "family_values",
        "setting_uses",
        "setting_values",
        "value_popularity",
    ),
    "marts_versions": (
        "family_versions",
        "upgrade_delays",
        "version_changes",
        "version_lag",
        "version_sightings",
        "version_steps",
    ),
}
"""The marts of each group."""

GROUP_OF: Mapping[str, str] = {name: group for group, names in GROUPS.items() for name in names}
"""The group of each mart."""
