"""A kustomization file as kustomize reads it: its fields and their types, and the old names of some.

Keys count without regard to case, an unknown one is an error, and so is a number where a text is expected. Measured
with kustomize 5.7.1.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

from kubestats_pipeline.redaction.redact import redact_content
from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.documents.stream import decode_stream

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
KUSTOMIZATION, COMPONENT = "Kustomization", "Component"
_API_VERSIONS = {
    KUSTOMIZATION: ("kustomize.config.k8s.io/v1beta1", "kustomize.config.k8s.io/v1"),
    COMPONENT: ("kustomize.config.k8s.io/v1alpha1",),
}
_SHOWN = ("labels", "commonLabels", "commonAnnotations", "images")
Fields = dict[str, Any]

_TEXT, _TRUTH, _NUMBER, _ANY = "text", "truth value", "number", "anything"
_TEXTS: list[Any] = [_TEXT]
_PAIRS: dict[str, Any] = {"*": _TEXT}
_SELECTOR = dict.fromkeys(
    ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector"), _TEXT
)
_PATCH = {"path": _TEXT, "patch": _TEXT, "target": _SELECTOR, "options": {"*": _TRUTH}}
_OPTIONS = {
    "labels": _PAIRS,
    "annotations": _PAIRS,
    "disableNameSuffixHash": _TRUTH,
    "immutable": _TRUTH,
}
_GENERATOR = {
    **dict.fromkeys(("name", "namespace", "behavior", "env"), _TEXT),
    **dict.fromkeys(("literals", "files", "envs"), _TEXTS),
    "options": _OPTIONS,
}
_FIELD = {"delimiter": _TEXT, "index": _NUMBER, "encoding": _TEXT, "create": _TRUTH}
_FIELD_SPEC = {**dict.fromkeys(("group", "version", "kind", "path"), _TEXT), "create": _TRUTH}
_REPLACEMENT = {
    "path": _TEXT,
    "source": {**_SELECTOR, "fieldPath": _TEXT, "options": _FIELD},
    "sourceValue": _TEXT,
    "targets": [{"select": _SELECTOR, "reject": [_SELECTOR], "fieldPaths": _TEXTS, "options": _FIELD}],
}
_CHART = {
    **dict.fromkeys(
        (
            *("name", "version", "repo", "releaseName", "namespace", "nameTemplate", "valuesFile", "valuesMerge"),
            *("kubeVersion", "chartName", "chartVersion", "chartRepoUrl", "chartRepoName", "values", "chartHome"),
            *("releaseNamespace", "helmBin", "helmHome"),
        ),
        _TEXT,
    ),
    **dict.fromkeys(("additionalValuesFiles", "apiVersions", "extraArgs"), _TEXTS),
    **dict.fromkeys(("includeCRDs", "skipHooks", "skipTests", "debug", "devel"), _TRUTH),
    "valuesInline": _ANY,
}
IMAGE = {**dict.fromkeys(("name", "newName", "newTag", "digest", "tagSuffix"), _TEXT)}
_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("apiVersion", "kind", "namespace", "namePrefix", "nameSuffix"), _TEXT),
    **dict.fromkeys(
        (
            *("resources", "bases", "components", "crds", "configurations", "generators", "transformers"),
            *("validators", "patchesStrategicMerge", "buildMetadata"),
        ),
        _TEXTS,
    ),
    "metadata": _ANY,
    "openapi": _PAIRS,
    "commonLabels": _PAIRS,
    "commonAnnotations": _PAIRS,
    "labels": [
        {"pairs": _PAIRS, "includeSelectors": _TRUTH, "includeTemplates": _TRUTH, "fields": [_FIELD_SPEC]},
    ],
    "patches": [_PATCH],
    "patchesJson6902": [_PATCH],
    "images": [IMAGE],
    "imageTags": [IMAGE],
    "replicas": [{"name": _TEXT, "count": _NUMBER}],
    "replacements": [_REPLACEMENT],
    "vars": [{"name": _TEXT, "objref": _SELECTOR | {"apiVersion": _TEXT}, "fieldref": {"fieldPath": _TEXT}}],
    "configMapGenerator": [_GENERATOR],
    "secretGenerator": [_GENERATOR | {"type": _TEXT}],
    "generatorOptions": _OPTIONS,
    "helmCharts": [_CHART],
    "helmChartInflationGenerator": [_CHART],
    "helmGlobals": {"chartHome": _TEXT, "configHome": _TEXT, "debug": _TRUTH},
    "sortOptions": {"order": _TEXT, "legacySortOptions": _ANY},
    "inventory": _ANY,
}


def decode_kustomization(text: bytes) -> Any:
    """The content of a kustomization file, which is its first document.

    Raises:
        RefusedError: it is not YAML.
    """
    try:
        return next((document.content for document in decode_stream(text, Bounds())), None)
    except DecodeError:
        raise RefusedError("the kustomization is not valid YAML") from None


def read_kustomization(content: Any) -> Fields:
    """The fields of a kustomization, with the old ones under their new names.

    Raises:
        RefusedError: kustomize refuses it.
    """
    if content is None:
        raise RefusedError("the kustomization is empty")
    fields = check_fields(content)
    kind = fields.setdefault("kind", KUSTOMIZATION) or KUSTOMIZATION
    if kind not in _API_VERSIONS:
        raise RefusedError("the kustomization has another kind")
    if fields.get("apiVersion") and fields["apiVersion"] not in _API_VERSIONS[kind]:
        raise RefusedError("the kustomization has another apiVersion")
    if all(value in (None, "", {}) for key, value in fields.items() if key not in ("apiVersion", "kind")):
        raise RefusedError("the kustomization is empty")
    return without_secrets(_renewed(fields))


def check_fields(content: object) -> Fields:
    """Fields of a kustomization under their exact names.

    Raises:
        RefusedError: one is unknown, or has another type.
    """
    checked: Fields = _check(content, _SCHEMA, "kustomization")
    return checked


@lru_cache(maxsize=256)
def read_more(more: bytes) -> Fields:
    """The fields that an applier adds. One adds the same to many folders."""
    return without_secrets(check_fields(orjson.loads(more)))


def without_secrets(fields: Fields) -> Fields:
    """Fields whose labels, annotations and images are fit to be shown. The rest is redacted where it is used."""
    return {key: redact_content(value) if key in _SHOWN else value for key, value in fields.items()}


def check_entries(field: str, items: list[Any]) -> list[Fields]:
    """Entries of a field of a kustomization that stand in a file of their own, where unknown fields are passed over.

    Raises:
        RefusedError: a field has another type.
    """
    checked: list[Fields] = _check(items, _SCHEMA[field], field, is_strict=False)
    return checked


def _check(value: Any, schema: Any, place: str, *, is_strict: bool = True) -> Any:
    if value is None or schema == _ANY:
        return value
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            raise RefusedError(f"{place} is not a mapping")
        return _checked_mapping(value, schema, place, is_strict=is_strict)
    if isinstance(schema, list):
        if not isinstance(value, list):
            raise RefusedError(f"{place} is not a list")
        return [_check(item, schema[0], place, is_strict=is_strict) for item in value]
    if not _is_of_type(value, schema):
        raise RefusedError(f"{place} is not a {schema}")
    return value


def _checked_mapping(value: dict[str, Any], schema: Mapping[str, Any], place: str, *, is_strict: bool) -> Fields:
    if "*" in schema:
        return {key: _check(item, schema["*"], place) for key, item in value.items()}
    names = _names_by_lower(tuple(schema))
    checked = {}
    for key, item in value.items():
        name = names.get(key.lower())
        if name is not None:
            checked[name] = _check(item, schema[name], name, is_strict=is_strict)
        elif is_strict:
            raise RefusedError(f"{place} has an unknown field")
    return checked


@lru_cache(maxsize=64)
def _names_by_lower(names: tuple[str, ...]) -> dict[str, str]:
    return {name.lower(): name for name in names}


def _is_of_type(value: Any, schema: str) -> bool:
    if schema == _TEXT:
        return isinstance(value, str)
    if schema == _TRUTH:
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool)


def _renewed(fields: Fields) -> Fields:
    """Fields with those of old names added to the new ones."""
    fields = dict(fields)
    if bases := fields.pop("bases", None):
        fields["resources"] = [*(fields.get("resources") or ()), *bases]
    if tags := fields.pop("imageTags", None):
        fields["images"] = [*(fields.get("images") or ()), *tags]
    if charts := fields.pop("helmChartInflationGenerator", None):
        fields["helmCharts"] = [*(fields.get("helmCharts") or ()), *map(_chart, charts)]
    return fields


def _chart(entry: Fields) -> Fields:
    """An entry of the old field for charts in the form of the new one."""
    names = {
        "chartName": "name",
        "chartVersion": "version",
        "chartRepoUrl": "repo",
        "values": "valuesFile",
        "releaseNamespace": "namespace",
    }
    return {names.get(key, key): value for key, value in (entry or {}).items()}


def with_more(fields: Fields, more: Fields) -> Fields:
    """Fields with others merged over them, as Flux's kustomize-controller does.

    Lists are appended, scalars replaced. Of two images with one name the later entry stands in the place of the first.
    """
    merged = dict(fields)
    for key, value in more.items():
        known = merged.get(key)
        if key == "images" and isinstance(value, list):
            merged[key] = list({(entry or {}).get("name"): entry for entry in (*(known or ()), *value)}.values())
        elif isinstance(value, list):
            merged[key] = [*(known or ()), *value]
        elif isinstance(value, dict):
            merged[key] = {**(known or {}), **value}
        elif value not in (None, ""):
            merged[key] = value
    return merged


def texts(fields: Fields, key: str) -> list[str]:
    """A list of texts, without the empty ones."""
    return [item for item in fields.get(key) or () if item]


def entries(fields: Fields, key: str) -> Iterator[Fields]:
    """The entries of a list of mappings."""
    return (entry for entry in fields.get(key) or () if entry is not None)
