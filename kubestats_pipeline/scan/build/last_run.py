"""The last run of a kustomization's transformers, from which the next one takes what has not changed.

A commit changes one object of an overlay, or one of its patches, and not the thirty others. The rule by which those are
left alone: a field is pointwise if what it makes of a resource depends on that resource alone. Where all fields are
pointwise, and all resources and patches stand in the places of former ones, of which they have the names and the
targets, a resource is what it was if itself and its patches are the same objects as before. The checks that look at
several resources look at names only: no two have the same, and each patch finds the one that it names. So names before
and after the run must be those of the last one too. Whatever else comes is run as a whole, and what kustomize refuses
is, so that it says why.
"""

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import NamedTuple

from kubestats_pipeline.scan.build.finish import differing
from kubestats_pipeline.scan.build.kustomization import Fields, entries, read_more
from kubestats_pipeline.scan.build.transformers.by_identity import ById
from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpecs
from kubestats_pipeline.scan.build.transformers.patch_steps import PatchStep, Reach, read_patch, steps_of
from kubestats_pipeline.scan.build.transformers.patches import Patched, patched, patched_again
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources

POINTWISE = frozenset(
    {"patches", "namespace", "namePrefix", "nameSuffix", "labels", "commonLabels", "commonAnnotations", "images"}
)
"""Fields whose transformers change each resource by itself."""

GATHERING = frozenset(
    {
        *("resources", "components", "configurations", "crds", "generators", "configMapGenerator", "secretGenerator"),
        *("generatorOptions", "helmCharts", "helmGlobals"),
    }
)
"""Fields that are done with before the transformers run."""

_SILENT = frozenset({"apiVersion", "kind", "metadata", "buildMetadata", "sortOptions", "inventory"})
"""Fields that change no resource."""

Transform = Callable[[Resources, Fields], Resources]
"""Applies the transformers of fields to some resources.

Raises:
    RefusedError: kustomize refuses it.
"""


def is_pointwise(fields: Fields) -> bool:
    """True if all transformers of a kustomization change each resource by itself."""
    return all(not value or key in POINTWISE or key in GATHERING or key in _SILENT for key, value in fields.items())


@lru_cache(maxsize=256)
def inline_steps(more: bytes) -> tuple[PatchStep, ...] | None:
    """The patches that an applier adds, all of which it holds itself, or None if one of them cannot be read."""
    found = entries(read_more(more), "patches")
    texts_of = ((entry, (entry.get("patch") or "").encode("utf-8", "replace")) for entry in found)
    try:
        return steps_of((read_patch(text), entry.get("target"), entry.get("options") or {}) for entry, text in texts_of)
    except RefusedError:
        return None


class Run(NamedTuple):
    """The parts that a run is made of.

    Attributes:
        own: the fields of the folder's own kustomization. To all runs of one query the same others are added.
        specs: the field specs.
        steps: the patches.
        resources: those to transform.
    """

    own: Fields
    specs: FieldSpecs
    steps: tuple[PatchStep, ...]
    resources: tuple[BuildResource, ...]


class LastRun:
    """A run whose fields are pointwise, with what became of each resource.

    Attributes:
        after: the resources in the same places, transformed.
    """

    def __init__(self, run: Run, fields: Fields, after: tuple[BuildResource, ...]) -> None:
        self._run = run
        self._others = {key: value for key, value in fields.items() if key in POINTWISE and key != "patches"}
        self.after = after
        self._patched: dict[int, Patched] = {}

    @cached_property
    def _reach(self) -> list[list[int]]:
        """The numbers of the patches that may reach each resource."""
        reach = Reach(self._run.steps)
        return [reach.of(resource) for resource in self._run.resources]

    def advance(self, run: Run, transform: Transform) -> bool:
        """Become a new run by transforming again what differs. False if it must be run as a whole."""
        if not self._is_alike(run):
            return False
        places = differing(run.resources, self._run.resources)
        changed = set(differing(run.steps, self._run.steps))
        if changed:
            touched = (place for place, own in enumerate(self._reach) if not changed.isdisjoint(own))
            places = sorted({*places, *touched})
        after, patches = list(self.after), dict[int, Patched]()
        try:
            for place in places:
                new = self._transformed(place, run, transform, patches)
                if new is None:
                    return False
                after[place] = new
        except RefusedError:
            return False
        self._run, self.after = run, tuple(after)
        self._patched |= patches
        return True

    def _is_alike(self, run: Run) -> bool:
        last = self._run
        if run.own is not last.own or run.specs != last.specs:
            return False
        if len(run.resources) != len(last.resources) or len(run.steps) != len(last.steps):
            return False
        return run.steps is last.steps or all(map(PatchStep.aims_as, run.steps, last.steps))

    def _transformed(
        self, place: int, run: Run, transform: Transform, patches: dict[int, Patched]
    ) -> BuildResource | None:
        """The resource at a place as it becomes, or None if that may matter to others.

        The work of patches on it is added to `patches`.
        """
        new, old, known = run.resources[place], self._run.resources[place], self.after[place]
        if new is not old and new.ids != old.ids:
            return None
        own = self._reach[place]
        if own:
            applied = tuple(self._run.steps[number] for number in own)
            former = self._patched.get(place) or patched(ById(old), applied)
            made = patched_again(new, tuple(run.steps[number] for number in own), former, applied)
            patches[place] = made
            if made is former:
                return known
            if not made.resource.content or _are_named(made) != _are_named(former):
                return None
            new = made.resource
        has_work = self._others or new.prefix or new.suffix  # these are the outermost ones, and so fall away
        changed = transform([new], self._others) if has_work else [new]
        if len(changed) != 1 or changed[0].effective != known.effective:
            return None
        return known if changed[0] == known else changed[0]


def _are_named(made: Patched) -> list[bool]:
    return [state.is_named for state in made.states]
