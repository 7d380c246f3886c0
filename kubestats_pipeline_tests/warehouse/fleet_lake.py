"""The small lake, whose alice/home also tells what its two clusters run: production, and staging that is ahead.

Both run plex, production also the OCIRepository of its chart and a release `made` that a generator makes. They ran
`tried` for a day. Nothing applies sonarr. Of mystery the repository does not tell it.
"""

import datetime
from pathlib import Path
from typing import Any

import polars as pl

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.tables import APPLIED_EVENTS, APPLIED_RESOURCES, HELM_VALUES, RESOURCES
from kubestats_pipeline_tests.warehouse.small_lake import APP_TEMPLATE, day, image, setting, write_small_lake

Row = dict[str, Any]
Step = tuple[str, datetime.datetime, str | None]

PROD, STAGING = "clusters/prod/apps.yaml", "clusters/staging/apps.yaml"
IS_APPLIED = {"plex": True, "app-template": True, "sonarr": False, "old-sonarr": False, "mystery": None}


def applied_id(cluster: str, name: str) -> str:
    return f"{cluster.split('/')[1]}-{name}"


def applied(cluster: str, name: str, document: str | None, **changes: Any) -> Row:
    """What rows of an object and of its events have in common."""
    row = dict.fromkeys(APPLIED_RESOURCES.column_names)
    return {
        **row,
        **APP_TEMPLATE,
        "applied_id": applied_id(cluster, name),
        "repository_id": "github:1",
        "full_name": "alice/home",
        "resource_id": document,
        "cluster": cluster,
        "applied_by": "Kustomization/flux-system/apps",
        "applied_path": "apps",
        "api_version": "v2",
        "name": name,
        "namespace": "media",
        "app_name": name,
        "images": [],
        "is_complete": True,
        "context": "active",
        **changes,
    }


SOURCE = {"api_group": "source.toolkit.fluxcd.io", "kind": "OCIRepository", "resolution": "not_applicable"}
OBJECTS: list[tuple[Row, list[Step]]] = [
    (
        applied(PROD, "plex", "1-plex", images=[image("ghcr.io/home/plex", "1.40")]),
        [("CREATED", day(3, 1), "3.0.0"), ("MODIFIED", day(3, 5), "3.1.0")],
    ),
    (
        applied(STAGING, "plex", "1-plex", images=[image("ghcr.io/home/plex", "1.41")]),
        [("CREATED", day(3, 4), "3.1.0"), ("MODIFIED", day(3, 6), "4.0.0")],
    ),
    (applied(PROD, "app-template", "1-app-template", **SOURCE), [("CREATED", day(3, 1), "3.0.0")]),
    (applied(PROD, "made", None), [("CREATED", day(3, 6), "3.0.0")]),
    (applied(PROD, "tried", None), [("CREATED", day(3, 2), "1.0.0"), ("DELETED", day(3, 3), None)]),
]
SERVICE = applied(
    PROD,
    "plex-web",
    None,
    **dict.fromkeys(("chart_name", "chart_url", "chart_kind", "app_name")),
    api_group="",
    kind="Service",
    resolution="not_applicable",
    content_hash="service",
    created_at=day(3, 1),
    updated_at=day(3, 1),
)
"""An object without chart, source and images, which has no events."""


def write_fleet_lake(folder: Path) -> Lake:
    """The lake."""
    lake = write_small_lake(folder)
    documents = lake.read(RESOURCES, "alice/home")
    assert documents is not None
    told = documents.rows["name"].replace_strict(IS_APPLIED, return_dtype=pl.Boolean)
    lake.write(RESOURCES, "alice/home", documents.rows.with_columns(told.alias("is_applied")))
    steps = sorted(
        (
            (at, number, event_type, version)
            for number, (_, own) in enumerate(OBJECTS)
            for event_type, at, version in own
        ),
        key=lambda step: step[:2],
    )
    last: dict[int, Row] = {}
    log = []
    for sequence, (at, number, event_type, version) in enumerate(steps):
        before = last.get(number, {}).get("version_after")
        state = {**OBJECTS[number][0], "content_hash": f"{number} {version or before}"}
        last[number] = {
            **{name: state.get(name) for name in APPLIED_EVENTS.column_names},
            "event_id": f"applied-{sequence}",
            "sequence": sequence,
            "event_type": event_type,
            "event_timestamp": at,
            "commit_sha": f"c{sequence}",
            "author_kind": "human",
            "version_before": before,
            "version_after": version,
            "changes_detected": [],
        }
        log.append(last[number])
    lake.write(APPLIED_EVENTS, "alice/home", log)
    rows = [_row(number, event) for number, event in last.items() if event["event_type"] != "DELETED"]
    lake.write(APPLIED_RESOURCES, "alice/home", [SERVICE, *rows])
    own = [
        {
            **setting(1, "alice/home", "plex", "controllers.plex.replicas", count),
            "applied_id": applied_id(cluster, "plex"),
        }
        for cluster, count in ((PROD, 2), (STAGING, 1))
    ]
    lake.write(HELM_VALUES, "alice/home", [*own, setting(1, "alice/home", "sonarr", "replicas", 1)])
    return lake


def _row(number: int, event: Row) -> Row:
    columns = {name: event.get(name) for name in APPLIED_RESOURCES.column_names}
    times = {"created_at": OBJECTS[number][1][0][1], "updated_at": event["event_timestamp"]}
    return {**columns, **times, "version": event["version_after"]}
