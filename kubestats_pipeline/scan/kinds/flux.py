"""Flux: Kustomization, HelmRelease and the sources that they draw from.

Fields and defaults are those of the Flux API, which kept their meaning over all of its versions.
"""

from typing import Any

from kubestats_pipeline.scan.decode import Decoded
from kubestats_pipeline.scan.facts import ChartUse, Facts, FluxPath, Reference, Source, ValuesPart
from kubestats_pipeline.scan.kinds.registry import scanner
from kubestats_pipeline.scan.values_images import images_in_values

HELM = "helm.toolkit.fluxcd.io"
SOURCE = "source.toolkit.fluxcd.io"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"

DEFAULT_CHART_VERSION = "*"
DEFAULT_OCI_TAG = "latest"
DEFAULT_BRANCH = "master"

INLINE_VALUES = (ValuesPart("map", ("spec", "values")),)
"""What a HelmRelease says itself; it wins over all that `spec.valuesFrom` takes in."""


@scanner(KUSTOMIZE, "Kustomization")
def scan_kustomization(document: Decoded, resource: dict[str, Any]) -> Facts:
    """What the Kustomization applies and where to; a path is relative to the root of its source, blank is the root."""
    spec = _mapping(resource, "spec")
    path = document.text(spec, "path") or ""
    return Facts(flux_path=FluxPath(normalise_path(path), document.text(spec, "targetNamespace")))


@scanner(HELM, "HelmRelease")
def scan_helm_release(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that is released: `spec.chartRef`, else `spec.chart.spec`; with neither it only patches a release."""
    spec = _mapping(resource, "spec")
    name = document.text(spec, "releaseName") or document.text(resource["metadata"], "name")
    reference = _reference(document, spec.get("chartRef"))
    chart = (
        ChartUse(reference=reference) if reference else _chart_use(document, _mapping(_mapping(spec, "chart"), "spec"))
    )
    if chart is None:
        return Facts(patch_reason="neither spec.chart nor spec.chartRef: a patch of a release that stands elsewhere")
    images = images_in_values(document, spec.get("values"), name)
    return Facts(chart=chart, is_release=True, app_name=name, images=images, values=INLINE_VALUES)


@scanner(SOURCE, "HelmChart")
def scan_helm_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A chart taken from a source, to be released by the HelmReleases that refer to it."""
    return Facts(chart=_chart_use(document, _mapping(resource, "spec")))


@scanner(SOURCE, "HelmRepository")
def scan_helm_repository(document: Decoded, resource: dict[str, Any]) -> Facts:
    """An index of charts, or with `type: oci` a registry folder whose children are charts."""
    spec = _mapping(resource, "spec")
    flavour = "oci_registry" if spec.get("type") == "oci" else "helm"
    return Facts(source=Source(flavour, document.text(spec, "url") or ""))


@scanner(SOURCE, "OCIRepository")
def scan_oci_repository(document: Decoded, resource: dict[str, Any]) -> Facts:
    """One artifact in a registry; `spec.ref` selects by digest over semver over tag, by default the tag `latest`."""
    spec = _mapping(resource, "spec")
    ref = _mapping(spec, "ref")
    selected = (document.text(ref, key) for key in ("digest", "semver", "tag"))
    version = next((value for value in selected if value), DEFAULT_OCI_TAG)
    return Facts(version=version, source=Source("oci", document.text(spec, "url") or "", version))


@scanner(SOURCE, "GitRepository")
def scan_git_repository(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A git repository; `spec.ref` selects by commit, name, semver, tag, branch in this order, else `master`."""
    spec = _mapping(resource, "spec")
    ref = _mapping(spec, "ref")
    selected = (document.text(ref, key) for key in ("commit", "name", "semver", "tag", "branch"))
    version = next((value for value in selected if value), DEFAULT_BRANCH)
    return Facts(version=version, source=Source("git", document.text(spec, "url") or "", version))


def normalise_path(path: str) -> str:
    """A path relative to the root of a repository: `./x`, `/x` and `x/` are `x`; the root is empty."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _chart_use(document: Decoded, spec: dict[str, Any]) -> ChartUse | None:
    name = document.text(spec, "chart")
    source = _reference(document, spec.get("sourceRef"))
    if name is None:
        return None
    return ChartUse(name=name, version=document.text(spec, "version") or DEFAULT_CHART_VERSION, source=source)


def _reference(document: Decoded, value: object) -> Reference | None:
    kind, name = document.text(value, "kind"), document.text(value, "name")
    if kind is None or name is None:
        return None
    return Reference(kind, name, document.text(value, "namespace"))


def _mapping(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}
