"""kustomize's `configurations`: files that add field specs to those that are built in."""

from functools import lru_cache
from typing import Any

from kubestats_pipeline.scan.build.transformers.by_identity import ById
from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpec, FieldSpecs, NameReference
from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.documents.stream import decode_stream

_FIELDS = {
    "namespace": "namespace",
    "namePrefix": "name_prefix",
    "nameSuffix": "name_suffix",
    "commonLabels": "common_labels",
    "templateLabels": "template_labels",
    "commonAnnotations": "common_annotations",
    "images": "images",
    "replicas": "replicas",
    "varReference": "var_reference",
}


@lru_cache(maxsize=256)
def read_configuration(text: bytes) -> FieldSpecs:
    """The field specs of a configuration file. Many folders have equal ones, so the last ones are kept.

    Raises:
        RefusedError: it is not such a file.
    """
    try:
        content = next((document.content for document in decode_stream(text, Bounds())), None)
    except DecodeError:
        raise RefusedError("a configuration is not valid YAML") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise RefusedError("a configuration is not a mapping")
    fields: dict[str, Any] = {field: read_field_specs(content.get(key)) for key, field in _FIELDS.items()}
    references = tuple(_reference(entry) for entry in _mappings(content.get("nameReference")))
    return FieldSpecs(**fields, name_reference=references)


def with_specs(specs: FieldSpecs, more: FieldSpecs) -> FieldSpecs:
    """All field specs of both, each once."""
    return specs if specs is more else _both(ById(specs), ById(more))


@lru_cache(maxsize=256)
def _both(specs: ById[FieldSpecs], more: ById[FieldSpecs]) -> FieldSpecs:
    both: Any = [tuple(dict.fromkeys((*known, *new))) for known, new in zip(specs.value, more.value, strict=True)]
    return FieldSpecs(*both)


def read_field_specs(value: Any) -> tuple[FieldSpec, ...]:
    """The field specs of a list of them.

    Raises:
        RefusedError: it is not such a list.
    """
    return tuple(_field_spec(entry) for entry in _mappings(value))


def _field_spec(entry: dict[str, Any]) -> FieldSpec:
    texts = {key: entry.get(key) or "" for key in ("path", "kind", "group", "version")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise RefusedError("a field spec has something else than texts")
    return FieldSpec(**texts, create=entry.get("create") is True)


def _reference(entry: dict[str, Any]) -> NameReference:
    names = {key: str(entry.get(key) or "") for key in ("kind", "group", "version")}
    return NameReference(fields=read_field_specs(entry.get("fieldSpecs")), **names)


def _mappings(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RefusedError("field specs are not a list of mappings")
    return value
