"""Rancher Fleet: the chart that a `fleet.yaml` or a HelmOp installs, and other versions of it for some clusters.

Fields are those of Fleet's reference of fleet.yaml. Without `helm.chart` a bundle installs what its folder holds, which
has rows of its own.
"""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.chart_arguments import chart_argument
from kubestats_pipeline.scan.facts.facts import Facts, ValuesPart
from kubestats_pipeline.scan.facts.images_in_values import images_in_values
from kubestats_pipeline.scan.facts.shapes import as_resource, mapping, mappings
from kubestats_pipeline.scan.kinds.registry import scanner

GROUP = "fleet.cattle.io"
RELEASE = "FleetRelease"
FILES = ("fleet.yaml", "fleet.yml")

_API = f"{GROUP}/v1alpha1"
_CHART = ("chart", "repo", "version")
_OWN_VALUES = "targetValues"
"""The values of one customization, which Fleet merges over the common ones."""


def fleet_releases(document: Decoded, content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The release of a fleet.yaml, and one for each customization that installs another chart or version."""
    helm = mapping(content, "helm")
    name = _name(document, helm)
    if name:
        yield as_resource(_API, RELEASE, name, _namespace(document, content), helm)
    for customization in mappings(content.get("targetCustomizations")):
        own = mapping(customization, "helm")
        if customization.get("doNotDeploy") is True or not any(document.text(own, key) for key in _CHART):
            continue
        spec = {**helm, **own, "values": helm.get("values"), _OWN_VALUES: own.get("values")}
        spec |= {key: document.text(own, key) or document.text(helm, key) for key in _CHART}
        name, target = _name(document, spec), document.text(customization, "name")
        if name and target:
            namespace = _namespace(document, customization) or _namespace(document, content)
            yield as_resource(_API, RELEASE, f"{name}-{target}", namespace, spec, application=name)


@scanner(GROUP, RELEASE)
def scan_fleet_release(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart of a fleet.yaml."""
    app = document.text(resource, "application") or document.text(resource["metadata"], "name")
    return _facts(document, mapping(resource, "spec"), ("spec",), app)


@scanner(GROUP, "HelmOp")
def scan_helm_op(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that a HelmOp installs, without a git repository."""
    helm, name = mapping(resource, "spec", "helm"), document.text(resource["metadata"], "name")
    if not _chart(document, helm):
        return Facts()
    return _facts(document, helm, ("spec", "helm"), document.text(helm, "releaseName") or name)


def _facts(document: Decoded, helm: dict[str, Any], place: tuple[str, ...], app: str | None) -> Facts:
    chart = _chart(document, helm) or ""
    use = chart_argument(chart, document.text(helm, "repo"), document.text(helm, "version"))
    values = tuple(_values(helm, place))
    found = (images_in_values(document, helm.get(key), app) for key in ("values", _OWN_VALUES))
    images = tuple(dict.fromkeys(image for images in found for image in images))
    return Facts(chart=use, is_release=True, app_name=app, images=images, values=values)


def _values(helm: dict[str, Any], place: tuple[str, ...]) -> Iterator[ValuesPart]:
    """The inputs in the order in which Fleet merges them: the values, then each file over them."""
    if helm.get("valuesFrom"):
        yield ValuesPart("unknown")
    if helm.get("values"):
        yield ValuesPart("map", (*place, "values"))
    files = helm.get("valuesFiles")
    for file in files if isinstance(files, list) else ():
        is_known = isinstance(file, str) and "://" not in file
        yield ValuesPart("file", path=file) if is_known else ValuesPart("unknown")
    if helm.get("templateValues"):
        yield ValuesPart("unknown")
    if helm.get(_OWN_VALUES):
        yield ValuesPart("map", (*place, _OWN_VALUES))


def _chart(document: Decoded, helm: dict[str, Any]) -> str | None:
    """The chart, which may also stand in `repo` as the URL of an artifact."""
    repository = document.text(helm, "repo")
    is_artifact = repository is not None and repository.startswith("oci://")
    return document.text(helm, "chart") or (repository if is_artifact else None)


def _name(document: Decoded, helm: dict[str, Any]) -> str | None:
    """The name of the release, or else of its chart, because Fleet's own default is made of the repository's name."""
    chart = _chart(document, helm)
    if not chart:
        return None
    named = chart_argument(chart, document.text(helm, "repo"), None).name or chart
    return document.text(helm, "releaseName") or named.rstrip("/").rpartition("/")[2]


def _namespace(document: Decoded, content: dict[str, Any]) -> str | None:
    return document.text(content, "namespace") or document.text(content, "defaultNamespace")
