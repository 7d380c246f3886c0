"""Apply paths: the ways in which a resource of the repository reaches the cluster.

A resource has an `ApplyPath` for each chain from its file up to a Flux Kustomization. That Kustomization may itself be
applied, changed and given variables by others. An apply path holds the changes in their order, and the variables that
are substituted at its end. The chains are found in `include_paths.py`, the variables in `variables.py`, and the changes
are made in `transform.py`.
"""

import functools
import re
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from kubestats_pipeline.scan.build.incremental import query
from kubestats_pipeline.scan.documents.budget import MAX_VARIABLES, Budget, TooComplexError
from kubestats_pipeline.scan.facts.facts import Facts, FluxPath
from kubestats_pipeline.scan.facts.transforms import NOTHING, Patch, Transform
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.include_paths import IncludePath, IncludePaths
from kubestats_pipeline.scan.resolve.index import Declarations
from kubestats_pipeline.scan.resolve.substitution import MARK
from kubestats_pipeline.scan.resolve.transform import RenderedResource, render
from kubestats_pipeline.scan.resolve.variables import ConfigMaps, Variables

MAX_APPLY_PATHS = 300
"""Apply paths of one resource. If there are more, what depends on them is ambiguous."""

LEVELS = 4
"""Flux Kustomizations that apply each other: the cluster's, its apps', one app's, and one to spare."""

_TOO_MANY_VARIABLES = Transform(excess=f"its Kustomization has more than {MAX_VARIABLES} variables")

_VARIABLE = re.compile(rb"\$\{#?(\w+)")

Item = TypeVar("Item", bound=Hashable)


class ApplyPath(NamedTuple):
    """One way in which a resource is applied.

    Attributes:
        transforms: the changes, in the order in which they are made. A transform that changes nothing is left out.
        variables: what is substituted afterwards, or None if nothing is substituted.
    """

    transforms: tuple[Transform, ...] = ()
    variables: Variables | None = None

    def without_unused(self, named: frozenset[str]) -> "ApplyPath":
        """The same apply path, but only with variables that the document or a transform names."""
        if not self.variables:
            return self
        used = named | _named_in_changes(self.transforms)
        return ApplyPath(self.transforms, tuple(variable for variable in self.variables if variable[0] in used))


class RenderedResources(NamedTuple):
    """One resource, rendered on all of its apply paths.

    Attributes:
        resources: one for each apply path.
        too_complex: a part of it that is too large and is therefore left as written.
        is_left: true if nothing is rendered, because all apply paths together are too complex.
    """

    resources: tuple[RenderedResource, ...]
    too_complex: str | None = None
    is_left: bool = False


class _Rendering(NamedTuple):
    """A resource rendered on one apply path, the steps that this took, and the parts that were too large."""

    resource: RenderedResource
    steps: int
    notes: tuple[str, ...]


class Applied(NamedTuple):
    """All apply paths of the resources of a file.

    Attributes:
        paths: different from one another.
        by_flux: true if a Flux Kustomization of the repository applies them.
        is_complete: false if there are more than `MAX_APPLY_PATHS`.
    """

    paths: tuple[ApplyPath, ...]
    by_flux: bool
    is_complete: bool = True


@functools.lru_cache(maxsize=4096)
def _named_in(text: bytes) -> frozenset[str]:
    return frozenset(name.decode() for name in _VARIABLE.findall(text)) if MARK in text else frozenset()


@functools.lru_cache(maxsize=4096)
def _named_in_changes(transforms: tuple[Transform, ...]) -> frozenset[str]:
    """The variables that changes bring in."""
    texts = [f"{change.namespace}{change.prefix}{change.suffix}{change.images}".encode() for change in transforms]
    texts += [patch.content for change in transforms for patch in change.patches if isinstance(patch, Patch)]
    return frozenset(name for text in texts for name in _named_in(text))


def _render_on(start: RenderedResource, apply_path: ApplyPath) -> _Rendering:
    budget = Budget()
    resource = render(start, apply_path.transforms, apply_path.variables, budget)
    return _Rendering(resource, budget.spent, tuple(budget.notes))


def _are_few(variables: Variables | None) -> bool:
    return variables is None or len(variables) <= MAX_VARIABLES


def _first(notes: Iterable[str]) -> str | None:
    """One of several notes, always the same."""
    return min(notes, default=None)


def distinct(items: list[Item]) -> tuple[Item, ...]:
    """The items without repetitions.

    A single item, which is by far the most frequent case, is not hashed, because that is slow for large records.
    """
    return tuple(items if len(items) == 1 else dict.fromkeys(items))


