"""Argo CD: the folders that an Application applies, with the changes of its sources (Application specification)."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec, SourceOf
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.repository_paths import normalise_path, resolve_entry
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.application_sets import patched
from kubestats_pipeline.scan.kinds.argo import GROUP, OVERRIDDEN_BY, sources_at

APPLICATION, APPLICATION_SET = "Application", "ApplicationSet"
_LISTS = ("patches", "components", "replicas")
_MAPPINGS = ("commonLabels", "commonAnnotations")
_TEXTS = ("namePrefix", "nameSuffix", "namespace")


def is_application(content: dict[str, Any]) -> bool:
    """True for an Application of Argo CD."""
    return content.get("kind") == APPLICATION and str(content.get("apiVersion")).startswith(f"{GROUP}/")


def is_application_set(content: dict[str, Any]) -> bool:
    """True for an ApplicationSet of Argo CD."""
    return content.get("kind") == APPLICATION_SET and str(content.get("apiVersion")).startswith(f"{GROUP}/")


FindOverrides = Callable[[dict[str, Any], str], dict[str, Any] | None]
"""Returns the fields that the file at a path sets in a source, or None if that is not known."""


class Overridden(NamedTuple):
    """An Application with its sources as Argo CD takes them, and the reason why they may be other ones, or None."""

    content: dict[str, Any]
    unknown: str | None = None


def with_overrides(content: dict[str, Any], find_overrides: FindOverrides) -> Overridden:
    """An Application with the changes of the files of overrides in the folders of its sources.

    A folder may hold overrides for all of its Applications, and then for one of them (Argo CD's parameter overrides).
    Each is a merge patch of the whole source.
    """
    name, unknown = mapping(content, "metadata").get("name"), None
    for (*_, last), source in sources_at(content, ("spec",)):
        merged, origins = source, dict[str, str]()
        for file in (".argocd-source.yaml", f".argocd-source-{name}.yaml") if _git_folder(source) is not None else ():
            path = resolve_entry(_git_folder(source) or "", file)
            found = find_overrides(source, path)
            if found is None:
                unknown = f"it is not known what {path} changes"
            elif found:
                merged = patched(merged, found)
                origins |= dict.fromkeys(mapping(found, "helm"), path)
        if merged is not source:
            merged |= {OVERRIDDEN_BY: origins} if origins else {}
            content = {**content, "spec": _with_source(mapping(content, "spec"), last, merged)}
    return Overridden(content, unknown)


def _with_source(spec: dict[str, Any], place: str | int, source: dict[str, Any]) -> dict[str, Any]:
    if isinstance(place, str):
        return {**spec, place: source}
    sources = [source if index == place else each for index, each in enumerate(spec["sources"])]
    return {**spec, "sources": sources}


def _git_folder(source: dict[str, Any]) -> str | None:
    """The folder of a source that is a path in a git repository, or None for another one."""
    url, path = source.get("repoURL"), source.get("path")
    if not isinstance(url, str) or not isinstance(path, str) or source.get("chart"):
        return None
    return normalise_path(path)


def specs_of_application(content: dict[str, Any], file: str | None = None) -> Iterator[ApplySpec]:
    """The folders of an Application: one for each of its sources that is a path in a git repository.

    Args:
        content: of the Application.
        file: the path of its document, if it has one.
    """
    destination = mapping(content, "spec", "destination").get("namespace")
    namespace = destination if isinstance(destination, str) and destination else None
    sources = [source for _, source in sources_at(content, ("spec",))]
    refs = [source for source in sources if "ref" in source]
    for source in sources:
        folder = _git_folder(source)
        if folder is None:
            continue
        yield ApplySpec(
            path=folder,
            source=SourceOf("Git", url=source["repoURL"], is_pinned=_is_commit(source.get("targetRevision"))),
            more=canonical_json(dict(_changes(mapping(source, "kustomize")))),
            namespace=namespace,
            helm=canonical_json(_values_for_chart(source, refs, file) if mapping(source, "helm") else {}),
            is_kustomize=False,
            is_recursive=mapping(source, "directory").get("recurse") is True,
        )


def _values_for_chart(source: dict[str, Any], refs: list[dict[str, Any]], file: str | None) -> dict[str, Any]:
    """The values that a source gives to the chart in its folder, for `values_of_source`."""
    needed = ("helm", "path", "repoURL", "targetRevision", OVERRIDDEN_BY)
    return {"source": {key: source[key] for key in needed if key in source}, "refs": refs, "file": file}


def _is_commit(revision: object) -> bool:
    """True for a full commit id. Only the remote tells a tag from a branch."""
    return isinstance(revision, str) and len(revision) == 40 and set(revision) <= set("0123456789abcdef")


def _changes(kustomize: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for keys, shape in ((_TEXTS, str), (_LISTS, list), (_MAPPINGS, dict)):
        for key in keys:
            if isinstance(kustomize.get(key), shape) and kustomize[key]:
                yield key, kustomize[key]
    images = kustomize.get("images")
    found = [image for text in images if (image := _image(text))] if isinstance(images, list) else []
    if found:
        yield "images", found


def _image(text: object) -> dict[str, str] | None:
    """An entry of `kustomize.images`, in the form `[name=]new[:tag|@digest]`, as a kustomization has it."""
    if not isinstance(text, str) or not text:
        return None
    name, equals, new = text.rpartition("=")
    reference, at, digest = new.partition("@")
    last = reference.rpartition("/")[2]
    tag = last.partition(":")[2]
    place = reference.removesuffix(f":{tag}") if tag else reference
    image = {"name": name or place}
    if equals and place:
        image["newName"] = place
    if at:
        image["digest"] = digest
    elif tag:
        image["newTag"] = tag
    return image
