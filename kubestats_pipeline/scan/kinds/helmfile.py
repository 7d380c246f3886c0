"""Helmfile: the releases of a helmfile in plain YAML, with the repositories of their charts.

A helmfile may be split into several documents, of which one has the repositories and another one the releases. Its
environments, its actions and templates in other files are not read, so that a chart that they give is not known.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.chart_arguments import GIVEN_BY_TEMPLATE, chart_argument
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, ValuesPart
from kubestats_pipeline.scan.facts.images_in_values import images_in_values
from kubestats_pipeline.scan.facts.shapes import as_resource, mapping, mappings
from kubestats_pipeline.scan.kinds.registry import scanner

GROUP = "helmfile"
RELEASE = "HelmfileRelease"
FILE = "helmfile.yaml"

_API = f"{GROUP}/v1"
_TEXTS = ("chart", "version", "namespace")
_LISTS = ("values", "secrets", "set")
_ACTION = "{{"
_NOT_A_FILE = (_ACTION, "://", "::", "*", ".gotmpl")
_OTHER_VALUES = ("secrets", "valuesTemplate", "setTemplate", "setString")


def is_helmfile(path: str) -> bool:
    """True if a file may be a helmfile by its name, or by that of its folder."""
    folder, _, name = path.rpartition("/")
    return name.startswith("helmfile") or folder.rpartition("/")[2] in ("helmfile.d", "helmfile")


def helmfile_releases(
    document: Decoded, content: dict[str, Any], documents: Iterable[Decoded]
) -> Iterator[dict[str, Any]]:
    """The releases of one document of a helmfile. Its repositories and templates may be in the other documents."""
    whole = [other.content for other in documents if isinstance(other.content, dict)]
    repositories = {
        name: entry
        for part in whole
        for entry in mappings(part.get("repositories"))
        if (name := document.text(entry, "name"))
    }
    templates = {name: each for part in whole for name, each in mapping(part, "templates").items()}
    for entry in mappings(content.get("releases")):
        name = document.text(entry, "name")
        if not name or entry.get("installed") is False:
            continue
        release = _inherited(document, entry, content.get("defaultInherit"), templates)
        namespace = document.text(content, "namespace") or document.text(release, "namespace")
        alias = (document.text(release, "chart") or "").partition("/")[0]
        place = _place(document, repositories[alias]) if alias in repositories else {}
        is_known = namespace is not None and _ACTION not in namespace
        yield as_resource(_API, RELEASE, name, namespace if is_known else None, release, **place)


@scanner(GROUP, RELEASE)
def scan_helmfile_release(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart of a release: `repository/name`, an `oci://` URL, the URL of a package or a folder."""
    spec, name = mapping(resource, "spec"), document.text(resource["metadata"], "name")
    parts = spec.get("values")
    found = (images_in_values(document, values, name) for values in (parts if isinstance(parts, list) else ()))
    images = tuple(dict.fromkeys(image for images in found for image in images))
    use = _chart_use(document, spec, document.text(resource, "repository"))
    return Facts(chart=use, is_release=True, app_name=name, images=images, values=tuple(_values(spec)))


def _inherited(document: Decoded, entry: dict[str, Any], default: object, templates: dict[str, Any]) -> dict[str, Any]:
    """A release with the fields of the templates that it inherits, under its own. Lists are put together."""
    names = [document.text(item, "template") for item in mappings(entry.get("inherit"))]
    names += [name for name in (default if isinstance(default, list) else [default]) if isinstance(name, str)]
    layers = [templates[name] for name in names if name in templates and isinstance(templates[name], dict)]
    if not layers:
        return entry
    release: dict[str, Any] = {}
    for layer in (*layers, entry):
        lists = {key: [*_items(release, key), *_items(layer, key)] for key in _LISTS if key in layer}
        texts = {key: text for key in _TEXTS if (text := document.text(layer, key)) is not None}
        release = {**release, **layer, **lists, **texts}
    return release


def _items(layer: dict[str, Any], key: str) -> list[Any]:
    items = layer.get(key)
    return items if isinstance(items, list) else []


def _place(document: Decoded, repository: dict[str, Any]) -> dict[str, str]:
    """The URL of a repository. Helmfile writes that of a registry without `oci://`."""
    url = document.text(repository, "url") or ""
    if repository.get("oci") is True and "://" not in url:
        url = f"oci://{url}"
    return {"repository": url}


def _chart_use(document: Decoded, spec: dict[str, Any], repository: str | None) -> ChartUse:
    chart, version = document.text(spec, "chart"), document.text(spec, "version")
    if chart is None:
        return ChartUse(version=version, unknown=GIVEN_BY_TEMPLATE)
    alias, slash, name = chart.partition("/")
    is_alias = bool(slash) and alias.strip(".") != "" and ":" not in alias and _ACTION not in chart
    if not is_alias:
        return chart_argument(chart, None, version)
    if repository is None:
        reason = f"its repository {alias} is not in the helmfile"
        return ChartUse(name=name, version=version, unknown=reason)
    return chart_argument(name, repository, version)


def _values(spec: dict[str, Any]) -> Iterator[ValuesPart]:
    """The inputs in the order in which Helmfile hands them over: values, secrets, single settings."""
    for index, entry in enumerate(_items(spec, "values")):
        if isinstance(entry, dict):
            yield ValuesPart("map", ("spec", "values", index))
        elif not isinstance(entry, str) or any(mark in entry for mark in _NOT_A_FILE):
            yield ValuesPart("unknown")
        else:
            yield ValuesPart("file", path=entry)
    if any(spec.get(key) for key in _OTHER_VALUES):
        yield ValuesPart("unknown")
    settings = _items(spec, "set")
    if settings:
        is_plain = all(isinstance(entry, dict) and "value" in entry for entry in settings)
        yield ValuesPart("parameters", ("spec", "set")) if is_plain else ValuesPart("unknown")
