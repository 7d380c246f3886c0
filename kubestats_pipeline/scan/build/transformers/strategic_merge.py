"""Strategic merge patches as kustomize applies them.

Mappings are merged, null removes a field, and other values replace it. Lists of Kubernetes' own kinds are merged by
their keys, and the patch's items come first. Measured with kustomize 5.7.1. One difference is left: a key without
anything after it goes with any merge there, and stays as null here, because the spelling of a null is not kept.
"""

from collections.abc import Mapping
from typing import Any

from kubestats_pipeline.scan.build.transformers.list_keys import list_keys
from kubestats_pipeline.scan.build.transformers.resource import RefusedError, ResourceId

_DIRECTIVE = "$patch"
_GONE = object()
_Keys = Mapping[str, tuple[str, ...]]


def merge_patch(content: dict[str, Any], patch: dict[str, Any], names: ResourceId) -> dict[str, Any]:
    """A copy of an object with a patch merged. It is empty if the patch deletes the object.

    Args:
        content: the object.
        patch: a strategic merge patch of it.
        names: of the object.

    Raises:
        RefusedError: the patch has another shape than the object, or an unknown directive.
    """
    merged = _merge(content, patch, "", list_keys(names.group, names.kind))
    return {} if merged is _GONE else merged


def _merge(value: Any, patch: Any, path: str, keys: _Keys) -> Any:
    """A value with a patch merged, or `_GONE` if nothing is left."""
    if patch is None:
        return _GONE
    if value is not None and value is not _GONE and _shape(value) is not _shape(patch):
        raise RefusedError("a patch has another shape than the field that it changes")
    if isinstance(patch, dict):
        return _merge_mapping(value if isinstance(value, dict) else None, patch, path, keys)
    if isinstance(patch, list):
        return _merge_list(value if isinstance(value, list) else None, patch, path, keys)
    return patch


def _shape(value: Any) -> type:
    return dict if isinstance(value, dict) else list if isinstance(value, list) else str


def _merge_mapping(value: dict[str, Any] | None, patch: dict[str, Any], path: str, keys: _Keys) -> Any:
    directive = patch.get(_DIRECTIVE)
    if directive not in (None, "delete", "replace", "merge"):
        raise RefusedError("a patch has an unknown directive")
    if directive == "delete":
        return _GONE
    if directive is not None:
        patch = {key: item for key, item in patch.items() if key != _DIRECTIVE}
    merged: dict[str, Any] = {} if value is None or directive == "replace" else value
    result = dict(merged)
    for key, item in patch.items():
        new = _merge(merged.get(key), item, f"{path}/{key}" if path else key, keys)
        if new is _GONE:
            result.pop(key, None)
        else:
            result[key] = new
    return result


def _merge_list(value: list[Any] | None, patch: list[Any], path: str, keys: _Keys) -> Any:
    names = keys.get(path)
    if names is None:
        return patch
    directives = [item for item in patch if isinstance(item, dict) and set(item) == {_DIRECTIVE}]
    if directives and directives[0][_DIRECTIVE] == "delete":
        return _GONE
    if directives:
        patch = [item for item in patch if item not in directives]
    if directives and directives[0][_DIRECTIVE] == "replace":
        return patch
    if names == ("",):
        return [*patch, *(item for item in value or () if item not in patch)]
    return _merge_items(value or [], patch, path, keys, names)


def _merge_items(value: list[Any], patch: list[Any], path: str, keys: _Keys, names: tuple[str, ...]) -> list[Any]:
    """Items merged by their keys. Measured: how kustomize treats items that lack a key is its own, not Kubernetes'."""
    items = [item for item in (*patch, *value) if isinstance(item, dict)]
    used = [name for name in names if any(name in item for item in items)]
    if len(used) > 1:
        return _merge_by_keys(value, patch, path, keys, used)
    if any(used[0] not in item for item in items) if used else items:
        return [item for item in value if not used or used[0] not in item]
    changes = {str(item[used[0]]): item for item in patch} if used else {}
    left = {str(item[used[0]]): item for item in value} if used else {}
    merged = {key: _merge_item(left.pop(key, None), item, path, keys) for key, item in changes.items()}
    return [*(item for item in merged.values() if item is not _GONE), *left.values()]


def _merge_by_keys(value: list[Any], patch: list[Any], path: str, keys: _Keys, used: list[str]) -> list[Any]:
    """Items with several keys, such as ports. New ones come first. One like another but for a key is lost."""
    merged, new = list(value), []
    for item in patch:
        exact = [place for place, other in enumerate(merged) if _agree(item, other, used, exactly=True)]
        if exact:
            merged[exact[0]] = _merge_item(merged[exact[0]], item, path, keys)
        elif not any(_agree(item, other, used, exactly=False) for other in value):
            new.append(_merge_item(None, item, path, keys))
    return [item for item in (*new, *merged) if item is not _GONE]


def _agree(item: Any, other: Any, names: list[str], *, exactly: bool) -> bool:
    if not isinstance(item, dict) or not isinstance(other, dict):
        return False
    compared = names if exactly else [name for name in names if name in item and name in other]
    return all(item.get(name) == other.get(name) for name in compared)


def _merge_item(value: Any, patch: Any, path: str, keys: _Keys) -> Any:
    """An item with a patch merged. kustomize does not replace an item that is there."""
    if value is not None and isinstance(patch, dict) and patch.get(_DIRECTIVE) == "replace":
        return value
    return _merge(value, patch, path, keys)
