"""How the resources of a repository are applied: through which kustomizations, by which Flux Kustomizations.

A resource is applied in as many ways as there are chains from its file up to a Flux Kustomization, which may itself be
applied, changed and given variables by others. Each way is an `Application`: the changes on it in their order, and the
variables that are put in at its end. The chains are found in `include_paths.py`, the variables in `variables.py`; what
becomes of a resource by all that is decided in `transform.py`.
"""

import functools
import re
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from kubestats_pipeline.scan.documents.budget import MAX_VARIABLES, Budget, TooComplexError
from kubestats_pipeline.scan.facts.facts import Facts, FluxPath
from kubestats_pipeline.scan.facts.transforms import NOTHING, Patch, Transform
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.resolve.include_paths import Route, Routes
from kubestats_pipeline.scan.resolve.incremental import derived
from kubestats_pipeline.scan.resolve.index import Declarations
from kubestats_pipeline.scan.resolve.substitution import MARK
from kubestats_pipeline.scan.resolve.transform import Shape, reshape
from kubestats_pipeline.scan.resolve.variables import ConfigMaps, Variables

MAX_APPLICATIONS = 300
"""Ways in which one resource is applied; more are not told apart, and what depends on them is ambiguous."""

LEVELS = 4
"""Flux Kustomizations that apply each other: the cluster's, its apps', one app's, and one to spare."""

_TOO_MANY_VARIABLES = Transform(excess=f"its Kustomization has more than {MAX_VARIABLES} variables")

_VARIABLE = re.compile(rb"\$\{#?(\w+)")

Item = TypeVar("Item", bound=Hashable)


class Application(NamedTuple):
    """One way in which a resource is applied.

    Attributes:
        transforms: in the order in which they are made; nothing in them changes nothing.
        variables: that are put in afterwards; None where that is not done.
    """

    transforms: tuple[Transform, ...] = ()
    variables: Variables | None = None

    def without_unused(self, named: frozenset[str]) -> "Application":
        """The same without variables that neither a document names nor what is done to it."""
        if not self.variables:
            return self
        used = named | _named_in_changes(self.transforms)
        return Application(self.transforms, tuple(each for each in self.variables if each[0] in used))


class Shapes(NamedTuple):
    """A resource on all of its ways.

    Attributes:
        too_complex: what of it is too large, and left as it is written.
        is_left: whether nothing is done to it, because all together is too complex.
    """

    each: tuple[Shape, ...]
    too_complex: str | None = None
    is_left: bool = False


class _Reshaped(NamedTuple):
    """A resource on one way, what that took, and what of it was too large."""

    shape: Shape
    steps: int
    notes: tuple[str, ...]


class Applied(NamedTuple):
    """All ways in which the resources of a file are applied.

    Attributes:
        by_flux: whether a Flux Kustomization applies them, as far as the repository tells.
        is_complete: whether there are no more than are told apart.
    """

    ways: tuple[Application, ...]
    by_flux: bool
    is_complete: bool = True


@functools.lru_cache(maxsize=4096)
def _named_in(text: bytes) -> frozenset[str]:
    return frozenset(name.decode() for name in _VARIABLE.findall(text)) if MARK in text else frozenset()


@functools.lru_cache(maxsize=4096)
def _named_in_changes(transforms: tuple[Transform, ...]) -> frozenset[str]:
    """The variables that changes bring in."""
    texts = [f"{each.namespace}{each.prefix}{each.suffix}{each.images}".encode() for each in transforms]
    texts += [each.content for transform in transforms for each in transform.patches if isinstance(each, Patch)]
    return frozenset(name for text in texts for name in _named_in(text))


def _reshaped(start: Shape, way: Application) -> _Reshaped:
    budget = Budget()
    shape = reshape(start, way.transforms, way.variables, budget)
    return _Reshaped(shape, budget.spent, tuple(budget.notes))


def _are_few(variables: Variables | None) -> bool:
    return variables is None or len(variables) <= MAX_VARIABLES


def _first(notes: Iterable[str]) -> str | None:
    """One of several notes, always the same."""
    return min(notes, default=None)


def distinct(items: list[Item]) -> tuple[Item, ...]:
    """Each item once; where there is but one, which is so nearly always, its hash need not be known."""
    return tuple(items if len(items) == 1 else dict.fromkeys(items))


