"""A lake of three repositories, small enough to work out every number of the warehouse by hand.

All times are at noon UTC in 2026, written `day(month, day)`. Repository carol/gone was retired on 10 March.
"""

import datetime
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import (
    HELM_VALUES,
    REPOSITORIES,
    REPOSITORY_METRICS,
    RESOURCE_EVENTS,
    RESOURCES,
    SCANS,
    SNAPSHOTS,
)

Row = dict[str, Any]
Step = tuple[str, datetime.datetime, str | None]

APP_TEMPLATE = {
    "api_group": "helm.toolkit.fluxcd.io",
    "kind": "HelmRelease",
    "chart_name": "app-template",
    "chart_url": "oci://ghcr.io/bjw-s/app-template",
    "chart_kind": "oci",
    "resolution": "exact",
}


def day(month: int, number: int) -> datetime.datetime:
    return datetime.datetime(2026, month, number, 12, tzinfo=datetime.UTC)


def image(name: str, tag: str | None) -> Row:
    return {"image": name, "tag": tag, "digest": None, "role": "main"}


def repository(number: int, full_name: str, **changes: object) -> Row:
    owner, name = full_name.split("/")
    row = dict.fromkeys(REPOSITORIES.column_names)
    return {
        **row,
        "repository_id": f"github:{number}",
        "host": "github.com",
        "full_name": full_name,
        "owner": owner,
        "name": name,
        "clone_url": f"https://github.com/{full_name}.git",
        "topics": [],
        "discovery_tags": [],
        "discovered_at": day(3, 1),
        "last_seen_at": day(3, 9),
        "status": "active",
        **changes,
    }


def metrics(number: int, date: datetime.date, **changes: object) -> Row:
    row = dict.fromkeys(REPOSITORY_METRICS.column_names)
    return {**row, "repository_id": f"github:{number}", "date": date, "recorded_at": day(3, date.day), **changes}


def snapshot(number: int, full_name: str, **changes: object) -> Row:
    row = dict.fromkeys(SNAPSHOTS.column_names)
    required = {"sync_status": "synced", "last_sync_at": day(3, 9), "consecutive_failures": 0, "head_commit": "c9"}
    return {**row, "repository_id": f"github:{number}", "full_name": full_name, **required, **changes}


def scan(number: int, full_name: str, **changes: object) -> Row:
    row = dict.fromkeys(SCANS.column_names)
    counts = {"resources_count": 0, "events_count": 0, "problems_count": 0}
    required = {"scan_status": "scanned", "last_scan_at": day(3, 9), "scanned_commit": "c9", **counts}
    return {**row, "repository_id": f"github:{number}", "full_name": full_name, **required, **changes}


def setting(number: int, full_name: str, release: str, path: str, value: object) -> Row:
    """One Helm value of a release; `value` is a text, an integer or a boolean."""
    kind = {str: "string", int: "integer", bool: "boolean"}[type(value)]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    owner = {"repository_id": f"github:{number}", "full_name": full_name, "resource_id": f"{number}-{release}"}
    return {**owner, "applied_id": "", "path": path, "value_type": kind, "value": text, "origin": "inline"}


def content_hash(resource_id: str, version: str | None) -> str:
    return hashlib.sha256(f"{resource_id} {version}".encode()).hexdigest()[:16]


def resource(number: int, full_name: str, name: str, steps: Sequence[Step], **changes: object) -> Row:
    """The row of a resource after its steps."""
    resource_id = f"{number}-{name}"
    event_type, at, _ = steps[-1]
    version = next(version for _, _, version in reversed(steps) if version is not None)
    row = dict.fromkeys(RESOURCES.column_names)
    return {
        **row,
        "resource_id": resource_id,
        "repository_id": f"github:{number}",
        "full_name": full_name,
        "api_group": "apps",
        "api_version": "v1",
        "kind": "Deployment",
        "name": name,
        "file_path": f"apps/{name}.yaml",
        "ordinal": 0,
        "content_hash": content_hash(resource_id, version),
        "version": version,
        "images": [],
        "context": "active",
        "resolution": "not_applicable",
        "status": "DELETED" if event_type == "DELETED" else "ACTIVE",
        "created_at": steps[0][1],
        "updated_at": at,
        "deleted_at": at if event_type == "DELETED" else None,
        "created_commit": "c1",
        "updated_commit": "c9",
        "data": f'{{"kind": "Deployment", "metadata": {{"name": "{name}"}}}}',
        **changes,
    }


CARRIED = ("chart_name", "chart_url", "chart_kind", "app_name", "images", "context", "resolution")
"""What events carry of a resource as it is after them."""


def events(number: int, full_name: str, name: str, row: Row, steps: Sequence[Step], first: int) -> list[Row]:
    """The events of a resource, one a step, whose positions in the log begin with `first`."""
    resource_id = f"{number}-{name}"
    rows: list[Row] = []
    before: str | None = None
    for sequence, (event_type, at, version) in enumerate(steps, first):
        rows.append(
            dict.fromkeys(RESOURCE_EVENTS.column_names)
            | {
                "event_id": f"{resource_id}-{sequence}",
                "resource_id": resource_id,
                "repository_id": f"github:{number}",
                "full_name": full_name,
                "sequence": sequence,
                "event_type": event_type,
                "event_timestamp": at,
                "commit_sha": f"c{sequence}",
                "commit_subject": f"change {name}",
                "author_kind": "human",
                "resource_kind": row["kind"],
                "resource_api_version": f"{row['api_group']}/v1",
                "resource_name": name,
                "resource_namespace": row["namespace"],
                "file_path": f"apps/{name}.yaml",
                "file_hash_before": content_hash(resource_id, before) if before else None,
                "file_hash_after": content_hash(resource_id, version) if version else None,
                "version_before": before,
                "version_after": version,
                "changes_detected": ["version"],
                "field_changes": '[{"path": "spec.version"}]',
                **{column: row[column] for column in CARRIED},
            }
        )
        before = version
    return rows


