"""What becomes of one resource on the way to the cluster: kustomizations change it, then variables are put in.

The order is kustomize's: patches, namespace, name, images; and Flux's substitution comes last. Only what the graph is
made of is followed: namespace, name, chart, version, source, images, and what a Flux Kustomization says itself.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.scan.documents.budget import Budget, TooComplexError
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.cluster_scope import is_cluster_scoped
from kubestats_pipeline.scan.facts.facts import Facts, Image
from kubestats_pipeline.scan.facts.images import parse_image
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.facts.transforms import Patch, Transform
from kubestats_pipeline.scan.kinds.generic import scan_generic
from kubestats_pipeline.scan.kinds.registry import load_scanners
from kubestats_pipeline.scan.kustomize.kustomization import override_image
from kubestats_pipeline.scan.kustomize.patches import apply_patches, is_target, steps_of
from kubestats_pipeline.scan.manifests.manifests import ResourceKey
from kubestats_pipeline.scan.resolve.substitution import MARK, Variables, substitute

COMPARING = 25
"""Steps that count for a patch, or an entry of `images`, that is compared with a resource."""

SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"

_KEEP_NAME = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})
"""Kustomize leaves the names of these kinds, for others refer to them."""

_TAKEN_OVER = ("version", "chart", "is_release", "source", "flux_path", "app_name", "patch_reason", "values_from")


class Shape(NamedTuple):
    """A resource at one point of its way.

    Attributes:
        namespace: None where none is told, and where it belongs to the cluster.
        names: its name now and those that it had before, the first one last; patches may mean any of them.
        document: gives the document, which most changes are made without.
        has_marks: whether the document may have variables in it.
    """

    kind: str
    facts: Facts
    namespace: str | None
    names: tuple[str, ...]
    is_cluster_scoped: bool
    document: Callable[[], bytes]
    has_marks: bool

    @staticmethod
    def of(key: ResourceKey, facts: Facts, document: Callable[[], bytes], *, has_marks: bool) -> "Shape":
        """A resource as its document has it."""
        scoped = is_cluster_scoped(key.group, key.kind)
        namespace = None if scoped else key.namespace
        return Shape(key.kind, facts, namespace, (key.name,), scoped, document, has_marks)

    @property
    def name(self) -> str:
        """Its name now."""
        return self.names[0]


def reshape(
    shape: Shape, transforms: Iterable[Transform], variables: Iterable[tuple[str, str | None]] | None, budget: Budget
) -> Shape:
    """The resource after all that is done to it.

    Raises:
        TooComplexError: that is more than the budget or another bound allows.
    """
    for transform in transforms:
        shape = _transformed(shape, transform, budget)
    if variables is not None and (shape.has_marks or "$" in f"{shape.namespace}{shape.name}"):
        shape = _substituted(shape, dict(variables), budget)
    return shape


def with_images(image: Image, variables: Variables, budget: Budget) -> Image:
    """An image with the variables in it put in.

    Raises:
        TooComplexError: the budget is spent.
    """
    if "$" not in (image.raw or image.image):
        return image
    return parse_image(substitute(image.raw or image.image, variables, budget), image.role)


@functools.lru_cache(maxsize=500)
def _document(data: bytes) -> dict[str, Any]:
    """A document that is only looked at."""
    document: dict[str, Any] = orjson.loads(data)
    return document


def _transformed(shape: Shape, transform: Transform, budget: Budget) -> Shape:
    if transform.excess is not None:
        raise TooComplexError(transform.excess)
    if transform.patches:
        budget.spend(COMPARING * len(transform.patches))
        meant = tuple(each for each in transform.patches if isinstance(each, Patch) and _is_meant(each, shape))
        shape = _patched(shape, meant, budget) if meant else shape
    facts, names = shape.facts, shape.names
    if (transform.prefix or transform.suffix) and not (shape.is_cluster_scoped and shape.kind in _KEEP_NAME):
        names = (f"{transform.prefix}{names[0]}{transform.suffix}", *names)
    if transform.images and facts.images and not facts.is_release:
        budget.spend(COMPARING * len(transform.images) * len(facts.images))
        facts = _with_overrides(facts, transform)
    namespace = None if shape.is_cluster_scoped else transform.namespace or shape.namespace
    if facts is shape.facts and names is shape.names and namespace == shape.namespace:
        return shape
    return shape._replace(facts=facts, names=names, namespace=namespace)


def _with_overrides(facts: Facts, transform: Transform) -> Facts:
    """With the images that `images` names; the version follows where it was the main image's tag."""
    images = tuple(override_image(each, transform.images) for each in facts.images)
    before, after = (
        next((each.tag for each in found if each.role == "main"), None) for found in (facts.images, images)
    )
    version = after if facts.version == before else facts.version
    return facts._replace(images=images, version=version)