class ApplyPaths:
    """Queries for the apply paths of files, and for resources rendered on them."""

    def __init__(self, declarations: Declarations, include_paths: IncludePaths, config_maps: ConfigMaps) -> None:
        self.queries = declarations.queries
        self._declared = declarations
        self._include_paths = include_paths
        self._config_maps = config_maps
        self._renderings: dict[Identity, tuple[Facts, bytes, dict[ApplyPath, _Rendering]]] = {}

    @query
    def of(self, path: str, itself: Identity | None, level: int) -> Applied:
        """The apply paths of the resources of a file.

        Args:
            path: path of the file.
            itself: the Flux Kustomization whose apply paths are asked for, because it does not apply itself.
            level: the number of Flux Kustomizations that are followed upwards, from one to that which applies it.
        """
        chains = self._include_paths.of(path)
        appliers = {chain.applier for chain in chains} - {None, itself}
        # A Flux Kustomization that nothing applies is not in the cluster, so it counts only if there is no other.
        alive = {applier for applier in appliers if applier is not None and self._is_applied(applier)}
        chosen = alive or appliers
        if not chosen:
            built = [ApplyPath(chain.transforms) for chain in chains if chain.applier is None]
            return Applied(distinct(built or [ApplyPath()]), by_flux=False)
        paths: list[ApplyPath] = []
        for chain in chains:
            if chain.applier is not None and chain.applier in chosen:
                paths += self._on(chain, level)
            if len(paths) > MAX_APPLY_PATHS and len(paths := [*distinct(paths)]) > MAX_APPLY_PATHS:
                return Applied((ApplyPath(),), by_flux=True, is_complete=False)
        return Applied(distinct(paths), by_flux=True)

    def _is_applied(self, kustomization: Identity) -> bool:
        """True if any Flux Kustomization applies this one. The first one of a cluster applies itself."""
        return any(chain.applier is not None for chain in self._include_paths.of(kustomization.path))

    def _on(self, chain: IncludePath, level: int) -> Iterator[ApplyPath]:
        """The apply paths that go through a chain of kustomizations."""
        for transforms, variables in self._at_end(chain.applier, chain.folder, chain.child, chain.component, level):
            yield ApplyPath((*chain.transforms, *transforms), variables)

    @query
    def _at_end(
        self, applier: Identity | None, folder: str, child: str, component: str | None, level: int
    ) -> frozenset[tuple[tuple[Transform, ...], Variables | None]]:
        """The changes and variables at the end of a chain, one pair for each apply path of its applier."""
        if applier is None:
            return frozenset({((), None)})
        found = set()
        for path, namespace in self.flux_paths(applier, level - 1):
            changes = self._include_paths.at_end(path, folder, child, component)
            transforms = tuple(change for change in changes if change != NOTHING)
            variables = self._config_maps.of(path, namespace) if path.substitutes else None
            found.add((transforms, variables) if _are_few(variables) else ((_TOO_MANY_VARIABLES,), None))
        return frozenset(found)

    @query
    def flux_paths(self, kustomization: Identity, level: int) -> frozenset[tuple[FluxPath, str | None]]:
        """The path and changes of a Flux Kustomization, with its namespace, as rendered on each of its apply paths."""
        facts = self._declared.facts(kustomization)
        path = facts.flux_path
        if path is None:
            return frozenset()
        applied = self.of(kustomization.path, kustomization, level) if level > 0 else None
        if applied is None or not applied.is_complete:
            return frozenset({(path, kustomization.key.namespace)})
        resources = self.render(kustomization, facts, applied).resources
        return frozenset(
            (resource.facts.flux_path, resource.namespace)
            for resource in resources
            if resource.facts.flux_path is not None
        )

    def render(self, identity: Identity, facts: Facts, applied: Applied) -> RenderedResources:
        """A resource on each of its apply paths, or as written if all apply paths together are too complex."""
        read = functools.partial(self._declared.document, identity)
        has_marks = self._declared.has_marks(identity)
        start = RenderedResource.of(identity.key, facts, read, has_marks=has_marks)
        try:
            # The usual case, without hashing the apply path and without reading the document.
            if len(applied.paths) == 1 and not has_marks:
                (apply_path,) = applied.paths
                budget = Budget()
                resource = render(start, apply_path.transforms, apply_path.variables, budget)
                return RenderedResources((resource,), _first(budget.notes) if budget.notes else None)
            return self._render_several(identity, start, applied)
        except TooComplexError as error:
            return RenderedResources((start,), str(error), is_left=True)

    def _render_several(self, identity: Identity, start: RenderedResource, applied: Applied) -> RenderedResources:
        """Render on several apply paths, and keep the results until the next call.

        Most of them come again, because one change reaches few of many apply paths or variables. The steps of a kept
        result count as if it were computed again, so that the outcome never depends on what is kept.
        """
        document = start.document()
        facts, former, known = self._renderings.get(identity, (None, b"", dict[ApplyPath, _Rendering]()))
        if facts is not start.facts or former is not document:
            known = {}
        paths = {apply_path.without_unused(_named_in(document)) for apply_path in applied.paths}
        made, total = dict[ApplyPath, _Rendering](), Budget()
        for apply_path in paths:
            made[apply_path] = known.get(apply_path) or _render_on(start, apply_path)
            total.spend(made[apply_path].steps)
        self._renderings[identity] = (start.facts, document, made)
        notes = [note for rendering in made.values() for note in rendering.notes]
        return RenderedResources(tuple(rendering.resource for rendering in made.values()), _first(notes))

    def forget(self, identity: Identity) -> None:
        """Drop what is kept of a resource that is gone."""
        self._renderings.pop(identity, None)
