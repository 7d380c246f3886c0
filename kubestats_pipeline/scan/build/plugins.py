"""kustomize's `generators`, `transformers` and `validators`: its built-in plugins, each configured by an object.

A plugin that is not built in runs a program, which neither kubectl nor Flux does, so such a build is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

from kubestats_pipeline.scan.build.configurations import read_field_specs
from kubestats_pipeline.scan.build.generators import CHART, CONFIG_MAP, SECRET, Exists, ReadText, chart_of, generate
from kubestats_pipeline.scan.build.kustomization import check_entries
from kubestats_pipeline.scan.build.transformers.images import override_images
from kubestats_pipeline.scan.build.transformers.labels import set_pairs, set_replicas
from kubestats_pipeline.scan.build.transformers.names import add_prefix, add_suffix
from kubestats_pipeline.scan.build.transformers.namespaces import SUBJECTS, set_namespace
from kubestats_pipeline.scan.build.transformers.patch_steps import read_patch
from kubestats_pipeline.scan.build.transformers.patches import (
    apply_json_patches,
    apply_merges,
    apply_patches,
)
from kubestats_pipeline.scan.build.transformers.replacements import apply_replacement, read_replacements
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources

Config = Mapping[str, Any]
BUILT_IN = "builtin"


def generate_by_plugin(config: Config, read: ReadText, exists: Exists) -> BuildResource:
    """The resource that a generator makes of its configuration.

    Raises:
        RefusedError: it is not built in, or its configuration is wrong.
    """
    kind = config.get("kind")
    metadata: Any = config.get("metadata") or {}
    fields = {key: value for key, value in config.items() if key not in ("apiVersion", "kind", "metadata")}
    if kind == CHART:
        return chart_of(_entry("helmCharts", fields), None)
    if config.get("apiVersion") != BUILT_IN or kind not in ("ConfigMapGenerator", "SecretGenerator"):
        raise RefusedError("a generator is not built in")
    named = {key: metadata[key] for key in ("name", "namespace") if metadata.get(key)}
    field, made = ("configMapGenerator", CONFIG_MAP) if kind == "ConfigMapGenerator" else ("secretGenerator", SECRET)
    return generate(made, _entry(field, {**named, **fields}), {}, read, exists)


def transform_by_plugin(resources: Resources, config: Config, read: ReadText) -> Resources:
    """All resources after the transformer of a configuration.

    Raises:
        RefusedError: it is not built in, its configuration is wrong, or it cannot be applied.
    """
    transformer = _TRANSFORMERS.get(str(config.get("kind")))
    if config.get("apiVersion") != BUILT_IN or transformer is None:
        raise RefusedError("a transformer is not built in")
    return transformer(resources, config, read)


def _entry(field: str, entry: Any) -> dict[str, Any]:
    """An entry of a kustomization's field."""
    return check_entries(field, [entry])[0]


def _specs(config: Config) -> Any:
    return read_field_specs(config.get("fieldSpecs"))


def _namespace(resources: Resources, config: Config, _: ReadText) -> Resources:
    metadata: Any = config.get("metadata") or {}
    return set_namespace(
        resources,
        config.get("namespace") or metadata.get("namespace") or "",
        _specs(config),
        unset_only=config.get("unsetOnly") is True,
        subjects=config.get("setRoleBindingSubjects") or SUBJECTS[0],
    )


def _images(resources: Resources, config: Config, _: ReadText) -> Resources:
    return override_images(resources, _entry("images", config.get("imageTag") or {}), _specs(config))


def _labels(resources: Resources, config: Config, _: ReadText) -> Resources:
    return set_pairs(resources, config.get("labels") or {}, _specs(config), "label")


def _annotations(resources: Resources, config: Config, _: ReadText) -> Resources:
    return set_pairs(resources, config.get("annotations") or {}, _specs(config), "annotation")


def _replicas(resources: Resources, config: Config, _: ReadText) -> Resources:
    return set_replicas(resources, _entry("replicas", config.get("replica") or {}), _specs(config))


def _names(resources: Resources, config: Config, _: ReadText) -> Resources:
    specs = _specs(config)
    prefix, suffix = config.get("prefix") or "", config.get("suffix") or ""
    resources = add_prefix(resources, prefix, specs) if prefix else resources
    return add_suffix(resources, suffix, specs) if suffix else resources


def _text(config: Config, field: str, read: ReadText) -> bytes:
    text, path = config.get(field) or "", config.get("path") or ""
    if bool(text) == bool(path):
        raise RefusedError("a patch needs either a text or a path")
    return str(text).encode("utf-8", "replace") if text else read(path)


def _patch(resources: Resources, config: Config, read: ReadText) -> Resources:
    entry = _entry("patches", {key: config[key] for key in ("target", "options") if key in config})
    patch = read_patch(_text(config, "patch", read))
    return apply_patches(resources, [(patch, entry.get("target"), entry.get("options") or {})])


def _json_patch(resources: Resources, config: Config, read: ReadText) -> Resources:
    patch = read_patch(_text(config, "jsonOp", read))
    target = _entry("patches", {"target": config.get("target")}).get("target") or {}
    if patch.operations is None:
        raise RefusedError("a JSON patch is not a list of operations")
    return apply_json_patches(resources, [(patch.operations, target)])


def _merges(resources: Resources, config: Config, read: ReadText) -> Resources:
    texts = [read(path) for path in config.get("paths") or ()]
    if inline := config.get("patches"):
        texts.append(str(inline).encode("utf-8", "replace"))
    return apply_merges(resources, [merge for text in texts for merge in read_patch(text).merges])


def _replacements(resources: Resources, config: Config, read: ReadText) -> Resources:
    for entry in config.get("replacements") or ():
        path = entry.get("path") if isinstance(entry, dict) else None
        for replacement in check_entries("replacements", read_replacements(read(path)) if path else [entry]):
            resources = apply_replacement(resources, replacement)
    return resources


_TRANSFORMERS: dict[str, Callable[[Resources, Config, ReadText], Resources]] = {
    "NamespaceTransformer": _namespace,
    "ImageTagTransformer": _images,
    "LabelTransformer": _labels,
    "AnnotationsTransformer": _annotations,
    "ReplicaCountTransformer": _replicas,
    "PrefixTransformer": _names,
    "SuffixTransformer": _names,
    "PrefixSuffixTransformer": _names,
    "PatchTransformer": _patch,
    "PatchJson6902Transformer": _json_patch,
    "PatchStrategicMergeTransformer": _merges,
    "ReplacementTransformer": _replacements,
}
