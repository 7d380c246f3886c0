"""Rendering of one resource: apply kustomize transformations and Flux substitution to it.

The order is that of kustomize (patches, namespace, name, images), and then Flux's substitution. Only the fields that
the resolution needs are followed: namespace, name, chart, version, source, images, and the fields of a Flux
Kustomization.
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
from kubestats_pipeline.scan.resolve.substitution import MARK, VariableValues, substitute

COMPARING = 25
"""Steps that count for a patch, or an entry of `images`, that is compared with a resource."""

SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"

_KEEP_NAME = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})
"""Kinds whose names kustomize leaves, because other objects refer to them."""

_TAKEN_OVER = ("version", "chart", "is_release", "source", "flux_path", "app_name", "patch_reason", "values_from")


class RenderedResource(NamedTuple):
    """A resource at one point of an apply path.

    Attributes:
        kind: its kind.
        facts: of its document, with the changes up to here.
        namespace: None if it has none, or if its kind is cluster-scoped.
        names: its name now and its former ones, the first one last. A patch may name any of them.
        is_cluster_scoped: true if its kind has no namespace.
        document: returns the document. It is a function because most changes need no document.
        has_marks: true if the document may have variables in it.
    """

    kind: str
    facts: Facts
    namespace: str | None
    names: tuple[str, ...]
    is_cluster_scoped: bool
    document: Callable[[], bytes]
    has_marks: bool

    @staticmethod
    def of(key: ResourceKey, facts: Facts, document: Callable[[], bytes], *, has_marks: bool) -> "RenderedResource":
        """A resource as written in its document."""
        scoped = is_cluster_scoped(key.group, key.kind)
        namespace = None if scoped else key.namespace
        return RenderedResource(key.kind, facts, namespace, (key.name,), scoped, document, has_marks)

    @property
    def name(self) -> str:
        """The name at this point."""
        return self.names[0]


def render(
    resource: RenderedResource,
    transforms: Iterable[Transform],
    variables: Iterable[tuple[str, str | None]] | None,
    budget: Budget,
) -> RenderedResource:
    """The resource after the transforms and the substitution.

    Raises:
        TooComplexError: they take more than the budget or another bound allows.
    """
    for transform in transforms:
        resource = _transformed(resource, transform, budget)
    if variables is not None and (resource.has_marks or "$" in f"{resource.namespace}{resource.name}"):
        resource = _substituted(resource, dict(variables), budget)
    return resource


def substitute_image(image: Image, variables: VariableValues, budget: Budget) -> Image:
    """An image with its variables substituted.

    Raises:
        TooComplexError: the budget is spent.
    """
    if "$" not in (image.raw or image.image):
        return image
    return parse_image(substitute(image.raw or image.image, variables, budget), image.role)


@functools.lru_cache(maxsize=500)
def _document(data: bytes) -> dict[str, Any]:
    """A decoded document, which is shared and must not be changed."""
    document: dict[str, Any] = orjson.loads(data)
    return document


def _transformed(resource: RenderedResource, transform: Transform, budget: Budget) -> RenderedResource:
    if transform.excess is not None:
        raise TooComplexError(transform.excess)
    if transform.patches:
        budget.spend(COMPARING * len(transform.patches))
        patches = (patch for patch in transform.patches if isinstance(patch, Patch))
        fitting = tuple(patch for patch in patches if _is_target(patch, resource))
        resource = _patched(resource, fitting, budget) if fitting else resource
    facts, names = resource.facts, resource.names
    if (transform.prefix or transform.suffix) and not (resource.is_cluster_scoped and resource.kind in _KEEP_NAME):
        names = (f"{transform.prefix}{names[0]}{transform.suffix}", *names)
    if transform.images and facts.images and not facts.is_release:
        budget.spend(COMPARING * len(transform.images) * len(facts.images))
        facts = _with_overrides(facts, transform)
    namespace = None if resource.is_cluster_scoped else transform.namespace or resource.namespace
    if facts is resource.facts and names is resource.names and namespace == resource.namespace:
        return resource
    return resource._replace(facts=facts, names=names, namespace=namespace)


def _with_overrides(facts: Facts, transform: Transform) -> Facts:
    """The facts after the `images` of a kustomization. A version that was the main image's tag changes with it."""
    images = tuple(override_image(image, transform.images) for image in facts.images)
    is_tag = facts.version == _main_tag(facts.images)
    return facts._replace(images=images, version=_main_tag(images) if is_tag else facts.version)


