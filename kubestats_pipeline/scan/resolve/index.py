"""Index of the resources and kustomizations of a repository at one commit, for following references.

It holds the inputs of the queries in `include_paths.py`, `apply_paths.py` and `resolver.py`: every look-up reports the
input that it reads to the query store, and every change of a file invalidates the inputs that it changes.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping

from kubestats_pipeline.scan.build.incremental import QueryKey, QueryStore
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.facts import Copy, Facts, FluxPath
from kubestats_pipeline.scan.facts.transforms import NOTHING, PatchFile, Transform
from kubestats_pipeline.scan.kustomize.kustomization import ConfigMapFiles, Kustomize
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest
from kubestats_pipeline.scan.resolve.substitution import MARK

ARTIFACT = "ExternalArtifact"
CONFIG_MAP = ("", "ConfigMap")


class Declarations:
    """The resources and kustomizations of a repository, with an index for each kind of look-up."""

    def __init__(self, queries: QueryStore) -> None:
        self.queries = queries
        self._manifests: dict[Identity, Manifest] = {}
        self._by_path: dict[str, frozenset[Identity]] = {}
        self._kustomize: dict[str, Kustomize] = {}
        self._applied: dict[Identity, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._copies: defaultdict[str, set[tuple[Identity, Copy]]] = defaultdict(set)
        self._indices: defaultdict[QueryKey, set[Hashable]] = defaultdict(set)

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._manifests

    def identities(self, path: str) -> frozenset[Identity]:
        """The resources of a file, for callers that are not queries."""
        return self._by_path.get(path, frozenset())

    def replace_file(self, path: str, declared: Mapping[Identity, Manifest]) -> set[Identity]:
        """Replace the resources of a file, with none if it is gone, and return those whose documents are new."""
        known = self._by_path.get(path, frozenset())
        changed = {identity for identity in declared if declared[identity] is not self._manifests.get(identity)}
        for identity in [*(former for former in known if former not in declared), *changed]:
            self._replace(identity, declared.get(identity))
        if known != declared.keys():
            self._by_path[path] = frozenset(declared)
            self.queries.invalidate(("file", path))
        if not declared:
            self._by_path.pop(path, None)
        return changed

    def replace_kustomization(self, folder: str, kustomize: Kustomize | None) -> None:
        """Replace the kustomization of a folder, with None if it has none."""
        known = self._kustomize.get(folder)
        if known == kustomize:
            return
        self._reindex(_of_kustomization(folder, known), _of_kustomization(folder, kustomize))
        self._kustomize.pop(folder, None)
        if kustomize is not None:
            self._kustomize[folder] = kustomize
        if known is None or kustomize is None:
            self.queries.invalidate(("has kustomization", folder))
        if _changes(known) != _changes(kustomize):
            self.queries.invalidate(("kustomization's changes", folder))
        if (known.config_maps if known else ()) != (kustomize.config_maps if kustomize else ()):
            self.queries.invalidate(("config maps", folder))

    def facts(self, identity: Identity) -> Facts:
        """The facts of a resource's document, or empty if the resource is not declared."""
        self.queries.read_input(("facts", identity))
        manifest = self._manifests.get(identity)
        return manifest.facts if manifest is not None else _NOTHING

    def is_pinned(self, source: Identity) -> bool:
        """True if a source selects a commit, tag or range.

        An input of its own, because all that is applied depends on it, and on the selected version only little.
        """
        self.queries.read_input(("is pinned", source))
        return _is_pinned(self._manifests[source].facts)

    def document(self, identity: Identity) -> bytes:
        """The document of a declared resource, for the few queries that need more than its facts."""
        self.queries.read_input(("document", identity))
        return self._manifests[identity].data

    def has_marks(self, identity: Identity) -> bool:
        """True if the document of a declared resource may have variables in it."""
        self.queries.read_input(("has marks", identity))
        return MARK in self._manifests[identity].data

    def file(self, path: str) -> frozenset[Identity]:
        """The resources of a file."""
        self.queries.read_input(("file", path))
        return self._by_path.get(path, frozenset())

    def has_kustomization(self, folder: str) -> bool:
        """True if a folder has a kustomization of its own."""
        self.queries.read_input(("has kustomization", folder))
        return folder in self._kustomize

    def changes(self, folder: str) -> tuple[tuple[str, ...], Transform]:
        """The components of a folder's kustomization, and the changes that it makes itself."""
        self.queries.read_input(("kustomization's changes", folder))
        return _changes(self._kustomize.get(folder))

    def config_maps(self, folder: str) -> tuple[ConfigMapFiles, ...]:
        """The ConfigMaps that a folder's kustomization generates."""
        self.queries.read_input(("config maps", folder))
        kustomize = self._kustomize.get(folder)
        return kustomize.config_maps if kustomize is not None else ()

    def includers(self, path: str) -> list[str]:
        """The folders whose kustomizations take in a file or folder as one of their resources."""
        return sorted(self._find("includers", path))

    def component_users(self, folder: str) -> list[str]:
        """The folders whose kustomizations have a folder as a component."""
        return sorted(self._find("component users", folder))

    def patchers(self, path: str) -> list[str]:
        """The folders whose kustomizations use a file as a patch."""
        return sorted(self._find("patchers", path))

    def generators(self, config_map: str) -> list[str]:
        """The folders whose kustomizations generate a ConfigMap of a name."""
        return sorted(self._find("generators", config_map))

    def appliers(self, folder: str) -> list[Identity]:
        """The Flux Kustomizations that apply a folder."""
        return sorted(self._find("appliers", folder), key=order)

    def component_appliers(self, folder: str) -> list[Identity]:
        """The Flux Kustomizations that add a folder as a component."""
        return sorted(self._find("component appliers", folder), key=order)

    def applied_folders(self, kustomization: Identity) -> tuple[str, ...]:
        """The folders that a Flux Kustomization applies, in this repository."""
        self.queries.read_input(("facts", kustomization))
        return self._applied.get(kustomization, ((), ()))[0]

    def named(self, group: str, kind: str, name: str) -> list[Identity]:
        """The sources, charts and ConfigMaps that may have a name.

        They have it in their document, or a variable in their name. If anything adds a prefix or suffix to names, they
        are all of the kind.
        """
        if self._find("renamers"):
            return sorted(self._find("kind", group, kind), key=order)
        return sorted(self._find("named", group, kind, name) | self._find("named", group, kind, None), key=order)

    def _find(self, *key: Hashable) -> set:  # type: ignore[type-arg]  # of what the index holds
        self.queries.read_input(key)
        return self._indices.get(key, set())

    def _replace(self, identity: Identity, manifest: Manifest | None) -> None:
        """Replace one resource, with None if it is gone. Look-ups that find it before and after are not invalidated."""
        known = self._manifests.pop(identity, None)
        if manifest is not None:
            self._manifests[identity] = manifest
        before, after = (version.data if version is not None else b"" for version in (known, manifest))
        if before != after:
            self.queries.invalidate(("document", identity))
            if (MARK in before) != (MARK in after):
                self.queries.invalidate(("has marks", identity))
        old, new = (version.facts if version is not None else None for version in (known, manifest))
        if old != new:
            self._replace_facts(identity, old, new)

    def _replace_facts(self, identity: Identity, known: Facts | None, facts: Facts | None) -> None:
        self.queries.invalidate(("facts", identity))
        self._reindex(
            [(key, identity) for key in _of_resource(identity, known)],
            [(key, identity) for key in _of_resource(identity, facts)],
        )
        old, new = known or _NOTHING, facts or _NOTHING
        if _is_pinned(old) != _is_pinned(new):
            self.queries.invalidate(("is pinned", identity))
        if old.flux_path != new.flux_path:
            self._index_applier(identity, new.flux_path)
        if old.copies != new.copies:
            for copy in old.copies:
                self._copies[copy.artifact].discard((identity, copy))
            for copy in new.copies:
                self._copies[copy.artifact].add((identity, copy))
            self._index_users_of((*old.copies, *new.copies))

    def _index_users_of(self, copies: Iterable[Copy]) -> None:
        """The Flux Kustomizations that apply a folder of an artifact may apply another folder of the repository now."""
        for name in {copy.artifact for copy in copies}:
            for identity in list(self._indices.get(("artifact users", name), ())):
                assert isinstance(identity, Identity)  # noqa: S101 - as `_of_resource` has it
                self._index_applier(identity, self._manifests[identity].facts.flux_path)

    def _index_applier(self, identity: Identity, path: FluxPath | None) -> None:
        before = self._applied.pop(identity, ((), ()))
        folders = tuple(sorted(set(self._folders(path)))) if path is not None else ()
        components = (
            tuple(resolve_entry(folder, entry) for folder in folders for entry in path.components) if path else ()
        )
        if path is not None:
            self._applied[identity] = (folders, components)
        self._reindex(
            [(key, identity) for key in _of_applier(*before)],
            [(key, identity) for key in _of_applier(folders, components)],
        )

    def _folders(self, path: FluxPath) -> Iterator[str]:
        """The folders of this repository at a path of a source.

        An artifact is made of copies of folders, so that a path in it is another path in the repository.
        """
        if path.source is not None and path.source.kind == ARTIFACT:
            for _, copy in self._copies.get(path.source.name, ()):
                place = f"{copy.place}/" if copy.place else ""
                if f"{path.path}/".startswith(place):
                    yield resolve_entry(copy.folder, f"{path.path}/"[len(place) :])
        elif path.path or path.source is None or path.source.kind == "GitRepository":
            yield path.path

    def _reindex(self, before: Iterable[tuple[QueryKey, Hashable]], after: Iterable[tuple[QueryKey, Hashable]]) -> None:
        """Replace entries of the indices, and invalidate the look-ups that find something else now."""
        old, new = set(before), set(after)
        for key, value in old - new:
            self._indices[key].discard(value)
            if not self._indices[key]:
                del self._indices[key]
            self.queries.invalidate(key)
        for key, value in new - old:
            self._indices[key].add(value)
            self.queries.invalidate(key)


