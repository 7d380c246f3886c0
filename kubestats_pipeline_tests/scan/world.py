"""A mirror, its lake and a few manifests, as the tests of the scan stage need them together."""

import datetime
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kubestats_pipeline.git import history
from kubestats_pipeline.git.blobs import BlobReader
from kubestats_pipeline.git.history import Change, Commit
from kubestats_pipeline.lake.contract import Table
from kubestats_pipeline.lake.lake import Lake
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.repositories import Repository
from kubestats_pipeline.lake.tables import HELM_VALUES, RESOURCE_EVENTS, RESOURCES, SCAN_PROBLEMS, SCANS
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.job import ScanJob
from kubestats_pipeline.scan.manifests.files import ContentCache
from kubestats_pipeline.scan.manifests.manifests import FileContent, digest, read_file
from kubestats_pipeline.scan.outcomes import Scanned, UpToDate
from kubestats_pipeline.scan.replay.applied_records import AppliedRecord
from kubestats_pipeline.scan.replay.records import Event
from kubestats_pipeline.scan.replay.replay import Replay
from kubestats_pipeline.scan.scan import scan_repository
from kubestats_pipeline_tests.builders import GitRepository
from kubestats_pipeline_tests.corpus import unpack

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
BROKEN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken\n"


def manifest(kind: str, name: str, *, api: str = "v1", namespace: str | None = None, **fields: Any) -> str:
    """One resource as JSON, which is YAML too."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return json.dumps({"apiVersion": api, "kind": kind, "metadata": metadata, **fields}) + "\n"


def config(name: str, value: str = "one", **fields: Any) -> str:
    return manifest("ConfigMap", name, data={"value": value}, **fields)


def release(name: str, *, namespace: str | None = None, **spec: Any) -> str:
    return manifest("HelmRelease", name, api="helm.toolkit.fluxcd.io/v2", namespace=namespace, spec=spec)


def chart(name: str, version: str, source: str, *, kind: str = "HelmRepository", **reference: str) -> dict[str, Any]:
    """The `chart` of a HelmRelease's spec."""
    return {"spec": {"chart": name, "version": version, "sourceRef": {"kind": kind, "name": source, **reference}}}


def helm_repository(
    name: str, url: str = "https://charts.example.org", *, namespace: str | None = None, **spec: Any
) -> str:
    api = "source.toolkit.fluxcd.io/v1"
    return manifest("HelmRepository", name, api=api, namespace=namespace, spec={"url": url, **spec})


def oci_repository(name: str, tag: str, *, namespace: str | None = None, url: str = "oci://ghcr.io/org/app") -> str:
    spec = {"url": url, "ref": {"tag": tag}}
    return manifest("OCIRepository", name, api="source.toolkit.fluxcd.io/v1", namespace=namespace, spec=spec)


def flux_path(name: str, path: str, target: str | None = None, *, namespace: str | None = None) -> str:
    """A Flux Kustomization."""
    spec = {"path": path} | ({"targetNamespace": target} if target else {})
    return manifest("Kustomization", name, api="kustomize.toolkit.fluxcd.io/v1", namespace=namespace, spec=spec)


def kustomization(*resources: str, namespace: str | None = None, **fields: Any) -> str:
    """A kustomization.yaml without apiVersion and kind, as most are written."""
    return json.dumps({"resources": list(resources), **({"namespace": namespace} if namespace else {}), **fields})


def documents(*texts: str) -> str:
    """Several documents in one file."""
    return "---\n" + "---\n".join(texts)


def read(text: str | bytes, name: str = "file.yaml", bounds: Bounds | None = None) -> FileContent:
    """What one file says."""
    return read_file(text.encode() if isinstance(text, str) else text, name, bounds or Bounds())


