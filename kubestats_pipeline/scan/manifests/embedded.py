"""Embedded releases: parts of other documents that install a chart, as resources of their own.

They are the dependencies of a chart, kustomize's `helmCharts`, the entries of a helmfile or fleet.yaml, the charts that
an object of a controller lists, the Applications of an ApplicationSet that gives them itself, and the further sources
of an Application. A chart of the repository is a resource too. They have no metadata, so they get the form of a
resource here: `spec` is the part of the document, and the name is that of the release. Identity, hashes and events are
those of any resource.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.shapes import as_resource, mappings
from kubestats_pipeline.scan.kinds import argo, fleet, helm, helmfile
from kubestats_pipeline.scan.kinds.application_sets import expand
from kubestats_pipeline.scan.kinds.chart_installers import charts_in_resource
from kubestats_pipeline.scan.kustomize.kustomization import KUSTOMIZATION_FILES

CHART_FILE = "Chart.yaml"
REQUIREMENTS_FILE = "requirements.yaml"

_NAMED_FILES = KUSTOMIZATION_FILES | {CHART_FILE, REQUIREMENTS_FILE}


def special_name(path: str) -> str:
    """The name on which the content of a file depends, or an empty text. All names of helmfiles are one.

    Such files are read because of their name, even if they mention no kind.
    """
    name = path.rpartition("/")[2]
    if name in _NAMED_FILES:
        return name
    if name in fleet.FILES:
        return fleet.FILES[0]
    return helmfile.FILE if helmfile.is_helmfile(path) else ""


def embedded_in_file(
    document: Decoded, file_name: str, documents: Sequence[Decoded], *, is_kustomization: bool
) -> Iterator[dict[str, Any]]:
    """The releases in a file that belongs to Helm, kustomize, Fleet or Helmfile by its name.

    Args:
        document: of the file.
        file_name: its special name.
        documents: all documents of the file.
        is_kustomization: true if the document is a kustomization.
    """
    content = document.content
    if not isinstance(content, dict):
        return
    if file_name == CHART_FILE:
        yield from _chart(document, content)
        yield from _dependencies(document, content)
    elif file_name == REQUIREMENTS_FILE:
        yield from _dependencies(document, {**content, "apiVersion": "v1"})
    elif file_name == fleet.FILES[0]:
        yield from fleet.fleet_releases(document, content)
    elif file_name == helmfile.FILE:
        yield from helmfile.helmfile_releases(document, content, documents)
    elif is_kustomization:
        yield from _inflated(document, content)


def embedded_in_resource(document: Decoded, resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The releases in a resource beside the one that its own row shows."""
    if not resource["apiVersion"].startswith(f"{argo.GROUP}/"):
        yield from charts_in_resource(document, resource)
        return
    is_known = False
    if resource["kind"] == "ApplicationSet":
        applications, unknown = expand(document, resource)
        is_known = not unknown
        for application in applications:
            yield application
            yield from _further_sources(document, application)
    if not is_known:
        yield from _further_sources(document, resource)


def _further_sources(document: Decoded, resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The sources with a chart of an Application, or of an ApplicationSet's template, without the first one."""
    place = {"Application": ("spec",), "ApplicationSet": argo.TEMPLATE}.get(resource["kind"])
    sources = argo.sources_at(resource, place) if place else []
    if len(sources) < 2:
        return
    owner = document.text(resource["metadata"], "name")
    namespace = document.text(resource["metadata"], "namespace")
    used = [(source, use) for _, source in sources if (use := argo.chart_use(document, source)) is not None]
    for source, use in used[1:]:
        name, spec = f"{owner}-{(use.name or '').rpartition('/')[2]}", {"source": source}
        yield as_resource(resource["apiVersion"], argo.SOURCE_KIND, name, namespace, spec, application=owner)


def _chart(document: Decoded, chart: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The chart itself, with the names of its dependencies."""
    name = document.text(chart, "name")
    if name:
        spec: dict[str, Any] = {
            key: document.text(chart, key) for key in ("version", "appVersion", "type") if key in chart
        }
        dependencies = [key for each in mappings(chart.get("dependencies")) if (key := _key(document, each))]
        yield as_resource(_helm_api(chart), helm.CHART, name, None, spec, dependencies=dependencies)


def _dependencies(document: Decoded, chart: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for dependency in mappings(chart.get("dependencies")):
        if name := _key(document, dependency):
            owner = document.text(chart, "name")
            yield as_resource(_helm_api(chart), helm.DEPENDENCY, name, None, dependency, chart=owner)


def _key(document: Decoded, dependency: dict[str, Any]) -> str | None:
    return document.text(dependency, "alias") or document.text(dependency, "name")


def _helm_api(chart: dict[str, Any]) -> str:
    version = chart.get("apiVersion")
    return f"{helm.GROUP}/{version if version in ('v1', 'v2') else 'v2'}"


def _inflated(document: Decoded, kustomization: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries of `helmCharts`, and those of the older field with its older names."""
    entries = mappings(kustomization.get("helmCharts"))
    older = mappings(kustomization.get("helmChartInflationGenerator"))
    for entry in [*entries, *(helm.as_inflated(document, entry) for entry in older)]:
        if name := document.text(entry, "releaseName") or document.text(entry, "name"):
            yield as_resource(helm.INFLATOR_API, helm.INFLATOR, name, document.text(entry, "namespace"), entry)
