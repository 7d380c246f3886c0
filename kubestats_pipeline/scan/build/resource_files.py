"""A file of resources as kustomize reads it: its objects, with those of lists one by one."""

from collections.abc import Iterator
from typing import Any

from kubestats_pipeline.scan.build.transformers.resource import RefusedError
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.kustomize.reading import read_documents_of_kustomize

_LIST = "List"


def read_objects(blob: bytes, bounds: Bounds) -> list[dict[str, Any]]:
    """The objects of a file. A kind that ends in List and has items is taken for a list, whatever it is.

    Raises:
        RefusedError: kustomize cannot read the file, or something in it is not an object with a kind and a name.
    """
    try:
        documents = read_documents_of_kustomize(blob, bounds)
    except DecodeError as error:
        place = f", line {error.line}" if error.line else ""
        raise RefusedError(f"the file is not valid YAML{place}") from None
    return [found for document in documents for found in _objects(document)]


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        raise RefusedError("the file holds something else than objects")
    if not document:
        return
    kind = document.get("kind")
    if not isinstance(kind, str) or not kind:
        raise RefusedError("an object has no kind")
    if kind.endswith(_LIST) and "items" in document:
        for item in document["items"] or ():
            yield from _objects(item)
        return
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise RefusedError("an object has no metadata")
    if metadata.get("name") in (None, ""):
        raise RefusedError("an object has no name")
    yield document