_NOTHING = Facts()


def order(identity: Identity) -> tuple[str, str, str, str, str, int]:
    """A fixed order of resources."""
    key = identity.key
    return (identity.path, key.kind, key.name, key.namespace or "", key.group, identity.ordinal)


def _is_pinned(facts: Facts) -> bool:
    return facts.source is not None and facts.source.is_pinned


def _of_applier(folders: Iterable[str], components: Iterable[str]) -> Iterator[QueryKey]:
    """The look-ups that find a Flux Kustomization by what it applies."""
    yield from (("appliers", folder) for folder in folders)
    yield from (("component appliers", folder) for folder in components)


def _of_resource(identity: Identity, facts: Facts | None) -> Iterator[QueryKey]:
    """The look-ups that find a resource."""
    if facts is None:
        return
    group, kind, _, name = identity.key
    if facts.source is not None or (group, kind) == CONFIG_MAP or (facts.chart is not None and not facts.is_release):
        yield "named", group, kind, None if "$" in name else name
        yield "kind", group, kind
    path = facts.flux_path
    if path is not None and _renames(path.transform):
        yield ("renamers",)
    if path is not None and path.source is not None and path.source.kind == ARTIFACT:
        yield "artifact users", path.source.name


def _of_kustomization(folder: str, kustomize: Kustomize | None) -> Iterator[tuple[QueryKey, str]]:
    """The look-ups that find a kustomization."""
    if kustomize is None:
        return
    for entry in kustomize.entries:
        yield ("includers", resolve_entry(folder, entry)), folder
    for component in kustomize.components:
        yield ("component users", resolve_entry(folder, component)), folder
    for patch in kustomize.transform.patches:
        if isinstance(patch, PatchFile):
            yield ("patchers", resolve_entry(folder, patch.path)), folder
    for config_map in kustomize.config_maps:
        yield ("generators", config_map.name), folder
    if _renames(kustomize.transform):
        yield ("renamers",), folder


def _changes(kustomize: Kustomize | None) -> tuple[tuple[str, ...], Transform]:
    return (kustomize.components, kustomize.transform) if kustomize is not None else ((), NOTHING)


def _renames(transform: Transform) -> bool:
    return bool(transform.prefix or transform.suffix)
