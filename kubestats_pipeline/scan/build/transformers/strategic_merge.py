"""Strategic merge patches as kustomize applies them.

Mappings are merged, null removes a field, and other values replace it. Lists of Kubernetes' own kinds are merged by
their keys, and the patch's items come first. Measured with kustomize 5.7.1.
"""

from collections.abc import Mapping
from typing import Any

from kubestats_pipeline.scan.build.transformers.list_keys import list_keys
from kubestats_pipeline.scan.build.transformers.resource import RefusedError, id_of

_DIRECTIVE = "$patch"
_GONE = object()
_Keys = Mapping[str, tuple[str, ...]]


def merge_patch(content: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A copy of an object with a patch merged. It is empty if the patch deletes the object.

    Raises:
        RefusedError: the patch has another shape than the object, or an unknown directive.
    """
    names = id_of(content)
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
    directives = [item for item in patch if isinstance(item, dict) and set(item) == {_DIRECTIVE}]
    if directives and directives[0][_DIRECTIVE] == "delete":
        return _GONE
    if directives:
        patch = [item for item in patch if item not in directives]
    if names is None or (directives and directives[0][_DIRECTIVE] == "replace"):
        return patch
    if names == ("",):
        return [*patch, *(item for item in value or () if item not in patch)]
    return _merge_items(value or [], patch, path, keys, names)


def _merge_items(value: list[Any], patch: list[Any], path: str, keys: _Keys, names: tuple[str, ...]) -> list[Any]:
    used = [name for name in names if any(isinstance(item, dict) and name in item for item in (*patch, *value))]

    def key_of(item: Any) -> tuple[Any, ...]:
        return tuple(str(item.get(name, "")) for name in used) if isinstance(item, dict) else (id(item),)

    left = {key_of(item): item for item in value}
    result = []
    for item in patch:
        merged = _merge(left.pop(key_of(item), None), item, path, keys)
        if merged is not _GONE:
            result.append(merged)
    return [*result, *left.values()]
