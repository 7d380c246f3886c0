"""A file's documents to the Kubernetes resources that it declares, with their keys, hashes, stored forms and facts.

The result depends only on the blob and on the name of a few files. So a blob is read once, even if many commits and
paths have it. `files.py` adds the path and makes identities of the keys.
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.redaction.records import withhold_in
from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, Place
from kubestats_pipeline.scan.documents.encoding import is_utf16
from kubestats_pipeline.scan.documents.file import Problem, encoding_problem, read_documents
from kubestats_pipeline.scan.documents.line_diff import is_by_lines
from kubestats_pipeline.scan.documents.number_spelling import value_at, written_numbers
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.kinds.generic import scan_generic
from kubestats_pipeline.scan.kinds.registry import load_scanners
from kubestats_pipeline.scan.kustomize.kustomization import (
    KUSTOMIZATION_FILES,
    KUSTOMIZE_GROUP,
    Kustomize,
    is_kustomization,
    read_kustomization,
)
from kubestats_pipeline.scan.manifests.embedded import embedded_in_file, embedded_in_resource, special_name

_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_API_VERSION = re.compile(r"(?:([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)/)?([a-zA-Z0-9][-a-zA-Z0-9]*)")
_WITHHELD = (REDACTED.encode(), ENCRYPTED.encode())


class ResourceKey(NamedTuple):
    """The API group, kind, declared namespace and name of a resource. The API version is not part of it."""

    group: str
    kind: str
    namespace: str | None
    name: str


class Manifest(NamedTuple):
    """One Kubernetes resource as a file declares it.

    Attributes:
        content_hash: of the canonical redacted document, so that comments, key order and formatting do not count.
        data: the canonical redacted document as JSON.
        numbers: the spelling of numbers in its Helm values, with their place in the document.
    """

    key: ResourceKey
    api_version: str
    content_hash: str
    data: bytes
    facts: Facts
    numbers: tuple[tuple[Place, str], ...] = ()

    @property
    def body_hash(self) -> str | None:
        """The hash of the document without `metadata`, to recognise a renamed resource. None if nothing is left."""
        body = {
            name: value
            for name, value in orjson.loads(self.data).items()
            if name not in ("apiVersion", "kind", "metadata", "status") and value
        }
        return digest(canonical_json(body)) if body else None


MANIFEST_BYTES = 500
"""Bytes of memory of a manifest without its document, as measured."""


class FileContent(NamedTuple):
    """The content of a blob.

    Attributes:
        manifests: its resources.
        problems: of it or its documents.
        kustomize: its kustomization, if it is one.
        is_complete: true if all documents could be read, so that a resource that is not in `manifests` is gone.
        reads_alike: true if all documents are resources that kustomize reads as kubectl does, so that builds can use
            `manifests`.
        lines: of each of `manifests`, the line on which the content of its document begins, from 1. They are not in the
            manifests, because a document that only moves in its file stays the same. Empty if YAML counts the lines of
            the file in another way than hosts do.
    """

    manifests: tuple[Manifest, ...] = ()
    problems: tuple[Problem, ...] = ()
    kustomize: Kustomize | None = None
    is_complete: bool = True
    reads_alike: bool = True
    lines: tuple[int, ...] = ()

    @property
    def memory(self) -> int:
        """About how many bytes of memory its resources take."""
        return sum(len(manifest.data) + MANIFEST_BYTES for manifest in self.manifests)


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """One document and the resources that it declares.

    Attributes:
        stored: the redacted copy of a document that is a resource itself.
    """

    decoded: Decoded
    manifests: tuple[Manifest, ...]
    stored: dict[str, Any] | None = None


EMPTY = FileContent()


def read_file(blob: bytes, file_name: str, bounds: Bounds) -> FileContent:
    """Read a YAML file.

    A file that does not mention both `kind` and `apiVersion` declares no resource and is not parsed, unless it belongs
    to kustomize or Helm by its name.
    """
    return read_with_documents(blob, file_name, bounds)[0]


def read_with_documents(
    blob: bytes, file_name: str, bounds: Bounds, *, with_blocks: bool = False
) -> tuple[FileContent, list[ReadDocument]]:
    """As `read_file`, with the documents that can be read."""
    if not may_declare(blob, file_name):
        odd = encoding_problem(blob)
        return (FileContent(problems=(odd,), is_complete=not odd.hides_resources) if odd else EMPTY), []
    read = read_documents(blob, bounds, with_blocks=with_blocks)
    problems = list(read.problems)
    documents = []
    whole = [document for _, document in read.documents]
    for index, document in read.documents:
        if _is_encrypted_kind(document.content):
            problems.append(Problem("encrypted_kind", f"line {document.line}: its kind is encrypted", index))
        documents.append(read_document(document, file_name, whole=whole))
    named, is_as_written = file_name in KUSTOMIZATION_FILES, not problems and blob.endswith(b"\n")
    kustomize = _kustomize(whole, named=named, is_as_written=is_as_written)
    is_complete = not any(problem.hides_resources for problem in problems)
    content = FileContent(
        declared_by(documents),
        tuple(problems),
        kustomize,
        is_complete=is_complete,
        reads_alike=is_complete and are_resources(documents),
        lines=lines_of(documents) if is_by_lines(blob) or is_by_lines(blob.replace(b"\r\n", b"\n")) else (),
    )
    return content, documents


def _kustomize(documents: Sequence[Decoded], *, named: bool, is_as_written: bool) -> Kustomize | None:
    """The kustomization of a file. Its content is that of the first document, which is all that kustomize reads."""
    found = (read_kustomization(document, named=named) for document in documents)
    kustomize = withhold_in(next((kustomization for kustomization in found if kustomization), None))
    if kustomize is None or not is_as_written or not is_kustomization(documents[0].content, named=named):
        return kustomize
    return kustomize._replace(content=documents[0].content)


def may_declare(blob: bytes, file_name: str) -> bool:
    """True if a file may declare something, so that it must be parsed."""
    return bool(special_name(file_name)) or (b"kind" in blob and b"apiVersion" in blob) or is_utf16(blob)


def read_document(
    document: Decoded, file_name: str, stored: dict[str, Any] | None = None, whole: Sequence[Decoded] = ()
) -> ReadDocument:
    """The resources of a document.

    Args:
        document: a document of a file.
        file_name: the special name of the file, or an empty text.
        stored: the redacted copy of the document, if it is a resource itself.
        whole: all documents of a file with a special name.
    """
    manifests = []
    for resource in _declared(document, file_name, whole):
        if resource is document.content:
            stored = stored or redact(resource)
            manifests.append(_manifest(document, resource, stored))
        else:
            manifests.append(_manifest(document, resource, redact(resource)))
    return ReadDocument(document, tuple(manifests), stored)


def are_resources(documents: Iterable[ReadDocument]) -> bool:
    """True if all documents that are not empty are resources themselves, without a repeated key."""
    return all(
        not decoded.repeated_keys and next(_resources(decoded.content), None) is decoded.content
        for decoded in (document.decoded for document in documents)
    )


def declared_by(documents: Iterable[ReadDocument]) -> tuple[Manifest, ...]:
    """All resources of some documents."""
    return tuple(manifest for document in documents for manifest in document.manifests)


def lines_of(documents: Iterable[ReadDocument]) -> tuple[int, ...]:
    """The line on which the content of its document begins, for each of the resources that `declared_by` gives."""
    return tuple(document.decoded.first_line for document in documents for _ in document.manifests)


def _declared(document: Decoded, file_name: str, whole: Sequence[Decoded]) -> Iterator[dict[str, Any]]:
    """The resources of a document, and the releases that are embedded in them or in the file itself."""
    for resource in _resources(document.content):
        yield resource
        yield from embedded_in_resource(document, resource)
    inflates = is_kustomization(document.content, named=file_name in KUSTOMIZATION_FILES)
    name = special_name(file_name)
    if name or inflates:
        yield from embedded_in_file(document, name, whole, is_kustomization=inflates)


def _resources(content: Any) -> Iterator[dict[str, Any]]:
    """The resources of a document: itself, or the items of a List. Any other YAML has none.

    Every kind that ends in `List` and has `items` is a list to kubectl. An item without kind and apiVersion gets those
    of its list: a ConfigMapList has ConfigMaps. Read with `kubectl annotate --local` of kubectl 1.35.
    """
    if not isinstance(content, dict):
        return
    kind = content.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and "items" in content and "apiVersion" in content:
        items = content["items"]
        own = {"apiVersion": content["apiVersion"], "kind": kind.removesuffix("List")}
        for item in items if isinstance(items, list) else ():
            is_bare = isinstance(item, dict) and not item.get("kind") and not item.get("apiVersion")
            yield from _resources({**item, **own} if is_bare else item)
    elif _is_resource(content):
        yield content


def _is_resource(content: dict[str, Any]) -> bool:
    api_version, kind, metadata = content.get("apiVersion"), content.get("kind"), content.get("metadata")
    if not isinstance(kind, str) or not isinstance(api_version, str) or not isinstance(metadata, dict):
        return False
    return _are_of_resource(api_version, kind) and _name(metadata) is not None


@functools.lru_cache(maxsize=4096)
def _are_of_resource(api_version: str, kind: str) -> bool:
    is_well_formed = _KIND.fullmatch(kind) and _API_VERSION.fullmatch(api_version)
    return bool(is_well_formed) and not api_version.startswith(f"{KUSTOMIZE_GROUP}/")


def _name(metadata: dict[str, Any]) -> str | None:
    name, prefix = metadata.get("name"), metadata.get("generateName")
    if isinstance(name, str | int | float) and not isinstance(name, bool) and name != "":
        return str(name)
    return f"{prefix}*" if isinstance(prefix, str) and prefix else None


def _is_encrypted_kind(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    return any(str(content.get(name, "")).startswith("ENC[") for name in ("kind", "apiVersion"))


def _manifest(document: Decoded, resource: dict[str, Any], stored: dict[str, Any]) -> Manifest:
    group, _, version = resource["apiVersion"].rpartition("/")
    metadata = resource["metadata"]
    namespace = metadata.get("namespace")
    key = ResourceKey(
        group, resource["kind"], namespace if isinstance(namespace, str) and namespace else None, _name(metadata) or ""
    )
    data = canonical_json(stored)
    scan = load_scanners().get((group, key.kind), scan_generic)
    facts = scan(document, resource)
    # Key and facts are texts of the document. If redaction has found nothing in the document, they hold no secret.
    if any(data.find(mark) >= 0 for mark in _WITHHELD):  # `in` would make and drop an exception for bytes
        key, version, facts = withhold_in((key, version, facts))
    return Manifest(key, version, digest(data), data, facts, _values_numbers(document, resource, facts))


def _values_numbers(document: Decoded, resource: dict[str, Any], facts: Facts) -> tuple[tuple[Place, str], ...]:
    return tuple(
        ((*part.place, *place), text)
        for part in facts.values
        if part.kind == "map"
        for place, text in written_numbers(document, value_at(resource, part.place)).items()
    )


def restore_manifest(stored: Manifest, version: str | None) -> Manifest:
    """The manifest of a resource whose file cannot be read any more, with the facts of its stored document.

    The spelling of numbers is lost there. So version, app and images are those of the stored manifest. The context of
    its file is stored too.
    """
    resource = orjson.loads(stored.data)
    scan = load_scanners().get((stored.key.group, stored.key.kind), scan_generic)
    facts = scan(Decoded(resource, 0), resource)
    source = facts.source and facts.source._replace(version=version)
    chart = facts.chart._replace(version=version) if facts.chart and facts.chart.name else facts.chart
    facts = facts._replace(version=version, source=source, chart=chart)
    known = stored.facts
    return stored._replace(facts=facts._replace(app_name=known.app_name, images=known.images, context=known.context))


def digest(data: bytes) -> str:
    """A short content hash: 128 bits of BLAKE2b as hexadecimal text."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
