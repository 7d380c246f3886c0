"""kustomize's `labels`, `commonLabels`, `commonAnnotations` and `replicas`: the same values set in many objects."""

from collections.abc import Mapping
from typing import Any

from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpec, change_fields
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources, change_each


def set_pairs(resources: Resources, pairs: Mapping[str, Any], specs: tuple[FieldSpec, ...], feature: str) -> Resources:
    """All resources with labels or annotations set in the fields of some specs.

    Raises:
        RefusedError: such a field is not a mapping.
    """
    if not pairs:
        return resources

    def merge(value: Any) -> Any:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            raise RefusedError(f"a field for a {feature} is not a mapping")
        return value if pairs.items() <= value.items() else {**value, **pairs}

    def change(resource: BuildResource) -> dict[str, Any]:
        return change_fields(resource.content, resource.id, specs, merge, {})

    return change_each(resources, change, feature)


def set_replicas(resources: Resources, entry: Mapping[str, Any], specs: tuple[FieldSpec, ...]) -> Resources:
    """The resources with the number of replicas of those that an entry of `replicas` names.

    Raises:
        RefusedError: no resource has the name and one of the kinds.
    """
    name, count = entry.get("name") or "", entry.get("count") or 0

    def is_meant(resource: BuildResource) -> bool:
        return any(each.name == name and any(spec.selects(each) for spec in specs) for each in resource.ids)

    if not any(is_meant(resource) for resource in resources):
        raise RefusedError("an entry of replicas matches no resource")

    def change(resource: BuildResource) -> dict[str, Any]:
        if not is_meant(resource):
            return resource.content
        return change_fields(resource.content, resource.id, specs, lambda _: count, 0)

    return change_each(resources, change, "replicas")