def _main_tag(images: Iterable[Image]) -> str | None:
    return next((each.tag for each in images if each.role == "main"), None)


def _is_meant(patch: Patch, shape: Shape) -> bool:
    kind = patch.target.kind
    if kind is not None and kind.isalnum() and kind != shape.kind:
        return False
    document = _document(shape.document())
    declared = document["metadata"].get("namespace")
    namespaces = {shape.namespace, declared if isinstance(declared, str) else None}
    return is_target(patch.target, document, shape.names, namespaces)


class _Effect(NamedTuple):
    """What patches make of a document.

    Attributes:
        facts: those that they change.
        names: the new name, where they change that.
        namespace: the new one, where they change that.
    """

    document: bytes
    facts: dict[str, Any]
    names: tuple[str, ...] = ()
    namespace: tuple[str | None, ...] = ()


@functools.lru_cache(maxsize=500)
def _effect(document: bytes, patches: tuple[Patch, ...]) -> _Effect | None:
    """The document is scanned as it was and as it is then: what that changes is taken over, the rest as it was read."""
    before = _document(document)
    after = apply_patches(before, patches)
    if after == before or not isinstance(after.get("metadata"), dict):  # without metadata kustomize builds nothing
        return None
    old, new = _scan(before), _scan(after)
    facts = {name: getattr(new, name) for name in _TAKEN_OVER if getattr(new, name) != getattr(old, name)}
    metadata = after["metadata"]
    name, namespace = (
        (metadata.get(key),) if metadata.get(key) != before["metadata"].get(key) else ()
        for key in ("name", "namespace")
    )
    return _Effect(orjson.dumps(after), facts, tuple(map(str, name)), namespace)


def _patched(shape: Shape, patches: tuple[Patch, ...], budget: Budget) -> Shape:
    budget.spend(steps_of(patches, len(shape.document())))
    effect = _effect(shape.document(), patches)
    if effect is None:
        return shape
    names, namespace = (*effect.names, *shape.names), shape.namespace
    if effect.namespace and not shape.is_cluster_scoped:
        namespace = effect.namespace[0]
    return shape._replace(
        facts=shape.facts._replace(**effect.facts) if effect.facts else shape.facts,
        names=names,
        namespace=namespace,
        document=lambda: effect.document,
        has_marks=MARK in effect.document,
    )


def _scan(resource: dict[str, Any]) -> Facts:
    group = str(resource.get("apiVersion", "")).rpartition("/")[0]
    scan = load_scanners().get((group, str(resource.get("kind"))), scan_generic)
    return scan(Decoded(resource, 0), resource)


def _substituted(shape: Shape, variables: Variables, budget: Budget) -> Shape:
    if _is_disabled(shape.document()):
        return shape
    facts = shape.facts._replace(images=tuple(with_images(each, variables, budget) for each in shape.facts.images))
    kept = {
        name: _filled(value, variables, budget)
        for name, value in zip(facts._fields, facts, strict=True)
        if name not in ("images", "values")
    }
    namespace = substitute(shape.namespace, variables, budget) if shape.namespace else None
    return shape._replace(
        facts=facts._replace(**kept),
        names=(substitute(shape.name, variables, budget), *shape.names),
        namespace=namespace or None,
    )


def _is_disabled(document: bytes) -> bool:
    """Whether the resource keeps its texts as they are, by a label or an annotation."""
    if SUBSTITUTE.encode() not in document:
        return False
    resource = _document(document)
    return any(mapping(resource, "metadata", key).get(SUBSTITUTE) == "disabled" for key in ("labels", "annotations"))


def _filled(value: Any, variables: Variables, budget: Budget) -> Any:
    """A text, or a record or tuple of them, with the variables in all texts put in."""
    if isinstance(value, str):
        return substitute(value, variables, budget)
    if not isinstance(value, tuple) or isinstance(value, Patch):
        return value
    filled = [_filled(each, variables, budget) for each in value]
    return value._make(filled) if hasattr(value, "_make") else tuple(filled)