Story = dict[str, tuple[list[Step], Row]]
"""The resources of a repository by name: the steps of each and the columns in which it differs from a Deployment."""


def write_story(lake: Lake, number: int, full_name: str, story: Story, *, by_time: bool = True) -> None:
    """Write the resources of a repository and its log, in the order of time or of the story."""
    resources: list[Row] = []
    log: list[Row] = []
    for name, (steps, changes) in story.items():
        row = resource(number, full_name, name, steps, **changes)
        resources.append(row)
        log += events(number, full_name, name, row, steps, len(log))
    if by_time:
        log = [{**event, "sequence": sequence} for sequence, event in enumerate(sorted(log, key=_time))]
    lake.write(RESOURCES, full_name, resources)
    lake.write(RESOURCE_EVENTS, full_name, log)


def _time(event: Row) -> datetime.datetime:
    at: datetime.datetime = event["event_timestamp"]
    return at


ALICE: Story = {
    "plex": (
        [
            ("CREATED", day(2, 27), "2.9.0"),
            ("MODIFIED", day(3, 1), "3.0.0"),
            ("MODIFIED", day(3, 5), "3.1.0"),
        ],
        {**APP_TEMPLATE, "namespace": "media", "app_name": "plex", "images": [image("ghcr.io/home/plex", "1.40")]},
    ),
    "sonarr": (
        [("CREATED", day(3, 2), "3.0.0")],
        {**APP_TEMPLATE, "images": [image("ghcr.io/home/sonarr", "4.0"), image("docker.io/library/busybox", None)]},
    ),
    "old-sonarr": (
        [("CREATED", day(3, 2), "2.0.0")],
        {**APP_TEMPLATE, "context": "archived", "images": [image("ghcr.io/home/sonarr", "3.0")]},
    ),
    "app-template": (
        [("CREATED", day(3, 1), "3.0.0")],
        {
            **APP_TEMPLATE,
            "api_group": "source.toolkit.fluxcd.io",
            "kind": "OCIRepository",
            "resolution": "not_applicable",
        },
    ),
    "mystery": (
        [("CREATED", day(3, 3), "1.0.0")],
        {
            **APP_TEMPLATE,
            "chart_name": "thing",
            "chart_url": None,
            "resolution": "unresolved",
            "resolution_reason": "no HelmRepository of this name",
        },
    ),
}

BOB: Story = {
    "plex": (
        [("CREATED", day(3, 4), "3.1.0")],
        {**APP_TEMPLATE, "images": [image("ghcr.io/home/plex", "1.40")]},
    ),
    "web": (
        [("CREATED", day(3, 1), "1.27"), ("DELETED", day(3, 8), None)],
        {"images": [image("docker.io/library/nginx", "1.27")]},
    ),
    "dns": (
        [("CREATED", day(3, 6), "1.11"), ("DELETED", day(3, 7), None), ("RESURRECTED", day(3, 9), "1.11")],
        {"images": [image("registry.k8s.io/coredns", "1.11")]},
    ),
}

CAROL: Story = {"plex": ([("CREATED", day(2, 20), "3.1.0")], APP_TEMPLATE)}


def write_small_lake(folder: Path) -> Lake:
    """The lake of alice/home, bob/homelab (once bob/cluster, as its partitions are still called) and carol/gone."""
    lake = Lake(Layout(folder / "data"))
    gone = {"language": "YAML", "status": "retired", "retired_because": "gone", "retired_at": day(3, 10)}
    lake.write(
        REPOSITORIES,
        None,
        [
            repository(1, "alice/home", language="YAML", topics=["kubesearch", "flux"], created_at=day(1, 1)),
            repository(2, "bob/homelab", topics=["kubesearch"], discovered_at=day(3, 2)),
            repository(3, "carol/gone", **gone),
        ],
    )
    lake.write(REPOSITORY_METRICS, datetime.date(2026, 3, 7), [metrics(1, datetime.date(2026, 3, 7), stars_count=10)])
    second = datetime.date(2026, 3, 8)
    lake.write(
        REPOSITORY_METRICS,
        second,
        [metrics(1, second, stars_count=12, forks_count=3), metrics(2, second, stars_count=5)],
    )
    lake.write(SNAPSHOTS, "alice/home", [snapshot(1, "alice/home")])
    lake.write(
        SNAPSHOTS, "bob/cluster", [snapshot(2, "bob/cluster", sync_status="error", sync_error="no route to host")]
    )
    lake.write(SCANS, "alice/home", [scan(1, "alice/home", gitops_engine="flux", resources_count=5)])
    lake.write(SCANS, "bob/cluster", [scan(2, "bob/cluster", scanned_commit="c8")])
    write_story(lake, 1, "alice/home", ALICE)
    write_story(lake, 2, "bob/cluster", BOB)
    write_story(lake, 3, "carol/gone", CAROL)
    replicas, zone = "controllers.plex.replicas", "env.TZ"
    settings = [setting(1, "alice/home", "plex", replicas, 1), setting(1, "alice/home", "plex", zone, "Europe/Oslo")]
    lake.write(HELM_VALUES, "alice/home", settings)
    lake.write(HELM_VALUES, "bob/cluster", [setting(2, "bob/cluster", "plex", replicas, 2)])
    return lake
