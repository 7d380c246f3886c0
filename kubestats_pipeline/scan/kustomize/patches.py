"""kustomize's patches, as far as they change fields that the resolution needs: namespaces, charts, versions, sources.

A patch is a mapping that is merged, or a list of JSON operations. All other fields are left out when it is read, so
that most patches are empty. Patches come from `kustomization.py` and `kinds/flux.py`, and are applied in
`transform.py`.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from kubestats_pipeline.redaction.redact import redact, redact_content
from kubestats_pipeline.scan.documents.budget import MAX_PATCH_DEPTH, MAX_PATCHES, TooComplexError
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, DecodeError
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.facts.transforms import Patch, PatchFile, PatchTarget
from kubestats_pipeline.scan.kustomize.label_selector import matches_selector

SPEC_FIELDS = frozenset(
    {
        *("chart", "chartRef", "version", "sourceRef", "releaseName", "valuesFrom"),
        *("url", "ref", "type"),
        *("targetNamespace", "postBuild", "patches", "images", "namePrefix", "nameSuffix"),
    }
)
"""Fields of the spec that the resolution needs: of HelmReleases and HelmCharts, of sources, of Flux Kustomizations."""

_MERGED = {"spec": SPEC_FIELDS, "metadata": frozenset({"labels", "annotations"})}
_OPERATED = {"spec": SPEC_FIELDS, "metadata": frozenset({"labels", "annotations", "name", "namespace"})}
"""Fields by section that a patch may change. Only an operation can change a name, because a merged patch names its
target in its metadata.
"""
MOVED_A_STEP = 64
"""Bytes of a document whose list items are moved in one step."""

_REMEMBERED = 1_000
_LONGEST_PATTERN = 256
_LONGEST_NAME = 253
"""Characters of a text that a pattern is compared with, because Kubernetes allows no longer names."""

_ONE_CHARACTER = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
_REPEAT = re.compile(r"[*+{]|(?<!\()\?")
_REPEATED_GROUP = re.compile(r"\)[*+{]|\\\d")
_ENCLOSED = re.compile(r"\^?\((?:\?:)?([^()]*)\)\$?")


def read_patches(document: Decoded, items: object) -> Iterator[Patch | PatchFile]:
    """The `patches` of a kustomization or of a Flux Kustomization."""
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        target = _target(document, item["target"]) if isinstance(item.get("target"), dict) else None
        if isinstance(item.get("patch"), str):
            yield from inline_patches(item["patch"], target)
        elif path := document.text(item, "path"):
            yield PatchFile(path, target)


@functools.lru_cache(maxsize=_REMEMBERED)
def inline_patches(text: str, target: PatchTarget | None) -> tuple[Patch, ...]:
    """The patches in a text. They are cached, because most Kustomizations of a repository have the same."""
    try:
        contents = [document.content for document in decode_stream(text.encode("utf-8", "replace"), Bounds())]
    except DecodeError:
        return ()
    return tuple(patch for content in contents if (patch := patch_of(content, target)) is not None)


def patch_of(content: object, target: PatchTarget | None) -> Patch | None:
    """A decoded patch with only the fields that the resolution needs, or None if it has none, or has no target."""
    if isinstance(content, list):
        operations = [item for item in redact_content(content) if isinstance(item, dict) and _matters(item)]
        return Patch(target, canonical_json(operations)) if operations and target is not None else None
    if not isinstance(content, dict):
        return None
    target = target or _own_target(content)
    kept = {
        section: {key: value for key, value in content[section].items() if key in fields}
        for section, fields in _MERGED.items()
        if isinstance(content.get(section), dict)
    }
    kept = {section: fields for section, fields in redact(kept).items() if fields}
    return Patch(target, canonical_json(kept)) if kept and target is not None else None


def is_target(
    target: PatchTarget, resource: Mapping[str, Any], names: Iterable[str], namespaces: Iterable[str | None]
) -> bool:
    """True if a resource is among the targets of a patch, by its name now or by a former one."""
    group, _, version = str(resource.get("apiVersion", "")).rpartition("/")
    given = ((target.group, [group]), (target.version, [version]), (target.kind, [resource.get("kind")]))
    if not all(_fits(pattern, values) for pattern, values in given):
        return False
    if not _fits(target.name, names) or not _fits(target.namespace, namespaces):
        return False
    metadata = resource.get("metadata")
    selected = ((target.labels, "labels"), (target.annotations, "annotations"))
    return all(matches_selector(selector, _mapping(metadata, key)) for selector, key in selected if selector)


def apply_patches(resource: dict[str, Any], patches: Iterable[Patch]) -> dict[str, Any]:
    """A copy of the resource with the patches applied.

    Raises:
        TooComplexError: a patch has too many operations, or one of them reaches too deep.
    """
    changed: dict[str, Any] = orjson.loads(orjson.dumps(resource))
    for patch in patches:
        content = orjson.loads(patch.content)
        if isinstance(content, dict):
            _merge(changed, content)
        else:
            _operate_all(changed, content)
    return changed


def steps_of(patches: Iterable[Patch], size: int) -> int:
    """Steps to apply patches to a document of `size` bytes. All is read, and an operation may move a long list."""
    operations = sum(patch.content.count(b'"op"') for patch in patches if patch.content.startswith(b"["))
    return size + sum(len(patch.content) for patch in patches) + operations * size // MOVED_A_STEP


def _merge(resource: dict[str, Any], patch: dict[str, Any]) -> None:
    """Merge a patch as kustomize does for custom resources: mappings are merged, null removes, all else replaces."""
    for key, value in patch.items():
        if value is None:
            resource.pop(key, None)
        elif isinstance(value, dict):
            below = resource.get(key)
            if not isinstance(below, dict):
                below = resource[key] = {}
            _merge(below, value)
        else:
            resource[key] = value


def _operate_all(resource: dict[str, Any], operations: list[dict[str, Any]]) -> None:
    if len(operations) > MAX_PATCHES:
        raise TooComplexError(f"a patch of it has more than {MAX_PATCHES} operations")
    for operation in operations:
        *parents, last = _steps(operation)
        if len(parents) > MAX_PATCH_DEPTH:
            raise TooComplexError(f"a patch of it reaches deeper than {MAX_PATCH_DEPTH} levels")
        holder: Any = resource
        for step in parents:
            if isinstance(holder, list):
                holder = holder[index] if 0 <= (index := _index(step)) < len(holder) else None
            else:
                holder = holder.setdefault(step, {}) if isinstance(holder, dict) else None
        _operate(holder, last, operation)


def _operate(holder: Any, key: str, operation: dict[str, Any]) -> None:
    """Apply one `add`, `replace` or `remove`. An impossible one is left out, because the document may lack fields."""
    is_removal = operation.get("op") == "remove"
    if isinstance(holder, dict):
        holder.pop(key, None)
        if not is_removal:
            holder[key] = operation.get("value")
    elif isinstance(holder, list):
        index = len(holder) if key == "-" else _index(key)
        if operation.get("op") == "add" and 0 <= index <= len(holder):
            holder.insert(index, operation.get("value"))
        elif 0 <= index < len(holder):
            holder[index : index + 1] = [] if is_removal else [operation.get("value")]


def _index(step: str) -> int:
    """A list index, or -1 if the step is not one."""
    return int(step) if step.isdecimal() and len(step) < 10 else -1


def _steps(operation: dict[str, Any]) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in str(operation.get("path")).split("/")[1:]]


def _matters(operation: dict[str, Any]) -> bool:
    steps = _steps(operation)
    if operation.get("op") not in ("add", "replace", "remove"):
        return False
    if len(steps) == 1:
        return steps[0] in ("spec", "metadata")
    return len(steps) > 1 and steps[1] in _OPERATED.get(steps[0], ())


def _own_target(content: dict[str, Any]) -> PatchTarget | None:
    """The target of a patch that has none: the resource that it names itself."""
    metadata = _mapping(content, "metadata")
    kind, name, namespace = content.get("kind"), metadata.get("name"), metadata.get("namespace")
    if not isinstance(kind, str) or not isinstance(name, str):
        return None
    group = str(content.get("apiVersion", "")).rpartition("/")[0]
    exact = [re.escape(text) if isinstance(text, str) else None for text in (group, kind, name, namespace)]
    return PatchTarget(group=exact[0], kind=exact[1], name=exact[2], namespace=exact[3])


def _target(document: Decoded, item: dict[str, Any]) -> PatchTarget:
    keys = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
    return PatchTarget(*(document.text(item, key) or None for key in keys))


def _fits(pattern: str | None, values: Iterable[str | None]) -> bool:
    if pattern is None:
        return True
    compiled = _compiled(pattern)
    return compiled is not None and any(
        value is not None and len(value) <= _LONGEST_NAME and compiled.fullmatch(value) for value in values
    )


@functools.lru_cache(maxsize=_REMEMBERED)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, or None if Python cannot read it, or if it might take more than linear time, unlike kustomize's."""
    if len(pattern) > _LONGEST_PATTERN or not _repeats_once(pattern):
        return None
    try:
        return None if _REPEATED_GROUP.search(pattern) else re.compile(pattern)
    except re.error:
        return None


def _repeats_once(pattern: str) -> bool:
    """True if every alternative has at most one repetition, because Python would try all combinations of several."""
    simple = _ONE_CHARACTER.sub(".", pattern)
    enclosed = _ENCLOSED.fullmatch(simple)
    alternatives = (enclosed[1] if enclosed else simple).split("|")
    if any("(" in alternative for alternative in alternatives):
        alternatives = [simple]
    return all(len(_REPEAT.findall(alternative)) <= 1 for alternative in alternatives)


def _mapping(parent: object, key: str) -> dict[str, Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}