class Applications:
    """Derives how resources are applied."""

    def __init__(self, declarations: Declarations, routes: Routes, config_maps: ConfigMaps) -> None:
        self.memory = declarations.memory
        self._declared = declarations
        self._routes = routes
        self._config_maps = config_maps
        self._shapes: dict[Identity, tuple[Facts, bytes, dict[Application, _Reshaped]]] = {}

    @derived
    def of(self, path: str, itself: Identity | None, level: int) -> Applied:
        """How the resources of a file are applied.

        Args:
            path: path of the file.
            itself: the Flux Kustomization that is asked about: it does not apply itself.
            level: how many Flux Kustomizations are followed upwards, each applied by the next.
        """
        routes = self._routes.of(path)
        appliers = {route.applier for route in routes} - {None, itself}
        alive = {each for each in appliers if each is not None and self._is_applied(each)}
        chosen = alive or appliers
        if not chosen:
            built = [Application(route.transforms) for route in routes if route.applier is None]
            return Applied(distinct(built or [Application()]), by_flux=False)
        ways: list[Application] = []
        for route in routes:
            if route.applier is not None and route.applier in chosen:
                ways += self._ways(route, level)
            if len(ways) > MAX_APPLICATIONS and len(ways := [*distinct(ways)]) > MAX_APPLICATIONS:
                return Applied((Application(),), by_flux=True, is_complete=False)
        return Applied(distinct(ways), by_flux=True)

    def _is_applied(self, kustomization: Identity) -> bool:
        """Whether any Flux Kustomization applies this one; the first of a cluster applies itself."""
        return any(route.applier is not None for route in self._routes.of(kustomization.path))

    def _ways(self, route: Route, level: int) -> Iterator[Application]:
        for transforms, variables in self._at_end(route.applier, route.folder, route.child, route.component, level):
            yield Application((*route.transforms, *transforms), variables)

    @derived
    def _at_end(
        self, applier: Identity | None, folder: str, child: str, component: str | None, level: int
    ) -> frozenset[tuple[tuple[Transform, ...], Variables | None]]:
        """What is done at the end of a route, on each way in which its applier is applied itself."""
        if applier is None:
            return frozenset({((), None)})
        found = set()
        for path, namespace in self.flux_paths(applier, level - 1):
            transforms = tuple(each for each in self._routes.at_end(path, folder, child, component) if each != NOTHING)
            variables = self._config_maps.of(path, namespace) if path.substitutes else None
            found.add((transforms, variables) if _are_few(variables) else ((_TOO_MANY_VARIABLES,), None))
        return frozenset(found)

    @derived
    def flux_paths(self, kustomization: Identity, level: int) -> frozenset[tuple[FluxPath, str | None]]:
        """What a Flux Kustomization says after all that is done to it on each way in which it is applied itself.

        Each with the namespace that it stands in.
        """
        facts = self._declared.facts(kustomization)
        path = facts.flux_path
        if path is None:
            return frozenset()
        applied = self.of(kustomization.path, kustomization, level) if level > 0 else None
        if applied is None or not applied.is_complete:
            return frozenset({(path, kustomization.key.namespace)})
        shapes = self.shapes(kustomization, facts, applied).each
        return frozenset((each.facts.flux_path, each.namespace) for each in shapes if each.facts.flux_path is not None)

    def shapes(self, identity: Identity, facts: Facts, applied: Applied) -> Shapes:
        """What becomes of a resource on each way; on no way anything where all ways together are too complex."""
        read = functools.partial(self._declared.document, identity)
        has_marks = self._declared.has_marks(identity)
        start = Shape.of(identity.key, facts, read, has_marks=has_marks)
        try:
            if len(applied.ways) == 1 and not has_marks:
                (way,) = applied.ways
                budget = Budget()
                shape = reshape(start, way.transforms, way.variables, budget)
                return Shapes((shape,), _first(budget.notes) if budget.notes else None)
            return self._several_shapes(identity, start, applied)
        except TooComplexError as error:
            return Shapes((start,), str(error), is_left=True)

    def _several_shapes(self, identity: Identity, start: Shape, applied: Applied) -> Shapes:
        """Those of the last call are kept: of many ways, or many variables, most come again.

        What they took counts as if they were made anew, so that it never matters what is kept.
        """
        document = start.document()
        facts, former, known = self._shapes.get(identity, (None, b"", dict[Application, _Reshaped]()))
        if facts is not start.facts or former is not document:
            known = {}
        ways = {way.without_unused(_named_in(document)) for way in applied.ways}
        made, total = dict[Application, _Reshaped](), Budget()
        for way in ways:
            made[way] = known.get(way) or _reshaped(start, way)
            total.spend(made[way].steps)
        self._shapes[identity] = (start.facts, document, made)
        notes = [note for each in made.values() for note in each.notes]
        return Shapes(tuple(each.shape for each in made.values()), _first(notes))

    def forget(self, identity: Identity) -> None:
        """Drop what is kept of a resource that is gone."""
        self._shapes.pop(identity, None)
