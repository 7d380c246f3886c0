"""k3s: the charts that its Helm controller installs, and values for the charts that come with k3s."""

from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.chart_arguments import chart_argument
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, ValuesPart
from kubestats_pipeline.scan.facts.images_in_values import images_in_text
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.registry import scanner

GROUP = "helm.cattle.io"

_VALUES = (ValuesPart("text", ("spec", "valuesContent")), ValuesPart("parameters", ("spec", "set")))


@scanner(GROUP, "HelmChart")
def scan_helm_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that the controller installs: `spec.chart` in the repository `spec.repo`, or at a URL."""
    spec, name = mapping(resource, "spec"), document.text(resource["metadata"], "name")
    use = _chart_use(document, spec)
    images = images_in_text(spec.get("valuesContent"), name, spec.get("set"))
    return Facts(chart=use, is_release=use is not None, app_name=name, images=images, values=_VALUES if use else ())


@scanner(GROUP, "HelmChartConfig")
def scan_helm_chart_config(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The images in values for the HelmChart of the same name. The values alone are not a release."""
    name = document.text(resource["metadata"], "name")
    return Facts(images=images_in_text(mapping(resource, "spec").get("valuesContent"), name))


def _chart_use(document: Decoded, spec: dict[str, Any]) -> ChartUse | None:
    chart, version = document.text(spec, "chart"), document.text(spec, "version")
    if chart is None:
        packed = bool(spec.get("chartContent"))
        return ChartUse(unknown="its chart is packed into the manifest") if packed else None
    return chart_argument(chart, document.text(spec, "repo"), version)
