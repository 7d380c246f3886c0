"""Flux: the folder that a Kustomization or a FluxInstance applies, with the changes of kustomize-controller.

Kustomization writes its changes into the kustomization.yaml of the folder, or into one that it generates. So they are
fields of a kustomization here (kustomize-controller, `internal/generator` of fluxcd/pkg/kustomize).
"""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec, SourceOf
from kubestats_pipeline.scan.clusters.appliers.resource_sets import expand, is_resource_set
from kubestats_pipeline.scan.documents.budget import MAX_PATCHES
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.facts import Facts, Reference
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.flux import HELM, KUSTOMIZE

OPERATOR = "fluxcd.controlplane.io"
INSTANCE = "FluxInstance"
_INSTANCE_CHART = "flux-instance"
_SYNC_KINDS = {"GitRepository": "GitRepository", "OCIRepository": "OCIRepository", "Bucket": "Bucket"}


def spec_of_kustomization(content: dict[str, Any], facts: Facts, namespace: str | None) -> ApplySpec | None:
    """The folder of a Flux Kustomization, or None if its path is not a text.

    Args:
        content: the object.
        facts: of the object.
        namespace: its namespace in the cluster.
    """
    found = facts.flux_path
    if found is None:
        return None
    spec = mapping(content, "spec")
    source = found.source and SourceOf(found.source.kind, found.source.name, found.source.namespace or namespace)
    return ApplySpec(
        path=found.path,
        source=source,
        more=canonical_json(dict(_changes(spec))),
        common=canonical_json(_common(spec)),
        substitutes=found.substitutes,
        variables=found.variables,
        variables_from=tuple(Reference(each.kind, each.name, namespace) for each in found.variables_from),
        ignores_missing_components=spec.get("ignoreMissingComponents") is True,
    )


def _changes(spec: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, field in (("targetNamespace", "namespace"), ("namePrefix", "namePrefix"), ("nameSuffix", "nameSuffix")):
        if isinstance(spec.get(key), str) and spec[key]:
            yield field, spec[key]
    for key in ("components", "patches", "patchesStrategicMerge", "patchesJson6902", "images"):
        if isinstance(spec.get(key), list) and spec[key]:
            yield key, spec[key][: MAX_PATCHES + 1]


def _common(spec: dict[str, Any]) -> dict[str, Any]:
    """The labels and annotations of `commonMetadata`, which the controller sets when it applies."""
    common = mapping(spec, "commonMetadata")
    return {key: common[key] for key in ("labels", "annotations") if isinstance(common.get(key), dict) and common[key]}


def spec_of_instance(content: dict[str, Any]) -> tuple[str, ApplySpec] | None:
    """The name of the Kustomization that a FluxInstance makes, and the folder that this one applies.

    A HelmRelease of the chart flux-instance has the same in its values, and either may be in a ResourceSet. None for
    all other objects.
    """
    if is_resource_set(content):
        made = (spec_of_instance(each) for each in expand(content, lambda _: None).objects)
        return next((found for found in made if found is not None), None)
    api, kind = str(content.get("apiVersion")), content.get("kind")
    if kind == INSTANCE and api.startswith(f"{OPERATOR}/"):
        spec = mapping(content, "spec")
    elif kind == "HelmRelease" and api.startswith(f"{HELM}/") and _INSTANCE_CHART in _chart_names(content):
        spec = mapping(content, "spec", "values", "instance")
    else:
        return None
    sync = mapping(spec, "sync")
    path, source = sync.get("path"), sync.get("kind")
    if not isinstance(path, str) or source not in _SYNC_KINDS:
        return None
    url = sync.get("url")
    is_pinned = not str(sync.get("ref", "")).startswith("refs/heads/") and source == "GitRepository"
    decoded = Decoded(sync, 0)
    name = decoded.text(sync, "name") or "flux-system"
    found = SourceOf(source, name, "flux-system", url if isinstance(url, str) else None, is_pinned)
    return name, ApplySpec(normalise_path(path), found)


def _chart_names(content: dict[str, Any]) -> set[object]:
    spec = mapping(content, "spec")
    return {mapping(spec, "chartRef").get("name"), mapping(spec, "chart", "spec").get("chart")}


def is_kustomization_of_flux(content: dict[str, Any]) -> bool:
    """True for a Flux Kustomization."""
    return content.get("kind") == "Kustomization" and str(content.get("apiVersion")).startswith(f"{KUSTOMIZE}/")
