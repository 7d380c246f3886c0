"""Argo CD: Applications and ApplicationSets, and the charts in their sources.

An Application may have several sources. The first source with a chart is the chart of the Application. Further ones are
resources of their own, of kind `ApplicationSource`, which `embedded.py` makes with the sources that they may refer to.
A source with a path in a git repository is a chart only if it has the field `helm`, because otherwise the path may hold
anything.
"""

import re
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded, Place
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.facts import ChartUse, Facts, Image, ValuesPart
from kubestats_pipeline.scan.facts.images_in_values import images_in_text, images_in_values
from kubestats_pipeline.scan.facts.shapes import mapping, mappings
from kubestats_pipeline.scan.kinds.application_sets import expand, patched, read_patch
from kubestats_pipeline.scan.kinds.registry import scanner

GROUP = "argoproj.io"
SOURCE_KIND = "ApplicationSource"
TEMPLATE = ("spec", "template", "spec")
DEFAULT_REVISION = "HEAD"
OVERRIDDEN_BY = "overriddenBy"
"""A key that no source has: for each key of its `helm` that a file of overrides sets, the path of the file."""

_PLACEHOLDER = "{{"
_PINNED = re.compile(r"v?\d+(\.[\w*-]+)*(\+[\w.-]+)?|[0-9a-f]{40}|refs/tags/.*|.*[*^~<>=].*")


