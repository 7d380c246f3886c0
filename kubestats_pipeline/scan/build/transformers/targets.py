"""Targets of patches and replacements: the resources that a selector of kustomize means.

A patch's names, namespaces, groups, versions and kinds are regular expressions that match whole texts, those of a
replacement are not. A resource is found by its present and by its original name. One without a namespace has the
namespace `default` here.
"""

from collections.abc import Mapping
from typing import Any

from kubestats_pipeline.scan.build.transformers.patterns import matches_whole
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, ResourceId, Resources
from kubestats_pipeline.scan.kustomize.label_selector import matches_selector

Selector = Mapping[str, Any]


def select(resources: Resources, selector: Selector) -> list[int]:
    """The places of the resources that a patch's target selects.

    Raises:
        RefusedError: a pattern in it cannot be read.
    """
    return [place for place, resource in enumerate(resources) if _is_selected(resource, selector)]


def _is_selected(resource: BuildResource, selector: Selector) -> bool:
    now, first = resource.id, resource.original_id
    return (
        _fits_kind(now, selector)
        and any(fits(selector, "namespace", names.effective_namespace) for names in (first, now))
        and any(fits(selector, "name", names.name) for names in (first, now))
        and fits_labels(resource, selector)
    )


def is_named(names: ResourceId, selector: Selector) -> bool:
    """True if a replacement's selector names an id. Its texts are not patterns."""
    exact = (("group", names.group), ("version", names.version), ("kind", names.kind), ("name", names.name))
    namespace = selector.get("namespace")
    same_namespace = not namespace or names.effective_namespace == namespace
    return same_namespace and all(not selector.get(key) or selector[key] == text for key, text in exact)


def _fits_kind(names: ResourceId, selector: Selector) -> bool:
    return (
        fits(selector, "kind", names.kind)
        and fits(selector, "group", names.group)
        and fits(selector, "version", names.version)
    )


def fits_labels(resource: BuildResource, selector: Selector) -> bool:
    """True if a selector's labels and annotations match."""
    metadata = resource.content.get("metadata")
    for key, field in (("labelSelector", "labels"), ("annotationSelector", "annotations")):
        if wanted := selector.get(key):
            given = metadata.get(field) if isinstance(metadata, dict) else None
            if not matches_selector(wanted, given if isinstance(given, dict) else {}):
                return False
    return True


def fits(selector: Selector, field: str, text: str) -> bool:
    """True if a text of an id matches the pattern of a field of a target, if it has one."""
    pattern = selector.get(field)
    return not pattern or matches_whole(pattern, text)


def find_by_id(resources: Resources, wanted: ResourceId) -> list[int]:
    """The places of the resources that have or had an id. A group's version counts, and no namespace is `default`."""
    effective = wanted.effective
    return [place for place, each in enumerate(resources) if _has_id(each, effective)]


def _has_id(resource: BuildResource, effective: ResourceId) -> bool:
    return any(names.name == effective.name and names.effective == effective for names in resource.ids)