def _main_tag(images: Iterable[Image]) -> str | None:
    return next((image.tag for image in images if image.role == "main"), None)


def _is_target(patch: Patch, resource: RenderedResource) -> bool:
    kind = patch.target.kind
    if kind is not None and kind.isalnum() and kind != resource.kind:
        return False
    document = _document(resource.document())
    declared = document["metadata"].get("namespace")
    namespaces = {resource.namespace, declared if isinstance(declared, str) else None}
    return is_target(patch.target, document, resource.names, namespaces)


class _Effect(NamedTuple):
    """The effect of patches on a document.

    Attributes:
        document: after the patches.
        facts: the facts that change, by field.
        names: the new name, if it changes.
        namespace: the new namespace, if it changes.
    """

    document: bytes
    facts: dict[str, Any]
    names: tuple[str, ...] = ()
    namespace: tuple[str | None, ...] = ()


@functools.lru_cache(maxsize=500)
def _effect(document: bytes, patches: tuple[Patch, ...]) -> _Effect | None:
    """The effect of patches: the facts that differ between a scan of the document before them and one after them."""
    before = _document(document)
    after = apply_patches(before, patches)
    # kustomize fails on a resource without metadata.
    if after == before or not isinstance(after.get("metadata"), dict):
        return None
    old, new = _scan(before), _scan(after)
    facts = {name: getattr(new, name) for name in _TAKEN_OVER if getattr(new, name) != getattr(old, name)}
    metadata = after["metadata"]
    name, namespace = (
        (metadata.get(key),) if metadata.get(key) != before["metadata"].get(key) else ()
        for key in ("name", "namespace")
    )
    return _Effect(orjson.dumps(after), facts, tuple(map(str, name)), namespace)


def _patched(resource: RenderedResource, patches: tuple[Patch, ...], budget: Budget) -> RenderedResource:
    budget.spend(steps_of(patches, len(resource.document())))
    effect = _effect(resource.document(), patches)
    if effect is None:
        return resource
    names, namespace = (*effect.names, *resource.names), resource.namespace
    if effect.namespace and not resource.is_cluster_scoped:
        namespace = effect.namespace[0]
    return resource._replace(
        facts=resource.facts._replace(**effect.facts) if effect.facts else resource.facts,
        names=names,
        namespace=namespace,
        document=lambda: effect.document,
        has_marks=MARK in effect.document,
    )


def _scan(resource: dict[str, Any]) -> Facts:
    group = str(resource.get("apiVersion", "")).rpartition("/")[0]
    scan = load_scanners().get((group, str(resource.get("kind"))), scan_generic)
    return scan(Decoded(resource, 0), resource)


def _substituted(resource: RenderedResource, variables: VariableValues, budget: Budget) -> RenderedResource:
    if _is_disabled(resource.document()):
        return resource
    facts = resource.facts._replace(
        images=tuple(substitute_image(image, variables, budget) for image in resource.facts.images)
    )
    kept = {
        name: _filled(value, variables, budget)
        for name, value in zip(facts._fields, facts, strict=True)
        if name not in ("images", "values")
    }
    namespace = substitute(resource.namespace, variables, budget) if resource.namespace else None
    return resource._replace(
        facts=facts._replace(**kept),
        names=(substitute(resource.name, variables, budget), *resource.names),
        namespace=namespace or None,
    )


def _is_disabled(document: bytes) -> bool:
    """True if a label or an annotation of the resource turns the substitution off."""
    if SUBSTITUTE.encode() not in document:
        return False
    resource = _document(document)
    return any(mapping(resource, "metadata", key).get(SUBSTITUTE) == "disabled" for key in ("labels", "annotations"))


def _filled(value: Any, variables: VariableValues, budget: Budget) -> Any:
    """A text, or a record or tuple of texts, with all variables substituted."""
    if isinstance(value, str):
        return substitute(value, variables, budget)
    if not isinstance(value, tuple) or isinstance(value, Patch):
        return value
    filled = [_filled(item, variables, budget) for item in value]
    return value._make(filled) if hasattr(value, "_make") else tuple(filled)
