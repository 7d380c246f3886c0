"""Controllers that install Helm charts into clusters: Crossplane, Cluster API, Sveltos, k0s and kapp-controller.

Several of them list charts in one object. Each chart of such a list is a resource of its own, of the kind that the API
of the controller has for it.
"""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.chart_arguments import chart_argument
from kubestats_pipeline.scan.facts.facts import Facts, ValuesPart
from kubestats_pipeline.scan.facts.images_in_values import images_in_text, images_in_values
from kubestats_pipeline.scan.facts.shapes import as_resource, mapping, mappings
from kubestats_pipeline.scan.kinds.registry import scanner

CROSSPLANE = "helm.crossplane.io"
COMPOSITION = "apiextensions.crossplane.io"
SVELTOS = "config.projectsveltos.io"
K0S = "helm.k0sproject.io"

_K0S_CONFIGS = {
    ("k0s.k0sproject.io", "ClusterConfig"): (),
    ("k0sctl.k0sproject.io", "Cluster"): ("spec", "k0s", "config"),
}
"""The objects with a configuration of k0s, and the place of that."""

_WITH_CHARTS = frozenset({"Composition", "ClusterProfile", "Profile", *(kind for _, kind in _K0S_CONFIGS)})


def charts_in_resource(document: Decoded, resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The charts that an object of one of these controllers lists, as resources of their own."""
    kind = resource["kind"]
    if kind not in _WITH_CHARTS:
        return
    group = resource["apiVersion"].rpartition("/")[0]
    if (group, kind) == (COMPOSITION, "Composition"):
        yield from _composed_releases(document, resource)
    elif group == SVELTOS and kind in ("ClusterProfile", "Profile"):
        yield from _sveltos_charts(document, resource)
    elif (group, kind) in _K0S_CONFIGS:
        yield from _k0s_charts(document, mapping(resource, *_K0S_CONFIGS[group, kind]))


@scanner(CROSSPLANE, "Release")
def scan_crossplane_release(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that Crossplane's provider for Helm installs."""
    spec, name = mapping(resource, "spec", "forProvider"), document.text(resource["metadata"], "name")
    chart = mapping(spec, "chart")
    version = document.text(chart, "version")
    named, url = document.text(chart, "name"), document.text(chart, "url")
    if url:
        use = chart_argument(url, None, version)
    elif named:
        use = chart_argument(named, document.text(chart, "repository"), version)
    else:
        return Facts(app_name=name)
    place = ("spec", "forProvider")
    parts = [ValuesPart("unknown")] if spec.get("valuesFrom") else []
    parts += [ValuesPart("map", (*place, "values"))] if spec.get("values") else []
    parts += [ValuesPart("parameters", (*place, "set"))] if spec.get("set") else []
    images = images_in_values(document, spec.get("values"), name, spec.get("set"))
    return Facts(chart=use, is_release=True, app_name=name, images=images, values=tuple(parts))


@scanner("addons.cluster.x-k8s.io", "HelmChartProxy")
def scan_helm_chart_proxy(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that Cluster API's provider for Helm installs into the clusters that it selects."""
    spec = mapping(resource, "spec")
    app = document.text(spec, "releaseName") or document.text(resource["metadata"], "name")
    repository, version = document.text(spec, "repoURL"), document.text(spec, "version")
    return _listed(document, spec, ("chartName", "valuesTemplate"), repository, version, app)


@scanner(SVELTOS, "HelmChart")
def scan_sveltos_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """An entry of a profile's `helmCharts`. Its chart is written as `repository/name`."""
    spec, app = mapping(resource, "spec"), document.text(resource["metadata"], "name")
    repository, version = document.text(spec, "repositoryURL"), document.text(spec, "chartVersion")
    alias = document.text(spec, "repositoryName")
    return _listed(document, spec, ("chartName", "values"), repository, version, app, alias)


@scanner(K0S, "Chart")
def scan_k0s_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A chart of k0s' configuration, or the object that k0s makes of it. It is written as `repository/name`."""
    spec, metadata = mapping(resource, "spec"), resource["metadata"]
    app = document.text(spec, "releaseName") or document.text(metadata, "name")
    repository, version = document.text(resource, "repository"), document.text(spec, "version")
    key = "chartname" if "chartname" in spec else "chartName"
    alias = (document.text(spec, key) or "").partition("/")[0] if repository else None
    return _listed(document, spec, (key, "values"), repository, version, app, alias)


@scanner("kappctrl.k14s.io", "App")
def scan_kapp(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The first chart that an App of kapp-controller fetches. Its values are in other objects."""
    name = document.text(resource["metadata"], "name")
    fetched = [mapping(entry, "helmChart") for entry in mappings(mapping(resource, "spec").get("fetch"))]
    for chart in filter(None, fetched):
        repository = document.text(mapping(chart, "repository"), "url")
        use = chart_argument(document.text(chart, "name") or "", repository, document.text(chart, "version"))
        values = (ValuesPart("unknown"),) if _has_kapp_values(resource) else ()
        return Facts(chart=use, is_release=True, app_name=name, values=values)
    return Facts(app_name=name)


def _has_kapp_values(resource: dict[str, Any]) -> bool:
    steps = mappings(mapping(resource, "spec").get("template"))
    return any(mapping(step, "helmTemplate").get("valuesFrom") for step in steps)


def _composed_releases(document: Decoded, composition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The Releases that a Composition makes: in `resources`, or in the input of a step of its pipeline."""
    spec = mapping(composition, "spec")
    lists = [spec.get("resources")]
    lists += [mapping(step, "input").get("resources") for step in mappings(spec.get("pipeline"))]
    for entry in (entry for items in lists for entry in mappings(items)):
        base = mapping(entry, "base")
        group = (document.text(base, "apiVersion") or "").rpartition("/")[0]
        provider = mapping(base, "spec", "forProvider")
        name = document.text(entry, "name") or document.text(mapping(provider, "chart"), "name")
        if (group, base.get("kind")) == (CROSSPLANE, "Release") and name:
            namespace = document.text(provider, "namespace")
            yield as_resource(base["apiVersion"], "Release", name, namespace, mapping(base, "spec"))


def _sveltos_charts(document: Decoded, profile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in mappings(mapping(profile, "spec").get("helmCharts")):
        name = document.text(entry, "releaseName") or document.text(entry, "chartName")
        if name and entry.get("helmChartAction") != "Uninstall":
            yield as_resource(profile["apiVersion"], "HelmChart", name, document.text(entry, "releaseNamespace"), entry)


def _k0s_charts(document: Decoded, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    helm = mapping(config, "spec", "extensions", "helm")
    urls = {document.text(entry, "name"): document.text(entry, "url") for entry in mappings(helm.get("repositories"))}
    for entry in mappings(helm.get("charts")):
        name = document.text(entry, "name")
        alias = (document.text(entry, "chartname") or "").partition("/")[0]
        place = {"repository": urls[alias]} if urls.get(alias) else {}
        if name:
            yield as_resource(f"{K0S}/v1beta1", "Chart", name, document.text(entry, "namespace"), entry, **place)


def _listed(
    document: Decoded,
    spec: dict[str, Any],
    keys: tuple[str, str],
    repository: str | None,
    version: str | None,
    app: str | None,
    alias: str | None = None,
) -> Facts:
    """A release whose chart and text of values are under these keys. Names begin with the alias of their repository."""
    chart, values = document.text(spec, keys[0]), document.text(spec, keys[1])
    if not chart:
        return Facts(app_name=app)
    name = chart.removeprefix(f"{alias}/") if alias else chart
    use = chart_argument(name, repository, version)
    is_template = bool(values) and "{{" in (values or "")
    parts = [ValuesPart("unknown")] if is_template or spec.get("valuesFrom") else []
    parts += [ValuesPart("text", ("spec", keys[1]))] if values and not is_template else []
    images = images_in_text(values, app)
    return Facts(chart=use, is_release=True, app_name=app, images=images, values=tuple(parts))
