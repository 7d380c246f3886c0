"""Joins the facts of a repository's files at one commit: effective namespaces, charts and versions of releases.

The graph is kept file by file; after a change, only the resources that the change can reach are resolved again, so
that a commit costs what it touches. Nothing outside the repository is consulted and nothing is guessed: a reference
that does not lead to exactly one object is ambiguous or unresolved, with the reason.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kubestats_pipeline.scan.charts import Resolved, canonical_url, chart_at, chart_of
from kubestats_pipeline.scan.facts import ChartUse, Reference
from kubestats_pipeline.scan.identity import Identity
from kubestats_pipeline.scan.kinds.flux import normalise_path
from kubestats_pipeline.scan.manifests import Kustomize, Manifest, resolve_entry
from kubestats_pipeline.scan.scope import is_cluster_scoped


@dataclass(frozen=True, slots=True)
class _Found:
    manifest: Manifest | None
    identity: Identity | None
    resolution: str
    reason: str | None


class Resolver:
    """The reference graph of one repository at one commit."""

    def __init__(self) -> None:
        self._manifests: dict[Identity, Manifest] = {}
        self._frozen: dict[Identity, Resolved] = {}
        self._by_path: dict[str, frozenset[Identity]] = {}
        self._kustomize: dict[str, Kustomize] = {}
        self._includers: defaultdict[str, set[str]] = defaultdict(set)
        self._flux_paths: defaultdict[str, set[Identity]] = defaultdict(set)
        self._targets: defaultdict[tuple[str, str], set[Identity]] = defaultdict(set)
        self._users: defaultdict[tuple[str, str], set[Identity]] = defaultdict(set)
        self._namespaces: dict[Identity, str | None] = {}
        self._dirty: set[Identity] = set()

    def replace_file(
        self, path: str, declared: Mapping[Identity, Manifest], frozen: Mapping[Identity, Resolved]
    ) -> None:
        """Say what a file declares now.

        Args:
            path: path of the file.
            declared: all resources of the file; empty when it is gone.
            frozen: those of them that stand in an unreadable file, with their last known meaning.
        """
        for identity in self._by_path.pop(path, frozenset()):
            if declared.get(identity) is not self._manifests[identity] or identity in self._frozen:
                self._forget(identity)
        for identity, manifest in declared.items():
            if identity not in self._manifests:
                self._learn(identity, manifest)
        self._frozen |= frozen
        if declared:
            self._by_path[path] = frozenset(declared)

    def replace_kustomization(self, folder: str, kustomize: Kustomize | None) -> None:
        """Say what the kustomization.yaml of a folder holds now; None when there is none."""
        known = self._kustomize.get(folder)
        if known == kustomize:
            return
        self._touch_folder(folder)
        for entry in known.entries if known else ():
            self._includers[resolve_entry(folder, entry)].discard(folder)
        self._kustomize.pop(folder, None)
        if kustomize is not None:
            self._kustomize[folder] = kustomize
            for entry in kustomize.entries:
                self._includers[resolve_entry(folder, entry)].add(folder)
        self._touch_folder(folder)

    def settle(self) -> dict[Identity, Resolved]:
        """Resolve again all that the changes since the last call can have reached."""
        reached = self._reach(identity for identity in self._dirty if identity in self._manifests)
        self._dirty.clear()
        for identity in reached:
            self._namespaces[identity] = self._namespace(identity)
        return {identity: self._frozen.get(identity) or self._resolve(identity) for identity in reached}

    def _learn(self, identity: Identity, manifest: Manifest) -> None:
        self._manifests[identity] = manifest
        facts = manifest.facts
        if facts.flux_path is not None:
            self._flux_paths[facts.flux_path.path].add(identity)
            self._touch_folder(facts.flux_path.path)
        if facts.source is not None or (facts.chart is not None and not facts.is_release):
            self._targets[_address(identity)].add(identity)
        for address in _references(facts.chart):
            self._users[address].add(identity)
        self._touch(identity)

    def _forget(self, identity: Identity) -> None:
        self._touch(identity)
        facts = self._manifests.pop(identity).facts
        self._frozen.pop(identity, None)
        self._namespaces.pop(identity, None)
        if facts.flux_path is not None:
            self._touch_folder(facts.flux_path.path)
            self._flux_paths[facts.flux_path.path].discard(identity)
        self._targets[_address(identity)].discard(identity)
        for address in _references(facts.chart):
            self._users[address].discard(identity)

    def _touch(self, identity: Identity) -> None:
        self._dirty.add(identity)
        self._dirty |= self._users.get(_address(identity), set())

    def _touch_folder(self, folder: str) -> None:
        """What a kustomization or a Flux Kustomization on this folder takes in may have another namespace now."""
        for path in self._taken_in(folder):
            self._dirty |= self._by_path.get(path, frozenset())

    def _taken_in(self, folder: str) -> Iterator[str]:
        """The files that a folder takes in.

        Those that its kustomization lists, or, where it has none, all below it and what the kustomizations there list.
        """
        queue, seen = [folder], set()
        while queue:
            each = queue.pop()
            if each in seen:
                continue
            seen.add(each)
            kustomize = self._kustomize.get(each)
            if kustomize is not None:
                queue += (resolve_entry(each, entry) for entry in kustomize.entries)
            elif each in self._by_path:
                yield each
            else:
                prefix = f"{each}/" if each else ""
                queue += [below for below in self._kustomize if below.startswith(prefix)]
                yield from [path for path in self._by_path if path.startswith(prefix)]

    def _reach(self, start: Iterable[Identity]) -> list[Identity]:
        """The given resources and all that refer to them, directly or through a HelmChart, in a fixed order."""
        queue, reached = list(start), set()
        while queue:
            identity = queue.pop()
            if identity in reached:
                continue
            reached.add(identity)
            queue += self._users.get(_address(identity), ())
        return sorted(reached, key=_order)

    def _namespace(self, identity: Identity) -> str | None:
        """Effective namespace.

        The applying Flux Kustomization's target, else the nearest kustomization's, else as declared; as declared also
        where several apply and disagree. Objects of the cluster have none.
        """
        if is_cluster_scoped(identity.key.group, identity.key.kind):
            return None
        applied: set[str | None] = set()
        only_built: set[str | None] = set()
        queue: list[tuple[str, str | None]] = [(folder, None) for folder in self._takers(identity.path, identity)]
        seen = set()
        while queue:
            folder, nearest = queue.pop()
            if folder in self._kustomize:
                nearest = nearest or self._kustomize[folder].namespace
            if (folder, nearest) in seen:
                continue
            seen.add((folder, nearest))
            if targets := self._flux_targets(folder, identity):
                applied |= {target or nearest for target in targets}
            elif takers := self._takers(folder, identity):
                queue += ((taker, nearest) for taker in takers)
            else:
                only_built.add(nearest)
        given = applied or only_built
        return (given.pop() if len(given) == 1 else None) or identity.key.namespace

    def _takers(self, path: str, identity: Identity) -> set[str]:
        """The folders that take in a file or folder.

        Those whose kustomization lists it, and the nearest above that a Flux Kustomization applies, unless a
        kustomization in between cuts it off.

        For a folder without a kustomization Flux generates one, from all the files and kustomizations below.
        """
        takers = set(self._includers.get(path, ()))
        while path:
            path = path.rpartition("/")[0]
            if path in self._kustomize:
                break
            if self._flux_targets(path, identity):
                return takers | {path}
        return takers

    def _flux_targets(self, folder: str, identity: Identity) -> set[str | None]:
        """Where the Flux Kustomizations on a folder, other than the resource itself, apply it to."""
        appliers = self._flux_paths.get(folder, set()) - {identity}
        paths = (self._manifests[each].facts.flux_path for each in appliers)
        return {path.target_namespace for path in paths if path is not None}

    def _resolve(self, identity: Identity) -> Resolved:
        facts = self._manifests[identity].facts
        namespace = self._namespaces[identity]
        use = facts.chart
        if use is None:
            return Resolved(namespace, facts.version, reason=facts.patch_reason)
        if not facts.is_release:
            return Resolved(namespace, use.version)
        chart = self._chart(use, namespace)
        return Resolved(namespace, chart.version, *_named(chart), resolution=chart.resolution, reason=chart.reason)

    def _chart(self, use: ChartUse, namespace: str | None) -> Resolved:
        """The chart behind a use that stands in `namespace`."""
        if (known := chart_of(use)) is not None:
            return known
        reference = use.reference or use.source
        if reference is None:
            return Resolved(
                version=use.version, chart_name=use.name, resolution="unresolved", reason="it names no source"
            )
        found = self._find(reference, namespace)
        if found.manifest is None:
            return Resolved(version=use.version, chart_name=use.name, resolution=found.resolution, reason=found.reason)
        source, chart = found.manifest.facts.source, found.manifest.facts.chart
        if source is None:
            assert chart is not None  # noqa: S101 - `_targets` holds sources and charts
            assert found.identity is not None  # noqa: S101 - a manifest comes with its identity
            if use.reference is None:  # a chart is no source; one that names itself would never end
                return Resolved(
                    version=use.version, chart_name=use.name, resolution="unresolved", reason="its source is a chart"
                )
            return self._chart(chart, self._namespaces.get(found.identity))
        if source.flavour == "oci_registry":
            return chart_at(f"{source.url.rstrip('/')}/{use.name}", use.name or "", use.version)
        if source.flavour == "helm":
            return Resolved(None, use.version, use.name, canonical_url(source.url), "helm", "exact")
        if source.flavour == "oci":
            return chart_at(source.url, "", source.version)
        return Resolved(None, source.version, normalise_path(use.name or ""), canonical_url(source.url), "git", "exact")

    def _find(self, reference: Reference, namespace: str | None) -> _Found:
        """The one object that a reference means; a missing namespace is that of the object that refers."""
        wanted = reference.namespace or namespace
        label = f"{reference.kind} {reference.name}"
        candidates = sorted(self._targets.get((reference.kind, reference.name), ()), key=_order)
        if not candidates:
            return _Found(None, None, "unresolved", f"{label} is not in the repository")
        matching = [each for each in candidates if self._namespace_of(each) == wanted]
        if not matching and wanted is not None:
            matching = [each for each in candidates if self._namespace_of(each) is None]
        if not matching:
            return _Found(
                None,
                None,
                "unresolved",
                f"{label} is not in namespace {wanted or 'of the release, which is not known'}",
            )
        meanings = {(self._manifests[each].facts.source, self._manifests[each].facts.chart) for each in matching}
        if len(meanings) > 1:
            return _Found(None, None, "ambiguous", f"{label} is declared {len(matching)} times with different content")
        return _Found(self._manifests[matching[0]], matching[0], "exact", None)

    def _namespace_of(self, identity: Identity) -> str | None:
        if identity not in self._namespaces:
            self._namespaces[identity] = self._namespace(identity)
        return self._namespaces[identity]


def _named(chart: Resolved) -> tuple[str | None, str | None, str | None]:
    return chart.chart_name, chart.chart_url, chart.chart_kind


def _address(identity: Identity) -> tuple[str, str]:
    return identity.key.kind, identity.key.name


def _references(use: ChartUse | None) -> list[tuple[str, str]]:
    if use is None:
        return []
    return [(each.kind, each.name) for each in (use.reference, use.source) if each is not None]


def _order(identity: Identity) -> tuple[str, str, str, str, str, int]:
    key = identity.key
    return (identity.path, key.kind, key.name, key.namespace or "", key.group, identity.ordinal)
