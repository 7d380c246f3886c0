"""The chains of kustomizations that take in a file, from its folder up to the Flux Kustomizations that apply them.

Only the shape of the repository is followed here: what lists what, and which folders are applied. What a Flux
Kustomization at the end says, after all that others do to it, is derived in `apply_paths.py`.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.facts.facts import FluxPath
from kubestats_pipeline.scan.facts.transforms import NOTHING, Patch, Transform
from kubestats_pipeline.scan.kinds.flux import SOURCE
from kubestats_pipeline.scan.kustomize.patches import patch_of
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.incremental import derived
from kubestats_pipeline.scan.resolve.index import Declarations, order

MAX_STEPS = 500
"""Kustomizations that are followed from one file upwards; those of the corpora come to 30."""

MAX_COMPONENTS = 100


class Route(NamedTuple):
    """One chain of kustomizations from a file upwards.

    Attributes:
        transforms: of those below the folder that the applier applies, the nearest first.
        applier: the Flux Kustomization at its end; None where there is none.
        folder: that the applier applies, and `child`, what of it the chain came from.
        component: of the applier's own components, the one that the chain came from.
    """

    transforms: tuple[Transform, ...]
    applier: Identity | None = None
    folder: str = ""
    child: str = ""
    component: str | None = None


class Routes:
    """Derives the ways up from a file."""

    def __init__(self, declarations: Declarations) -> None:
        self.memory = declarations.memory
        self._declared = declarations

    @derived
    def of(self, path: str) -> tuple[Route, ...]:
        """All chains of kustomizations from a file or folder upwards."""
        found: dict[Route, None] = {}
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
                found[Route(transforms)] = None
            for folder in takers:
                after = (*transforms, *self._changes(folder, child))
                found.update(dict.fromkeys(self._ends(folder, child, transforms, after)))
                queue.append((folder, after))
        return tuple(found)

    def _ends(
        self, folder: str, child: str, transforms: tuple[Transform, ...], after: tuple[Transform, ...]
    ) -> Iterator[Route]:
        """The Flux Kustomizations that apply a folder, or add it as a component to one that they apply."""
        appliers, component_appliers = self._appliers(folder)
        for applier in appliers:
            yield Route(transforms, applier, folder, child)
        for applier in component_appliers:
            for base in self._declared.applied_folders(applier):
                yield Route(after, applier, base, "", component=folder)

    @derived
    def _appliers(self, folder: str) -> tuple[tuple[Identity, ...], tuple[Identity, ...]]:
        """The Flux Kustomizations that apply a folder of this commit, and those that add it as a component."""
        named = (self._declared.appliers(folder), self._declared.component_appliers(folder))
        first, second = (tuple(each for each in found if not self._is_elsewhere(each)) for found in named)
        return first, second

    @derived
    def _takers(self, path: str) -> tuple[str, ...]:
        """The folders that take in a file or folder.

        Those whose kustomization lists it, and the nearest above that a Flux Kustomization applies, unless a
        kustomization in between cuts it off.

        For a folder without a kustomization Flux generates one, from all the files and kustomizations below.
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
        """What a folder's kustomization changes of what comes from `child`: its components do first, then itself."""
        _, transform = self._declared.changes(folder)
        own = self.with_files(folder, transform)
        return (*self.component_changes(folder, child), *(() if own == NOTHING else (own,)))

    def component_changes(self, folder: str, child: str) -> tuple[Transform, ...]:
        """Of the components, those that follow the one that the resource comes from."""
        named, _ = self._declared.changes(folder)
        components = [resolve_entry(folder, each) for each in named]
        following = components[components.index(child) + 1 :] if child in components else components
        return tuple(transform for each in following for transform in self.of_component(each))

    def of_component(self, folder: str) -> Iterator[Transform]:
        """What a component changes of that which it is added to; the components of components first."""
        queue, found = [folder], list[str]()
        while queue and len(found) < MAX_COMPONENTS:
            each = queue.pop()
            if each not in found:
                found.append(each)
                queue += [resolve_entry(each, below) for below in self._declared.changes(each)[0]]
        for each in reversed(found):
            own = self.with_files(each, self._declared.changes(each)[1])
            if own != NOTHING:
                yield own

    def with_files(self, folder: str, transform: Transform) -> Transform:
        """With the patches that stand in files of their own."""
        if all(isinstance(each, Patch) for each in transform.patches):
            return transform
        patches: list[Patch] = []
        for each in transform.patches:
            if isinstance(each, Patch):
                patches.append(each)
                continue
            for identity in sorted(self._declared.file(resolve_entry(folder, each.path)), key=order):
                patch = patch_of(orjson.loads(self._declared.document(identity)), each.target)
                patches += [patch] if patch else []
        return transform._replace(patches=tuple(patches))

    @derived
    def _is_elsewhere(self, kustomization: Identity) -> bool:
        """Whether its source selects a commit, a tag or a range: hardly ever this repository, and never its tip."""
        path = self._declared.facts(kustomization).flux_path
        source = path.source if path is not None else None
        if source is None or source.kind != "GitRepository":
            return False
        named = self._declared.named(SOURCE, source.kind, source.name)
        return bool(named) and all(self._declared.is_pinned(each) for each in named)

    @derived
    def folders(self, path: str) -> frozenset[str]:
        """The folders whose kustomizations take in a file, directly or through others."""
        queue, found = [path], set[str]()
        while queue:
            takers = [each for each in self._takers(queue.pop()) if each not in found]
            found.update(takers)
            queue += takers
        return frozenset(found)

    def at_end(self, path: FluxPath, folder: str, child: str, component: str | None) -> Iterator[Transform]:
        """What is changed where a Flux Kustomization says this of a folder, of what comes from a child of it.

        Flux adds its own changes to the kustomization of the folder that it applies, or to one that it makes.
        """
        components = [resolve_entry(folder, each) for each in path.components]
        if component is None:
            yield from self.component_changes(folder, child)
        elif component in components:
            components = components[components.index(component) + 1 :]
        yield from itertools.chain.from_iterable(map(self.of_component, components))
        own = self.with_files(folder, self._declared.changes(folder)[1])
        yield Transform(
            (*own.patches, *path.transform.patches),
            path.transform.namespace or own.namespace,
            path.transform.prefix or own.prefix,
            path.transform.suffix or own.suffix,
            (*own.images, *path.transform.images),
            own.excess or path.transform.excess,
        )

    def declared_changes(self, route: Route) -> list[Transform]:
        """What is changed on a route whose end is as it is declared."""
        path = self._declared.facts(route.applier).flux_path if route.applier is not None else None
        end = self.at_end(path, route.folder, route.child, route.component) if path is not None else ()
        return [*route.transforms, *end]