@scanner(GROUP, "Application")
@scanner(GROUP, SOURCE_KIND)
def scan_application(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The chart of the first source that has one, or else only the revision of the first source."""
    name = document.text(resource, "application") or document.text(resource["metadata"], "name")
    return _facts(document, resource, ("spec",), name)


@scanner(GROUP, "ApplicationSet")
def scan_application_set(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The facts of its template, if not all of its Applications are known: then it counts as one release.

    Applications that the document gives by itself are resources of their own.
    """
    name = document.text(resource["metadata"], "name")
    if not expand(document, resource).unknown:
        return Facts(app_name=name)
    spec = mapping(resource, "spec")
    patch = spec.get("templatePatch")
    if not isinstance(patch, str):
        return _facts(document, resource, TEMPLATE, name)
    content = read_patch(patch)
    template = patched(mapping(spec, "template"), content or {})
    facts = _facts(document, {"spec": {"template": template}}, TEMPLATE, name)
    chart = facts.chart
    if chart is not None and content is None:
        chart = chart._replace(unknown="its templatePatch is filled by a generator")
    return facts._replace(chart=chart, values=(*facts.values, ValuesPart("unknown")) if facts.values else ())


def sources_at(resource: dict[str, Any], place: tuple[str, ...]) -> list[tuple[Place, dict[str, Any]]]:
    """The sources of an Application's spec with their places. `sources` wins over `source`, as in Argo CD."""
    spec = mapping(resource, *place)
    several = spec.get("sources")
    if isinstance(several, list) and several:
        return [((*place, "sources", index), item) for index, item in enumerate(several) if isinstance(item, dict)]
    return [((*place, "source"), source) for source in mappings([spec.get("source")])]


def is_pinned(revision: str | None) -> bool:
    """True if a revision is a tag, a range of tags or a commit, and so not the commit at hand."""
    return _PINNED.fullmatch(revision or DEFAULT_REVISION) is not None


def chart_use(document: Decoded, source: dict[str, Any]) -> ChartUse | None:
    """The chart of one source. Argo CD writes the URL of a registry of OCI charts without `oci://`."""
    url, chart, path, version = (document.text(source, key) for key in ("repoURL", "chart", "path", "targetRevision"))
    use = None
    if chart and url:
        place = url if "://" in url else f"oci://{url}"
        place = f"{place.rstrip('/')}/{chart}" if place.startswith("oci://") else place
        use = ChartUse(name=chart, version=version, url=place, unknown=_unknown(chart, url, version))
    elif url and url.startswith("oci://") and "helm" in source:
        use = ChartUse(name=url.rpartition("/")[2], version=version, url=url, unknown=_unknown("", url, version))
    elif url and url.startswith("oci://"):
        reason = _unknown("", url, version) or "its artifact may be a chart or manifests"
        use = ChartUse(name=url.rpartition("/")[2], version=version, url=url, unknown=reason)
    elif url and path and "helm" in source:
        unknown = _unknown(path, url, version)
        name = path if unknown else normalise_path(path)
        use = ChartUse(name=name, version=version or DEFAULT_REVISION, url=url, kind="git", unknown=unknown)
    return use


def _unknown(name: str, url: str, version: str | None) -> str | None:
    if _PLACEHOLDER in name or _PLACEHOLDER in url:
        return "its chart is given by a generator"
    return "its version is given by a generator" if version and _PLACEHOLDER in version else None


def _facts(document: Decoded, resource: dict[str, Any], place: tuple[str, ...], name: str | None) -> Facts:
    sources = sources_at(resource, place)
    found = ((at, source, use) for at, source in sources if (use := chart_use(document, source)) is not None)
    at, source, use = next(found, (place, {}, None))
    if use is None:
        first = sources[0][1] if sources else {}
        return Facts(version=document.text(first, "targetRevision"), app_name=name)
    helm = mapping(source, "helm")
    name = document.text(helm, "releaseName") or name
    others = [*(each for _, each in sources), *mappings(resource.get("refs"))]
    values = tuple(_values(document, source, (*at, "helm"), _refs(document, others)))
    return Facts(chart=use, is_release=True, app_name=name, images=_images(document, helm, name), values=values)


def _images(document: Decoded, helm: dict[str, Any], name: str | None) -> tuple[Image, ...]:
    parameters = helm.get("parameters")
    if helm.get("valuesObject"):
        return images_in_values(document, helm["valuesObject"], name, parameters)
    return images_in_text(helm.get("values"), name, parameters)


def values_of_source(document: Decoded, resource: dict[str, Any]) -> list[ValuesPart]:
    """The values that the `source` of an Application in `file` gives to a chart, with `refs` to its other sources."""
    refs = _refs(document, mappings(resource.get("refs")))
    parts = _values(document, mapping(resource, "source"), ("source", "helm"), refs)
    return [part._replace(origin=part.origin or document.text(resource, "file")) for part in parts]


def _refs(document: Decoded, sources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The sources that others refer to, by their `ref`."""
    return {ref: source for source in sources if (ref := document.text(source, "ref"))}


def _values(
    document: Decoded, source: dict[str, Any], place: Place, refs: dict[str, dict[str, Any]]
) -> list[ValuesPart]:
    """The inputs in their order of precedence: files, then `valuesObject` or else `values`, then parameters."""
    helm, origins = mapping(source, "helm"), mapping(source, OVERRIDDEN_BY)
    files = helm.get("valueFiles")
    is_optional = helm.get("ignoreMissingValueFiles") is True
    parts = (
        [_values_file(document, source, file, refs, is_optional) for file in files] if isinstance(files, list) else []
    )
    if helm.get("valuesObject"):
        parts.append(ValuesPart("map", (*place, "valuesObject"), origin=origins.get("valuesObject")))
    elif helm.get("values"):
        parts.append(ValuesPart("text", (*place, "values"), origin=origins.get("values")))
    if helm.get("parameters"):
        parts.append(ValuesPart("parameters", (*place, "parameters"), origin=origins.get("parameters")))
    if helm.get("fileParameters"):
        parts.append(ValuesPart("unknown"))
    return parts


def _values_file(
    document: Decoded, source: dict[str, Any], file: object, refs: dict[str, dict[str, Any]], is_optional: bool
) -> ValuesPart:
    """A values file.

    `$ref/path` is a path from the root of the source with that `ref`, and any other one is relative to a chart in git.
    A file in a packaged chart, behind a URL or a placeholder, or at a pinned revision is not known.
    """
    path = document.text(source, "path")
    if not isinstance(file, str) or "://" in file or _PLACEHOLDER in file or _PLACEHOLDER in (path or ""):
        return ValuesPart("unknown")
    if file.startswith("$"):
        ref, _, inside = file[1:].partition("/")
        holder = refs.get(ref)
    elif path is None or document.text(source, "chart"):
        holder, inside = None, ""
    else:
        holder, inside = source, file if file.startswith("/") else f"{path}/{file}"
    if holder is None or is_pinned(document.text(holder, "targetRevision")):
        return ValuesPart("unknown")
    repository = document.text(holder, "repoURL")
    return ValuesPart("file", path=f"/{normalise_path(inside)}", is_optional=is_optional, repository=repository)
