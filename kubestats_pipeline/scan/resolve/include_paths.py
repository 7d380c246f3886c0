"""Include paths: chains of kustomizations that take in a file, from its folder up to the Flux Kustomization at the end.

Two relations are followed here: a kustomization lists a file or folder, and a Flux Kustomization applies a folder. A
Flux Kustomization counts as it is declared. `apply_paths.py` follows the changes that others make to it.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from kubestats_pipeline.scan.build.incremental import query
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.facts import FluxPath
from kubestats_pipeline.scan.facts.transforms import NOTHING, Patch, Transform
from kubestats_pipeline.scan.kinds.flux import SOURCE
from kubestats_pipeline.scan.kustomize.patches import patch_of
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.index import Declarations, order

MAX_STEPS = 500
"""Kustomizations that are followed from one file upwards. The corpora need at most 30."""

MAX_COMPONENTS = 100
"""Components of one folder, those of its components included."""


class IncludePath(NamedTuple):
    """One chain of kustomizations from a file upwards.

    Attributes:
        transforms: the changes of the kustomizations below `folder`, the nearest to the file first.
        applier: the Flux Kustomization at its end, or None if none applies the last folder.
        folder: the folder that the applier applies.
        child: the entry of `folder` through which the chain comes.
        component: the component of the applier through which the chain comes, if it comes through one.
    """

    transforms: tuple[Transform, ...]
    applier: Identity | None = None
    folder: str = ""
    child: str = ""
    component: str | None = None


class IncludePaths:
    """Queries for the chains of kustomizations above a file."""

    def __init__(self, declarations: Declarations) -> None:
        self.queries = declarations.queries
        self._declared = declarations

    @query
    def of(self, path: str) -> tuple[IncludePath, ...]:
        """All chains of kustomizations from a file or folder upwards."""
        found: dict[IncludePath, None] = {}
        queue: list[tuple[str, tuple[Transform, ...]]] = [(path, ())]
        seen: set[tuple[str, tuple[Transform, ...]]] = set()
        while queue:
            step = queue.pop()
            if step in seen or len(seen) >= MAX_STEPS:
                continue
            seen.add(step)
            child, transforms = step
            takers = self._takers(child)
            if not takers and child != path:
                found[IncludePath(transforms)] = None
            for folder in takers:
                after = (*transforms, *self._changes(folder, child))
                found.update(dict.fromkeys(self._ends(folder, child, transforms, after)))
                queue.append((folder, after))
        return tuple(found)

    def _ends(
        self, folder: str, child: str, transforms: tuple[Transform, ...], after: tuple[Transform, ...]
    ) -> Iterator[IncludePath]:
        """The Flux Kustomizations that apply a folder, or add it as a component to one that they apply."""
        appliers, component_appliers = self._appliers(folder)
        for applier in appliers:
            yield IncludePath(transforms, applier, folder, child)
        for applier in component_appliers:
            for base in self._declared.applied_folders(applier):
                yield IncludePath(after, applier, base, "", component=folder)

    @query
    def _appliers(self, folder: str) -> tuple[tuple[Identity, ...], tuple[Identity, ...]]:
        """The Flux Kustomizations that apply a folder of this commit, and those that add it as a component."""
        named = (self._declared.appliers(folder), self._declared.component_appliers(folder))
        first, second = (tuple(applier for applier in found if not self._is_elsewhere(applier)) for found in named)
        return first, second

    @query
    def _takers(self, path: str) -> tuple[str, ...]:
        """The folders that take in a file or folder.

        A folder does so if its kustomization lists it. The nearest folder above that a Flux Kustomization applies does
        so too, unless a kustomization is in between, because Flux generates a kustomization for a folder without one,
        from all files and kustomizations below it.
        """
        takers = {*self._declared.includers(path), *self._declared.component_users(path)}
        while path:
            path = path.rpartition("/")[0]
            if self._declared.has_kustomization(path):
                break
            if any(self._appliers(path)):
                takers.add(path)
                break
        return tuple(sorted(takers))

    def _changes(self, folder: str, child: str) -> tuple[Transform, ...]:
        """The changes that a folder's kustomization makes to what comes from `child`: its components', then its own."""
        _, transform = self._declared.changes(folder)
        own = self.with_files(folder, transform)
        return (*self.component_changes(folder, child), *(() if own == NOTHING else (own,)))

    def component_changes(self, folder: str, child: str) -> tuple[Transform, ...]:
        """The changes that the components of a folder make to what comes from `child`.

        If that is a component itself, only the components after it change it.
        """
        named, _ = self._declared.changes(folder)
        components = [resolve_entry(folder, entry) for entry in named]
        following = components[components.index(child) + 1 :] if child in components else components
        return tuple(transform for component in following for transform in self.of_component(component))

    def of_component(self, folder: str) -> Iterator[Transform]:
        """The changes that a component makes, those of its own components first."""
        queue, found = [folder], list[str]()
        while queue and len(found) < MAX_COMPONENTS:
            component = queue.pop()
            if component not in found:
                found.append(component)
                queue += [resolve_entry(component, below) for below in self._declared.changes(component)[0]]
        for component in reversed(found):
            own = self.with_files(component, self._declared.changes(component)[1])
            if own != NOTHING:
                yield own

    def with_files(self, folder: str, transform: Transform) -> Transform:
        """The transform with the content of patches that are files of their own."""
        if all(isinstance(patch, Patch) for patch in transform.patches):
            return transform
        patches: list[Patch] = []
        for entry in transform.patches:
            if isinstance(entry, Patch):
                patches.append(entry)
                continue
            for identity in sorted(self._declared.file(resolve_entry(folder, entry.path)), key=order):
                patch = patch_of(orjson.loads(self._declared.document(identity)), entry.target)
                patches += [patch] if patch else []
        return transform._replace(patches=tuple(patches))

    @query
    def _is_elsewhere(self, kustomization: Identity) -> bool:
        """True if its source selects a commit, tag or range, because that is not the tip of this repository."""
        path = self._declared.facts(kustomization).flux_path
        source = path.source if path is not None else None
        if source is None or source.kind != "GitRepository":
            return False
        named = self._declared.named(SOURCE, source.kind, source.name)
        return bool(named) and all(self._declared.is_pinned(identity) for identity in named)

    @query
    def folders(self, path: str) -> frozenset[str]:
        """The folders whose kustomizations take in a file, directly or through others."""
        queue, found = [path], set[str]()
        while queue:
            takers = [folder for folder in self._takers(queue.pop()) if folder not in found]
            found.update(takers)
            queue += takers
        return frozenset(found)

    def at_end(self, path: FluxPath, folder: str, child: str, component: str | None) -> Iterator[Transform]:
        """The changes at the end of a chain, where a Flux Kustomization applies a folder.

        Flux adds its own changes to the kustomization of that folder, or to one that it generates.

        Args:
            path: the path and changes of the Flux Kustomization.
            folder: the folder that it applies.
            child: the entry of the folder through which the chain comes.
            component: the component of the Flux Kustomization through which the chain comes, if it comes through one.
        """
        components = [resolve_entry(folder, entry) for entry in path.components]
        if component is None:
            yield from self.component_changes(folder, child)
        elif component in components:
            components = components[components.index(component) + 1 :]
        yield from itertools.chain.from_iterable(map(self.of_component, components))
        own = self.with_files(folder, self._declared.changes(folder)[1])
        yield Transform(
            patches=(*own.patches, *path.transform.patches),
            namespace=path.transform.namespace or own.namespace,
            prefix=path.transform.prefix or own.prefix,
            suffix=path.transform.suffix or own.suffix,
            images=(*own.images, *path.transform.images),
            excess=own.excess or path.transform.excess,
        )

    def declared_changes(self, chain: IncludePath) -> list[Transform]:
        """The changes on a chain, if the Flux Kustomization at its end is taken as it is declared."""
        path = self._declared.facts(chain.applier).flux_path if chain.applier is not None else None
        end = self.at_end(path, chain.folder, chain.child, chain.component) if path is not None else ()
        return [*chain.transforms, *end]
