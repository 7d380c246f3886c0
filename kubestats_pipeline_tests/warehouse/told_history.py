"""Histories told commit by commit, from which a test can work out by hand what the marts must say.

`put` creates, changes or brings back a resource, `drop` deletes it; what is not said stays as it was. A `History` folds
them into the rows that a scan of such a repository would write.
"""

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import REPOSITORIES, RESOURCE_EVENTS, RESOURCES
from kubestats_pipeline_tests.warehouse.small_lake import Row, content_hash, repository

URL = "oci://ghcr.io/charts/"

ORDINARY: Row = {
    "api_group": "apps",
    "api_version": "v1",
    "kind": "Deployment",
    "namespace": None,
    "app_name": None,
    "chart_name": None,
    "chart_url": None,
    "chart_kind": None,
    "version": None,
    "images": [],
    "context": "active",
    "resolution": "not_applicable",
    "resolution_reason": None,
    "data": {},
}


@dataclass(frozen=True)
class Put:
    """What becomes of a resource in a commit: columns that it now has; None deletes it."""

    key: str
    columns: Row | None


def put(key: str, **columns: Any) -> Put:
    return Put(key, columns)


def drop(key: str) -> Put:
    return Put(key, None)


def release(key: str, chart: str, version: str | None, **columns: Any) -> Put:
    """A HelmRelease of the chart of this name at the usual address."""
    told = {
        "api_group": "helm.toolkit.fluxcd.io",
        "api_version": "v2",
        "kind": "HelmRelease",
        "app_name": key,
        "chart_name": chart,
        "chart_url": URL + chart,
        "chart_kind": "oci",
        "version": version,
        "resolution": "exact",
    }
    return put(key, **told | columns)


def image(name: str, tag: str | None = None, digest: str | None = None, registry: str = "ghcr.io") -> Row:
    reference = {"image": f"{registry}/{name}", "tag": tag, "digest": digest, "role": "main"}
    return reference | {"raw": name, "registry": registry, "repository": name}


@dataclass
class History:
    """A repository's history."""

    number: int
    full_name: str
    events: list[Row] = field(default_factory=list)
    states: dict[str, Row] = field(default_factory=dict)
    lives: dict[str, list[Row]] = field(default_factory=dict)

    def commit(self, at: datetime.datetime, *puts: Put, author: str = "human") -> "History":
        """Add one commit; its changes have the order in which they are given."""
        sha = f"{self.full_name} {len({event['commit_sha'] for event in self.events}) + 1}"
        for each in puts:
            self._change(each, at, sha, author)
        return self

    def write(self, lake: Lake) -> None:
        """Write the log and the resources that it leaves."""
        lake.write(RESOURCE_EVENTS, self.full_name, self.events)
        lake.write(RESOURCES, self.full_name, [self._resource(key) for key in self.states])

    def _change(self, told: Put, at: datetime.datetime, sha: str, author: str) -> None:
        past = self.lives.setdefault(told.key, [])
        existed = bool(past) and past[-1]["event_type"] != "DELETED"
        before = self.states.get(told.key, ORDINARY | {"name": told.key})
        state = self.states[told.key] = before | (told.columns or {})
        kind = "MODIFIED" if existed else "RESURRECTED" if past else "CREATED"
        event = self._event(told.key, "DELETED" if told.columns is None else kind, at, sha)
        exists, version = told.columns is not None, state["version"]
        event |= {
            "author_kind": author,
            "version_before": before["version"] if existed else None,
            "version_after": version if exists else None,
            "file_hash_before": past[-1]["file_hash_after"] if existed else None,
            "file_hash_after": content_hash(told.key, repr(state)) if exists else None,
            "resource_data": orjson.dumps(state["data"]).decode() if exists and state["data"] is not None else None,
        }
        past.append(event)
        self.events.append(event)

    def _event(self, key: str, kind: str, at: datetime.datetime, sha: str) -> Row:
        state, sequence = self.states[key], len(self.events)
        group, version = state["api_group"], state["api_version"]
        carried = ("chart_name", "chart_url", "chart_kind", "app_name", "images", "context", "resolution")
        return dict.fromkeys(RESOURCE_EVENTS.column_names) | {
            "event_id": f"{self.number} {sequence}",
            "resource_id": f"{self.number} {key}",
            "repository_id": f"github:{self.number}",
            "full_name": self.full_name,
            "sequence": sequence,
            "event_type": kind,
            "event_timestamp": at,
            "commit_sha": sha,
            "commit_subject": f"{kind} {key}",
            "resource_kind": state["kind"],
            "resource_api_version": f"{group}/{version}" if group else version,
            "resource_name": state["name"],
            "resource_namespace": state["namespace"],
            "file_path": f"{key}.yaml",
            "changes_detected": [],
            **{column: state[column] for column in carried},
        }

    def _resource(self, key: str) -> Row:
        state, past = self.states[key], self.lives[key]
        last = past[-1]
        gone = last["event_type"] == "DELETED"
        kept = next(event for event in reversed(past) if event["file_hash_after"])
        return dict.fromkeys(RESOURCES.column_names) | {
            **state,
            "resource_id": last["resource_id"],
            "repository_id": last["repository_id"],
            "full_name": self.full_name,
            "file_path": last["file_path"],
            "ordinal": 0,
            "content_hash": kept["file_hash_after"],
            "status": "DELETED" if gone else "ACTIVE",
            "created_at": past[0]["event_timestamp"],
            "updated_at": last["event_timestamp"],
            "deleted_at": last["event_timestamp"] if gone else None,
            "created_commit": past[0]["commit_sha"],
            "updated_commit": last["commit_sha"],
            "data": orjson.dumps(state["data"]).decode(),
        }


def write_histories(folder: Path, *histories: History, **status: str) -> Lake:
    """A lake of these repositories; `status` gives that of one, by its owner."""
    lake = Lake(Layout(folder / "data"))
    rows = [
        repository(each.number, each.full_name, status=status.get(each.full_name.split("/")[0], "active"))
        for each in histories
    ]
    lake.write(REPOSITORIES, None, rows)
    for each in histories:
        each.write(lake)
    return lake
