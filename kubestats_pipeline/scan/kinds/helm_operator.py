"""Flux 1: the HelmRelease of its Helm operator, which is frequent in old history."""

from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, ValuesPart
from kubestats_pipeline.scan.facts.images_in_values import images_in_values
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.registry import scanner

DEFAULT_REF = "master"

_INLINE = ValuesPart("map", ("spec", "values"))
_OTHER_VALUES = ("valuesFrom", "valueFileSecrets")


@scanner("helm.fluxcd.io", "HelmRelease")
@scanner("flux.weave.works", "HelmRelease")
def scan_helm_release(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that is released: a name in an index, or a path in a git repository."""
    spec = mapping(resource, "spec")
    name = document.text(spec, "releaseName") or document.text(resource["metadata"], "name")
    use = _chart_use(document, mapping(spec, "chart"))
    images = images_in_values(document, spec.get("values"), name)
    if use is None:
        return Facts(patch_reason="no spec.chart: a patch of a release in another file", images=images)
    others = (ValuesPart("unknown"),) if any(spec.get(key) for key in _OTHER_VALUES) else ()
    return Facts(chart=use, is_release=True, app_name=name, images=images, values=(*others, _INLINE))


def _chart_use(document: Decoded, chart: dict[str, Any]) -> ChartUse | None:
    url, name, version = (document.text(chart, key) for key in ("repository", "name", "version"))
    if name is not None:
        return ChartUse(name=name, version=version, url=url or name)
    git, path = document.text(chart, "git"), document.text(chart, "path")
    if git is None:
        return None
    return ChartUse(name=path or ".", version=document.text(chart, "ref") or DEFAULT_REF, url=git, kind="git")
