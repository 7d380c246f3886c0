"""Flux: Kustomization, HelmRelease and their sources.

Fields and defaults are those of the Flux API, which are the same in all of its versions.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from kubestats_pipeline.redaction.redact import redact_setting
from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.facts import (
    ChartSource,
    ChartUse,
    Copy,
    Facts,
    FluxPath,
    Reference,
    SourceFlavour,
    ValuesFrom,
    ValuesPart,
)
from kubestats_pipeline.scan.facts.images_in_values import images_in_values
from kubestats_pipeline.scan.facts.shapes import mappings
from kubestats_pipeline.scan.kinds.registry import scanner

HELM = "helm.toolkit.fluxcd.io"
SOURCE = "source.toolkit.fluxcd.io"
KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
EXTENSIONS = "source.extensions.fluxcd.io"

DEFAULT_CHART_VERSION = "*"
DEFAULT_OCI_TAG = "latest"
DEFAULT_BRANCH = "master"

INLINE_VALUES = (ValuesPart("map", ("spec", "values")),)
"""The values in a HelmRelease itself. They win over those of `spec.valuesFrom`."""


@scanner(KUSTOMIZE, "Kustomization")
def scan_kustomization(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The path that it applies, with its variables. The path is relative to the root of its source."""
    spec = _mapping(resource, "spec")
    build = _mapping(spec, "postBuild")
    variables = tuple(_variables(document, _mapping(build, "substitute")))
    others = tuple(_references(document, build.get("substituteFrom")))
    return Facts(
        flux_path=FluxPath(
            path=normalise_path(document.text(spec, "path") or ""),
            source=_reference(document, spec.get("sourceRef")),
            substitutes=bool(variables or others),
            variables=variables,
            variables_from=others,
        )
    )


@scanner(EXTENSIONS, "ArtifactGenerator")
def scan_artifact_generator(document: Decoded, resource: dict[str, Any]) -> Facts:
    """Artifacts made of folders of sources: `from: "@alias/apps/**"`, `to: "@artifact/"`."""
    spec = _mapping(resource, "spec")
    sources = {str(source.get("alias")): _reference(document, source) for source in mappings(spec.get("sources"))}
    copies = [
        copy
        for artifact in mappings(spec.get("artifacts"))
        for item in mappings(artifact.get("copy"))
        if (copy := _copy(document, artifact, item, sources)) is not None
    ]
    return Facts(copies=tuple(copies))


@scanner(HELM, "HelmRelease")
def scan_helm_release(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that is released: `spec.chartRef`, else `spec.chart.spec`. Without both it only patches a release."""
    spec = _mapping(resource, "spec")
    name = document.text(spec, "releaseName") or document.text(resource["metadata"], "name")
    reference = _reference(document, spec.get("chartRef"))
    chart = (
        ChartUse(reference=reference) if reference else _chart_use(document, _mapping(_mapping(spec, "chart"), "spec"))
    )
    if chart is None:
        return Facts(patch_reason="neither spec.chart nor spec.chartRef: a patch of a release in another file")
    images = images_in_values(document, spec.get("values"), name)
    others = tuple(_values_from(document, spec.get("valuesFrom")))
    return Facts(chart=chart, is_release=True, app_name=name, images=images, values=INLINE_VALUES, values_from=others)


@scanner(SOURCE, "HelmChart")
def scan_helm_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A chart taken from a source, to be released by the HelmReleases that refer to it."""
    return Facts(chart=_chart_use(document, _mapping(resource, "spec")))


@scanner(SOURCE, "HelmRepository")
def scan_helm_repository(document: Decoded, resource: dict[str, Any]) -> Facts:
    """An index of charts, or with `type: oci` a registry folder whose children are charts."""
    spec = _mapping(resource, "spec")
    flavour: SourceFlavour = "oci_registry" if spec.get("type") == "oci" else "helm"
    return Facts(source=ChartSource(flavour, document.text(spec, "url") or ""))


@scanner(SOURCE, "OCIRepository")
def scan_oci_repository(document: Decoded, resource: dict[str, Any]) -> Facts:
    """One artifact in a registry. `spec.ref` selects it by digest, else semver, else tag, else the tag `latest`."""
    spec = _mapping(resource, "spec")
    ref = _mapping(spec, "ref")
    digest, semver, tag = (document.text(ref, key) for key in ("digest", "semver", "tag"))
    version = digest or semver or tag or DEFAULT_OCI_TAG
    beside = tag if digest and tag else None
    return Facts(version=version, source=ChartSource("oci", document.text(spec, "url") or "", version, tag=beside))


@scanner(SOURCE, "GitRepository")
def scan_git_repository(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A git repository. `spec.ref` selects by commit, name, semver, tag, branch in this order, else `master`."""
    spec = _mapping(resource, "spec")
    ref = _mapping(spec, "ref")
    selected = [document.text(ref, key) for key in ("commit", "name", "semver", "tag", "branch")]
    version = next((value for value in selected if value), DEFAULT_BRANCH)
    is_pinned = any((selected[0], selected[2], selected[3]))
    return Facts(version=version, source=ChartSource("git", document.text(spec, "url") or "", version, is_pinned))


@scanner(SOURCE, "Bucket")
def scan_bucket(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A bucket of an object store."""
    spec = _mapping(resource, "spec")
    parts = [document.text(spec, key) or "" for key in ("endpoint", "bucketName", "prefix")]
    return Facts(source=ChartSource("bucket", "/".join(part.strip("/") for part in parts if part)))


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


def _references(document: Decoded, items: object) -> Iterator[Reference]:
    return (found for item in mappings(items) if (found := _reference(document, item)) is not None)


def _values_from(document: Decoded, items: object) -> Iterator[ValuesFrom]:
    for item in mappings(items):
        if (reference := _reference(document, item)) is not None:
            key = document.text(item, "valuesKey") or "values.yaml"
            optional = item.get("optional") is True
            yield ValuesFrom(reference, key, document.text(item, "targetPath"), optional)


def _variables(document: Decoded, items: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """The variables with their public values."""
    for name in sorted(items):
        value = document.text(items, name)
        if value is not None:
            yield name, public_value(name, value)


def public_value(name: str, value: str) -> str | None:
    """The value of a variable without line breaks, as in Flux, or None if it is secret or has a secret in it."""
    shown = redact_setting((name,), value)
    return None if REDACTED in shown or ENCRYPTED in shown else shown.replace("\n", "")


def _copy(
    document: Decoded, artifact: dict[str, Any], item: dict[str, Any], sources: Mapping[str, Reference | None]
) -> Copy | None:
    """A whole folder that is copied, or None for any other copy, because the paths that it makes are not known."""
    name, source, to = document.text(artifact, "name"), document.text(item, "from"), document.text(item, "to")
    if not name or not source or not to or not source.endswith(("/**", "/")) or not to.startswith("@artifact"):
        return None
    alias, _, folder = source.removeprefix("@").removesuffix("**").partition("/")
    return Copy(name, normalise_path(folder), normalise_path(to.partition("/")[2]), sources.get(alias))


def _mapping(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}