class Tree:
    """Files that change step by step, replayed without git: the tests of resolution need no history."""

    def __init__(self, clone_url: str = "") -> None:
        self._blobs: dict[str, bytes] = {}
        self._clone_url = clone_url
        self._steps = 0
        self._clone_url = clone_url
        self.files: dict[str, str] = {}
        self.replay = self.fresh(())

    def fresh(self, changes: Iterable[Change]) -> Replay:
        """Another replay, from nothing."""
        replay = Replay("repository", ContentCache(self._blobs.get, Bounds()), clone_url=self._clone_url)
        replay.apply(Commit("0" * 40, NOW, "ann", "all at once"), changes)
        return replay

    def put(self, files: Mapping[str, str | None]) -> "Tree":
        """Write files, None deletes one, as one commit."""
        self._steps += 1
        changes = []
        for path, text in files.items():
            oid = None if text is None else digest(text.encode())
            if oid is None or text is None:
                self.files.pop(path, None)
            else:
                self._blobs[oid], self.files[path] = text.encode(), oid
            changes.append(Change(path, oid))
        at = NOW + datetime.timedelta(hours=self._steps)
        self.replay.apply(Commit(f"{self._steps:040x}", at, "ann", "step"), changes)
        return self

    def resolution(self, name: str, kind: str = "HelmRelease", path: str = "") -> Resolved:
        """The resolution of the one resource of this kind and name."""
        found = [
            resource.resolved
            for identity, resource in self.replay.active.items()
            if (identity.key.kind, identity.key.name) == (kind, name) and identity.path.startswith(path)
        ]
        assert len(found) == 1
        return found[0]

    def runs(self, name: str, kind: str = "HelmRelease", cluster: str | None = None) -> list[AppliedRecord]:
        """The objects of this kind and name that all clusters run, or one of them."""
        found = [
            record
            for key, record in self.replay.applied.active.items()
            if (key.key.kind, key.key.name) == (kind, name) and cluster in (None, key.cluster)
        ]
        return sorted(found, key=order_of_record)

    def run(self, name: str, kind: str = "HelmRelease", cluster: str | None = None) -> AppliedRecord:
        """The one object of this kind and name that a cluster runs."""
        (found,) = self.runs(name, kind, cluster)
        return found

    def is_applied(self, name: str, kind: str = "HelmRelease", path: str = "") -> bool | None:
        """`is_applied` of the one resource of this kind and name."""
        self.replay.note_applied()
        (found,) = (
            resource.is_applied
            for identity, resource in self.replay.active.items()
            if (identity.key.kind, identity.key.name) == (kind, name) and identity.path.startswith(path)
        )
        return found

    def resolutions(self, replay: Replay | None = None) -> dict[Any, Any]:
        """All declared resources: their hashes and resolutions."""
        active = (replay or self.replay).active
        return {identity: (each.manifest.content_hash, each.resolved) for identity, each in active.items()}

    def from_scratch(self) -> dict[Any, Any]:
        """The same, of a replay that sees only the files as they are now."""
        return self.resolutions(self.fresh(Change(path, oid) for path, oid in self.files.items()))


def order_of_record(record: AppliedRecord) -> tuple[str, str, str]:
    """The order of clusters, appliers and namespaces."""
    return record.key.cluster, record.key.applied_by, record.key.key.namespace or ""


def images_of(record: AppliedRecord) -> list[str]:
    """The images of an object in one text each."""
    parts = ((each.image, each.tag, each.digest) for each in record.state.images)
    return [f"{name}{f':{tag}' if tag else ''}{f'@{digest}' if digest else ''}" for name, tag, digest in parts]


