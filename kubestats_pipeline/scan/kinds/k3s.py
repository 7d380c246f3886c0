"""k3s: the HelmChart of its Helm controller, which installs a chart by itself."""

from typing import Any

from kubestats_pipeline.scan.decode import Decoded
from kubestats_pipeline.scan.facts import ChartUse, Facts
from kubestats_pipeline.scan.kinds.registry import scanner

GROUP = "helm.cattle.io"


@scanner(GROUP, "HelmChart")
def scan_helm_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that the controller installs: `spec.chart` in the repository `spec.repo`, or at an `oci://` URL."""
    spec = resource.get("spec")
    chart, repository = document.text(spec, "chart"), document.text(spec, "repo")
    name = document.text(resource["metadata"], "name")
    if chart is None:
        return Facts(app_name=name)
    use = ChartUse(name=chart, version=document.text(spec, "version"), url=repository or chart)
    return Facts(chart=use, is_release=True, app_name=name)
