"""Embedded releases: parts of other documents that install a chart, as resources of their own.

They are the dependencies of a Chart.yaml, kustomize's `helmCharts`, and the further sources of an Argo CD Application.
They have no metadata, so they get the form of a resource here: `spec` is the part of the document, and the name is that
of the release. Their scanners are in `kinds/helm.py` and `kinds/argo.py`. Identity, hashes and events are those of any
resource.
"""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.shapes import mappings
from kubestats_pipeline.scan.kinds import argo, helm

CHART_FILE = "Chart.yaml"


def embedded_in_file(document: Decoded, file_name: str, *, is_kustomization: bool) -> Iterator[dict[str, Any]]:
    """The dependencies in a Chart.yaml, or the charts that a kustomization inflates."""
    content = document.content
    if not isinstance(content, dict):
        return
    if file_name == CHART_FILE:
        yield from _dependencies(document, content)
    elif is_kustomization:
        yield from _inflated(document, content)


def embedded_in_resource(document: Decoded, resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The sources with a chart of an Application or ApplicationSet, without the first one, which its own row shows."""
    places = {"Application": ("spec",), "ApplicationSet": argo.TEMPLATE}
    place = places.get(resource["kind"]) if resource["apiVersion"].startswith(f"{argo.GROUP}/") else None
    sources = argo.sources_at(resource, place) if place else []
    if len(sources) < 2:
        return
    owner = document.text(resource["metadata"], "name")
    used = [(source, use) for _, source in sources if (use := argo.chart_use(document, source)) is not None]
    for source, use in used[1:]:
        name = f"{owner}-{(use.name or '').rpartition('/')[2]}"
        metadata = {"name": name} | _namespace(document.text(resource["metadata"], "namespace"))
        head = {"apiVersion": resource["apiVersion"], "kind": argo.SOURCE_KIND, "metadata": metadata}
        yield head | {"application": owner, "spec": {"source": source}}


def _dependencies(document: Decoded, chart: dict[str, Any]) -> Iterator[dict[str, Any]]:
    version = chart.get("apiVersion") if chart.get("apiVersion") in ("v1", "v2") else "v2"
    for dependency in mappings(chart.get("dependencies")):
        name = document.text(dependency, "alias") or document.text(dependency, "name")
        if name:
            head = {"apiVersion": f"{helm.GROUP}/{version}", "kind": helm.DEPENDENCY, "metadata": {"name": name}}
            yield head | {"chart": document.text(chart, "name"), "spec": dependency}


def _inflated(document: Decoded, kustomization: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in mappings(kustomization.get("helmCharts")):
        name = document.text(entry, "releaseName") or document.text(entry, "name")
        if name:
            metadata = {"name": name} | _namespace(document.text(entry, "namespace"))
            yield {"apiVersion": helm.INFLATOR_API, "kind": helm.INFLATOR, "metadata": metadata, "spec": entry}


def _namespace(namespace: str | None) -> dict[str, str]:
    return {"namespace": namespace} if namespace else {}
