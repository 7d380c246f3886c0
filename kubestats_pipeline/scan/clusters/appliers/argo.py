"""Argo CD: the folders that an Application applies, with the changes of its sources (Application specification)."""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec, SourceOf
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.argo import GROUP, sources_at

APPLICATION, APPLICATION_SET = "Application", "ApplicationSet"
_LISTS = ("patches", "components", "replicas")
_MAPPINGS = ("commonLabels", "commonAnnotations")
_TEXTS = ("namePrefix", "nameSuffix", "namespace")


def is_application(content: dict[str, Any]) -> bool:
    """True for an Application of Argo CD."""
    return content.get("kind") == APPLICATION and str(content.get("apiVersion")).startswith(f"{GROUP}/")


def specs_of_application(content: dict[str, Any]) -> Iterator[ApplySpec]:
    """The folders of an Application: one for each of its sources that is a path in a git repository."""
    destination = mapping(content, "spec", "destination").get("namespace")
    namespace = destination if isinstance(destination, str) and destination else None
    for _, source in sources_at(content, ("spec",)):
        url, path = source.get("repoURL"), source.get("path")
        if not isinstance(url, str) or not isinstance(path, str) or source.get("chart"):
            continue
        revision = source.get("targetRevision")
        yield ApplySpec(
            path=normalise_path(path),
            source=SourceOf("Git", url=url, is_pinned=_is_pinned(revision)),
            more=canonical_json(dict(_changes(mapping(source, "kustomize")))),
            namespace=namespace,
            is_kustomize=False,
            is_recursive=mapping(source, "directory").get("recurse") is True,
        )


def _is_pinned(revision: object) -> bool:
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
