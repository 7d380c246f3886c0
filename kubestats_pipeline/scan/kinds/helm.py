"""Helm charts of the repository, those that they depend on, and those that kustomize inflates.

`embedded.py` finds them in their files.

A wrapper chart has only dependencies and values, and its folder is an application. A chart under development is read in
the same way, because its dependencies are uses of charts too.
"""

from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, Switches, ValuesPart
from kubestats_pipeline.scan.facts.images_in_values import images_in_values
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.argo import values_of_source
from kubestats_pipeline.scan.kinds.registry import scanner

GROUP = "helm.sh"
CHART = "Chart"
DEPENDENCY = "ChartDependency"
INFLATOR_API = "kustomize.config.k8s.io/v1beta1"
INFLATOR = "HelmChartInflationGenerator"

_VALUES_FILE = "values.yaml"
_OLDER_NAMES = {"chartName": "name", "chartVersion": "version", "chartRepoUrl": "repo", "values": "valuesFile"}
"""Fields of kustomize's `helmChartInflationGenerator`, and their names in `helmCharts`."""


@scanner(GROUP, CHART)
def scan_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A chart that the repository holds. It is not a release, but its `values.yaml` names images.

    Values under the name of a dependency belong to that dependency.
    """
    name = document.text(resource["metadata"], "name")
    version = document.text(mapping(resource, "spec"), "version")
    dependencies = resource.get("dependencies")
    without = tuple(dependencies) if isinstance(dependencies, list) else ()
    values = (ValuesPart("file", path=_VALUES_FILE, is_optional=True, without=without),)
    return Facts(chart=ChartUse(name=name, version=version, kind="path"), app_name=name, values=values)


@scanner(GROUP, DEPENDENCY)
def scan_chart_dependency(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart that another one depends on, by its Chart.yaml or, in charts of version 1, its requirements.yaml.

    Its values are in the wrapper's values, under its alias or name. In a cluster they are below those that the source
    of an Application gives to the wrapper, which is then its `source`.
    """
    spec, key = mapping(resource, "spec"), document.text(resource["metadata"], "name")
    name, version = document.text(spec, "name"), document.text(spec, "version")
    use = _chart_at(document.text(spec, "repository"), name, version)
    app = document.text(resource, "chart") or key
    wrapper = ValuesPart("file", path=_VALUES_FILE, is_optional=True)
    values = tuple(part._replace(key=key) for part in (wrapper, *values_of_source(document, resource)))
    return Facts(chart=use, is_release=True, app_name=app, values=values, switches=_switches(document, spec))


def as_inflated(document: Decoded, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of kustomize's older `helmChartInflationGenerator` as one of `helmCharts`."""
    texts = {_OLDER_NAMES.get(key, key): document.text(entry, key) or value for key, value in entry.items()}
    return texts | ({"valuesInline": entry["valuesLocal"]} if entry.get("valuesLocal") else {})


@scanner("kustomize.config.k8s.io", INFLATOR)
@scanner("", INFLATOR)
def scan_inflated_chart(document: Decoded, resource: dict[str, Any]) -> Facts:
    """A chart that kustomize inflates: an entry of `helmCharts`, or a generator in a file of its own (`builtin`)."""
    spec = mapping(resource, "spec") or resource
    name = document.text(spec, "name")
    app = document.text(spec, "releaseName") or name or document.text(resource["metadata"], "name")
    if name is None:
        return Facts(app_name=app)
    place = ("spec",) if spec is not resource else ()
    values = tuple(_values(document, spec, place))
    use = _chart_at(document.text(spec, "repo"), name, document.text(spec, "version"))
    images = images_in_values(document, spec.get("valuesInline"), app)
    return Facts(chart=use, is_release=True, app_name=app, images=images, values=values)


def _switches(document: Decoded, dependency: dict[str, Any]) -> Switches:
    """The `condition`, which may be several with commas in between, and the `tags`."""
    conditions = (document.text(dependency, "condition") or "").split(",")
    tags = dependency.get("tags")
    return Switches(
        tuple(place for condition in conditions if (place := condition.strip())),
        tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
    )


def _chart_at(repository: str | None, name: str | None, version: str | None) -> ChartUse:
    """A chart in a repository as Helm writes it: a URL, `oci://`, `file://` or an alias.

    Without a repository the chart is a folder of this repository.
    """
    if repository is None or repository == "" or repository.startswith("file://"):
        return ChartUse(name=name, version=version, kind="path")
    if repository.startswith(("@", "alias:")):
        alias = repository.removeprefix("@").removeprefix("alias:")
        reason = f"its repository {alias} is an alias that only its author's Helm knows"
        return ChartUse(name=name, version=version, unknown=reason)
    url = f"{repository.rstrip('/')}/{name}" if repository.startswith("oci://") else repository
    return ChartUse(name=name, version=version, url=url)


def _values(document: Decoded, spec: dict[str, Any], place: tuple[str, ...]) -> list[ValuesPart]:
    """Values as kustomize merges them: inline over the file, unless `valuesMerge` says `merge` or `replace`."""
    file, how = document.text(spec, "valuesFile"), document.text(spec, "valuesMerge")
    inline = [ValuesPart("map", (*place, "valuesInline"))] if spec.get("valuesInline") else []
    files = [_file(file)] if file and not (how == "replace" and inline) else []
    more = spec.get("additionalValuesFiles")
    others = [_file(path) for path in more if isinstance(path, str)] if isinstance(more, list) else []
    return [*inline, *files, *others] if how == "merge" else [*files, *inline, *others]


def _file(path: str) -> ValuesPart:
    return ValuesPart("unknown") if "://" in path else ValuesPart("file", path=path)