class World:
    """A repository that is its own mirror, and the tables that scans make of it."""

    def __init__(self, tmp_path: Path, name: str = "home", mirror: Path | None = None) -> None:
        self.lake = Lake(Layout(tmp_path / "data"))
        self.repository = Repository(f"git:{name}", f"local/owner/{name}", "local", "owner", name, "file:///nowhere")
        self.mirror = self.lake.layout.mirror("local", "owner", name)
        if mirror is not None:
            self.mirror.parent.mkdir(parents=True)
            self.mirror.symlink_to(mirror)
        self.git = GitRepository(self.mirror, default="head")
        self.since: datetime.datetime | None = None

    def scan(
        self, head: str | None = None, run: str = "run", bounds: Bounds | None = None, *, anew: bool = False
    ) -> Scanned | UpToDate:
        job = self.job(head, run_id=run, history_since=self.since, bounds=bounds or Bounds(), anew=anew)
        return scan_repository(job)

    def job(self, head: str | None = None, **options: Any) -> ScanJob:
        """A scan of the whole mirror, up to its head or another commit."""
        given = {"head": head or self.git.head, "history_since": None, "started_at": NOW, "run_id": "run", **options}
        return ScanJob(layout=self.lake.layout, repository=self.repository, **given)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        partition = self.lake.read(table, self.repository.full_name)
        return partition.rows.to_dicts() if partition else []

    @property
    def resources(self) -> list[dict[str, Any]]:
        return self.rows(RESOURCES)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log in its order."""
        return sorted(self.rows(RESOURCE_EVENTS), key=lambda event: event["sequence"])

    @property
    def problems(self) -> list[dict[str, Any]]:
        return self.rows(SCAN_PROBLEMS)

    def tables(self) -> dict[str, Any]:
        """All rows without the run's own values."""
        own = ("sync_run_id", "last_scan_at")
        tables = (RESOURCES, HELM_VALUES, RESOURCE_EVENTS, SCAN_PROBLEMS, SCANS)
        return {
            table.name: [{name: row[name] for name in row if name not in own} for row in self.rows(table)]
            for table in tables
        }

    def replay(self) -> list[Event]:
        """The events of the whole history, straight from the mirror."""
        with BlobReader(self.mirror) as blobs:
            replay = Replay("repository", ContentCache(blobs.read, Bounds()))
            for step in history.walk(self.mirror, None, "head"):
                replay.apply(step.commit, step.changes)
        return replay.log.events


def adopt(world: World, full_name: str, corpus: Path) -> list[str]:
    """Make a repository of the corpus the mirror of a world; gives its first-parent commits, oldest first."""
    world.git.git("fetch", "--quiet", str(unpack(full_name, corpus)), "+main:head")
    return world.git.git("rev-list", "--first-parent", "--reverse", "head").splitlines()


def tip(world: World, revision: str = "head") -> Replay:
    """What a commit's tree alone says, as a first scan without history sees it."""
    with BlobReader(world.mirror) as blobs:
        replay = Replay(world.repository.repository_id, ContentCache(blobs.read, Bounds()))
        tree = history.read_tree(world.mirror, revision)
        replay.apply(history.read_commit(world.mirror, revision), [Change(path, oid) for path, oid in tree.items()])
    return replay


def told(events: Iterable[Event]) -> list[tuple[str, ...]]:
    """Events in short: type, name, path and what changed."""
    return [
        (event.event_type, event.after.identity.key.name, event.after.identity.path, *event.parts) for event in events
    ]


FOLDED = {
    "kind": "resource_kind",
    "name": "resource_name",
    "namespace": "resource_namespace",
    "file_path": "file_path",
    "content_hash": "file_hash_after",
    "version": "version_after",
    "chart_name": "chart_name",
    "chart_url": "chart_url",
    "chart_kind": "chart_kind",
    "app_name": "app_name",
    "images": "images",
    "context": "context",
    "updated_commit": "commit_sha",
    "updated_at": "event_timestamp",
}
"""Columns of `resources` and the columns of the last event that must say the same."""


def assert_fold_gives_resources(world: World) -> None:
    """The first invariant: folding the events of a repository gives its resources."""
    last: dict[str, dict[str, Any]] = {}
    for event in world.events:
        gone = event["resource_id"] not in last or last[event["resource_id"]]["event_type"] == "DELETED"
        assert (event["event_type"] in ("CREATED", "RESURRECTED")) == gone
        last[event["resource_id"]] = event
    rows = {row["resource_id"]: row for row in world.resources}
    assert rows.keys() == last.keys()
    for resource_id, event in last.items():
        row, deleted = rows[resource_id], event["event_type"] == "DELETED"
        assert row["status"] == ("DELETED" if deleted else "ACTIVE")
        for column, source in FOLDED.items():
            if not (deleted and source.endswith("_after")):
                assert row[column] == event[source], column
        if not deleted:
            assert row["data"] == event["resource_data"]


def assert_ids_are_unique(world: World) -> None:
    """The second invariant, and the one that a resource's key is one."""
    for rows, column in ((world.events, "event_id"), (world.resources, "resource_id"), (world.events, "sequence")):
        assert len({row[column] for row in rows}) == len(rows)
