"""Equality with kubectl: the folders of real repositories, and what their clusters run after Flux's changes.

Both sides are redacted before they are compared. `equality_report.py` prints the result by feature, and
`test_oracle.py` and `test_flux_oracle.py` demand the same goals of it.
"""

import datetime
import hashlib
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.comparison import HASH, difference, difference_of, name_of
from benchmarks.flux_controller import LARGE, NAMES, Controller
from kubestats_pipeline.git.history import Change, Commit
from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.build.builds import Builds
from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.sources import RepositorySources
from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.manifests.files import ContentCache, Files
from kubestats_pipeline.scan.replay.replay import Replay

ALL, CHANGED = "all", "changed"
GOALS = {ALL: 0.995, CHANGED: 0.99}
"""The least shares of objects that are equal: of all, and of those that a feature changed."""

CLUSTERS = {
    "onedr0p/home-ops": ("kubernetes/flux/cluster", ""),
    "mchestr/home-cluster": ("kubernetes/flux/cluster", ""),
    "mirceanton/home-ops": ("apps", ""),
    "xunholy/k8s-gitops": ("kubernetes/clusters/cluster-00", "kubernetes"),
    "pascaliske/infrastructure": ("clusters/production/base", ""),
}
"""Repositories of Flux with the folder that is applied first, and the root of their artifact."""

TIMEOUT = 300
_CHART = "HelmChartInflationGenerator"
_NETWORK, _HELM = "it needs the network", "it needs helm"
_REASONS = {
    _NETWORK: r"dial tcp|lookup |git fetch|hit \d+s timeout",
    _HELM: r"enable-helm",
    "a file is not YAML": r"MalformedYAMLError",
    "a file or folder is missing": r"no such file or directory",
    "a patch finds no object": r"no matches for Id",
    "its kustomization is not valid": r"invalid Kustomization|kustomization.yaml is empty",
}
"""Reasons of kubectl, with a pattern of what it says."""
_UNSEEN = (_NETWORK, _HELM)
"""Reasons that our builds do not have: they have the rest of the folder, and say that there is more."""

Features = Counter[str]
Name = tuple[str, str, str | None, str]


@dataclass
class Equality:
    """The comparison of one repository, or of several.

    Attributes:
        objects: those that were compared by feature. `all` has those too that are missing on our side.
        equal: those among them that are equal.
        built: the folders, or Kustomizations, that kubectl builds.
        refused: the folders that kubectl refuses, with the reason.
        differences: the objects that are not equal, with the reason, and the folders that one side alone refuses.
    """

    objects: Features = field(default_factory=Counter)
    equal: Features = field(default_factory=Counter)
    built: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def count(self, features: Iterable[str], *, is_equal: bool) -> None:
        """Count one object."""
        found = set(features)
        for feature in {ALL, *found, *([CHANGED] if found else [])}:
            self.objects[feature] += 1
            self.equal[feature] += is_equal

    def count_missing(self, place: str, names: Iterable[object]) -> None:
        """Count the objects that only kubectl has."""
        missing = [f"{place}: {name} is missing" for name in names]
        self.objects[ALL] += len(missing)
        self.differences += missing

    def add(self, other: "Equality") -> None:
        """Count what another one has counted."""
        self.objects += other.objects
        self.equal += other.equal
        self.built += other.built
        self.refused += other.refused
        self.differences += other.differences

    def is_good(self, feature: str) -> bool:
        """True if a goal is reached."""
        return self.equal[feature] >= GOALS[feature] * self.objects[feature]


# Folders


def compare_folders(tree: Path, kubectl: str) -> Equality:
    """Compare the build of every folder of a checked-out repository that has a kustomization."""
    found, blobs = Equality(), read_files(tree)
    builds = _builds_of(blobs)
    for folder in sorted({path.rpartition("/")[0] for path in blobs if path.rpartition("/")[2] in NAMES}):
        built = builds.of(folder, b"{}")
        command = [kubectl, "kustomize", "--load-restrictor=LoadRestrictionsNone", str(tree / folder)]
        answer = subprocess.run(command, capture_output=True, timeout=TIMEOUT, check=False)
        place = f"{tree.name}/{folder}"
        if answer.returncode:
            reason = reason_of(answer.stderr.decode("utf-8", "replace"))
            found.refused.append((place, reason))
            if built.failure is None and reason not in _UNSEEN:
                found.differences.append(f"{place}: kubectl refuses it: {reason}")
            continue
        found.built += 1
        if built.failure is not None:
            found.differences.append(f"{place}: we refuse it: {built.failure}")
        left = defaultdict[tuple[Any, ...], list[dict[str, Any]]](list)
        for document in decode_stream(answer.stdout, LARGE):
            if document.content:
                left[name_of(document.content)].append(redact(document.content))
        for each in built.objects:
            message = difference(each, left)
            found.count(each.changed_by, is_equal=message is None)
            found.differences += [] if message is None else [f"{place}: {message}"]
        found.count_missing(place, (name for name, contents in left.items() for _ in contents))
    return found


def reason_of(words: str) -> str:
    """The reason why kubectl refuses a folder, by the end of what it says."""
    found = next((reason for reason, pattern in _REASONS.items() if re.search(pattern, words)), None)
    return found or (words.strip().splitlines() or ["no reason"])[-1].rpartition(": ")[2][:80]


def read_files(tree: Path) -> dict[str, bytes]:
    """The files of a checked-out repository by their paths, without links."""
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    inside = {path.relative_to(tree): path for path in files}
    return {str(place): path.read_bytes() for place, path in inside.items() if place.parts[0] != ".git"}


def _builds_of(blobs: Mapping[str, bytes]) -> Builds:
    changes, read = _changes(blobs)
    files, queries = Files(ContentCache(read, Bounds())), QueryStore()
    sources = RepositorySources(files, ContentCache(read, Bounds()), queries)
    files.apply(changes)
    sources.replace(files.take_changed())
    return Builds(sources, queries)


def _changes(blobs: Mapping[str, bytes]) -> tuple[list[Change], Any]:
    """The files as changes of a first commit, with a function that reads their blobs."""
    oids = {path: hashlib.sha256(blob).hexdigest() for path, blob in blobs.items()}
    by_oid = {oids[path]: blob for path, blob in blobs.items()}
    return [Change(path, oid) for path, oid in oids.items()], by_oid.get


# Clusters


def compare_cluster(tree: Path, first: str, base: str, kubectl: str, copy: Path) -> Equality:
    """Compare what a cluster of Flux runs with what kubectl and a short kustomize-controller make of it.

    Args:
        tree: a checked-out repository.
        first: the folder that is applied first.
        base: the root of the artifact of the repository.
        kubectl: the command.
        copy: a folder that does not exist, for a copy of the repository that the controller changes.
    """
    controller = Controller(tree, copy, base, kubectl)
    controller.run(first)
    made = list(_run_by(tree, first))
    told = defaultdict[Name, list[bytes]](list)
    for content, _ in controller.objects:
        told[_name_in_cluster(content)].append(canonical_json(redact(content)))
    expected = _without_hash(told, {_name_in_cluster(each.content) for each in made})
    refused = [
        (folder, reason_of(words)) for folder, _, words in (each.partition(": ") for each in controller.failures)
    ]
    found = Equality(built=controller.kustomizations - len(refused), refused=refused)
    for each in made:
        texts = expected.get(_name_in_cluster(each.content), [])
        is_equal = each.data in texts
        found.count(_features(each), is_equal=is_equal)
        if not is_equal:
            message = difference_of(each.content, orjson.loads(texts[0])) if texts else "is too many"
            found.differences.append(f"{tree.name}: {_name_in_cluster(each.content)} {message}")
        if texts:
            texts.remove(each.data if is_equal else texts[0])
    found.count_missing(tree.name, (name for name, texts in expected.items() for _ in texts))
    return found


def _run_by(tree: Path, cluster: str) -> Iterator[ClusterObject]:
    """The objects of a cluster, without charts and those of a ResourceSet, which the controller does not know."""
    changes, read = _changes(read_files(tree))
    replay = Replay("repository", ContentCache(read, Bounds()))
    replay.apply(Commit("0" * 40, datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC), "ann", "all"), changes)
    for key in replay.applied.active:
        application = replay.clusters.application(key) if key.cluster == cluster else None
        if application is None or key.key.kind == _CHART or "template" in application.made.built.changed_by:
            continue
        yield application.made


def _name_in_cluster(content: dict[str, Any]) -> Name:
    metadata = content["metadata"]
    return content["apiVersion"].rpartition("/")[0], content["kind"], metadata.get("namespace"), metadata["name"]


def _features(made: ClusterObject) -> set[str]:
    found = set(made.built.changed_by)
    if made.settings.variables and made.content["metadata"] is not made.built.content["metadata"]:
        found.add("substitution")
    return found


def _without_hash(contents: Mapping[Name, list[bytes]], names: set[Name]) -> dict[Name, list[bytes]]:
    """The objects with the names that hashes make, which are not told where a secret has a part in them."""
    renamed = {
        name[3].encode(): HASH.sub("", name[3]).encode()
        for name in contents
        if name not in names and (*name[:3], HASH.sub("", name[3])) in names
    }
    found = defaultdict[Name, list[bytes]](list)
    for name, texts in contents.items():
        for text in texts:
            for old, new in renamed.items():
                text = text.replace(b'"%s"' % old, b'"%s"' % new)
            plain = renamed.get(name[3].encode(), name[3].encode()).decode()
            found[*name[:3], plain].append(text)
    return found
