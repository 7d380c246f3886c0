"""The files of a repository as builds read them. Every look-up is an input of the query store.

Resources come from the manifests that the scan has read already. All other files are read when a build asks for them:
kustomizations, patches, replacements, files of generators.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import orjson

from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.build.incremental import QueryStore
from kubestats_pipeline.scan.build.resource_files import read_objects
from kubestats_pipeline.scan.build.transformers.resource import RefusedError, id_of
from kubestats_pipeline.scan.kinds import argo, helm
from kubestats_pipeline.scan.manifests.files import ContentCache, Declared, Files, ReadBlob
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey

_EMBEDDED = ((helm.GROUP, helm.DEPENDENCY), (argo.GROUP, argo.SOURCE_KIND))
"""Kinds of rows that stand for parts of documents."""


KEPT_BYTES, KEPT_TEXTS = 8_000_000, 10_000
"""Bytes and number of the files that are kept for the next builds."""


class FileObject(NamedTuple):
    """An object of a file, redacted, with its identity."""

    content: dict[str, Any]
    identity: Identity | None


class Sources(Protocol):
    """Everything that a build may read. Each look-up reports its input to the query store."""

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None if it is missing or too large."""

    def reads_alike(self, path: str) -> bool:
        """True if `objects` gives all that is in a file, because the scan has read it as kustomize does."""

    def kustomization(self, path: str) -> dict[str, Any] | None:
        """The content of a kustomization file as the scan has read it, or None if builds must read the file."""

    def has_file(self, path: str) -> bool:
        """True if there is a file at the path."""

    def has_folder(self, folder: str) -> bool:
        """True if there is a folder at the path."""

    def entries(self, folder: str) -> tuple[tuple[str, bool], ...] | None:
        """The names in a folder in their order, each with true if it is a folder. None if it is missing."""

    def objects(self, path: str, *, with_embedded: bool = False) -> tuple[FileObject, ...]:
        """The objects of a file, and on demand the releases that are embedded in it.

        Raises:
            RefusedError: kustomize cannot read it.
        """


class RecentTexts:
    """The blobs that were read last. A build reads the same files of generators and patches in many commits."""

    def __init__(self, read: ReadBlob) -> None:
        self._read = read
        self._kept: OrderedDict[str, bytes | None] = OrderedDict()
        self._size = 0

    def read(self, oid: str) -> bytes | None:
        """The bytes of a blob, or None if the mirror does not have it."""
        if oid in self._kept:
            self._kept.move_to_end(oid)
            return self._kept[oid]
        text = self._kept[oid] = self._read(oid)
        self._size += len(text or b"")
        while self._size > KEPT_BYTES or len(self._kept) > KEPT_TEXTS:
            self._size -= len(self._kept.popitem(last=False)[1] or b"")
        return text


class RepositorySources:
    """The files of a repository at one commit."""

    def __init__(self, files: Files, cache: ContentCache, queries: QueryStore) -> None:
        self._files = files
        self._cache = cache
        self._queries = queries
        self._texts = RecentTexts(cache.read_blob)
        self._folders: defaultdict[str, dict[str, bool]] = defaultdict(dict)

    def replace(self, paths: Iterable[str]) -> None:
        """Take note that the files at some paths have changed, have come or have gone."""
        for path in paths:
            self._queries.invalidate(("content of", path))
            parent, _, name = path.rpartition("/")
            is_there = self._exists(path)
            if is_there != (name in self._folders.get(parent, ())):
                self._queries.invalidate(("is a file", path))
                self._note(parent, name, is_there=is_there)

    def _note(self, folder: str, name: str, *, is_there: bool, is_folder: bool = False) -> None:
        """Add a name to a folder or take it away, and the folder to those above it, as far as they are new or empty."""
        names = self._folders[folder]
        self._queries.invalidate(("names in", folder))
        was_empty = not names
        if is_there:
            names[name] = is_folder
        else:
            names.pop(name, None)
        if not names:
            del self._folders[folder]
        if folder and (was_empty or not names):
            parent, _, last = folder.rpartition("/")
            self._note(parent, last, is_there=bool(names), is_folder=True)

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None if it is missing or too large."""
        self._queries.read_input(("content of", path))
        blob = self._files.blob_of(path)
        return self._texts.read(blob) if blob is not None else None

    def reads_alike(self, path: str) -> bool:
        """True if `objects` gives all that is in a file, because the scan has read it as kustomize does."""
        self._queries.read_input(("content of", path))
        file = self._files.get(path)
        return file is not None and file.content.reads_alike and bool(file.content.manifests)

    def kustomization(self, path: str) -> dict[str, Any] | None:
        """The content of a kustomization file as the scan has read it, or None if builds must read the file."""
        self._queries.read_input(("content of", path))
        file = self._files.get(path)
        kustomize = file.content.kustomize if file is not None else None
        return kustomize.content if kustomize is not None else None

    def has_file(self, path: str) -> bool:
        """True if there is a file at the path."""
        self._queries.read_input(("is a file", path))
        return self._exists(path)

    def _exists(self, path: str) -> bool:
        return self._files.blob_of(path) is not None or self._files.get(path) is not None

    def has_folder(self, folder: str) -> bool:
        """True if there is a folder at the path."""
        self._queries.read_input(("names in", folder))
        return folder in self._folders

    def entries(self, folder: str) -> tuple[tuple[str, bool], ...] | None:
        """The names in a folder in their order, each with true if it is a folder. None if it is missing."""
        self._queries.read_input(("names in", folder))
        names = self._folders.get(folder)
        return tuple(sorted(names.items())) if names else None

    def objects(self, path: str, *, with_embedded: bool = False) -> tuple[FileObject, ...]:
        """The objects of a file, and on demand the releases that are embedded in it.

        Raises:
            RefusedError: kustomize cannot read it.
        """
        file = self._files.get(path)
        declared: Declared = file.declared if file is not None else {}
        if not self.reads_alike(path) and not with_embedded:
            return self._read_objects(path, declared)
        return tuple(
            FileObject(orjson.loads(manifest.data), identity)
            for identity, manifest in declared.items()
            if with_embedded or (identity.key.group, identity.key.kind) not in _EMBEDDED
        )

    def _read_objects(self, path: str, declared: Declared) -> tuple[FileObject, ...]:
        """The objects of a file that kustomize reads in another way than kubectl."""
        blob = self.read(path)
        if blob is None:
            raise RefusedError("the file is missing, or too large")
        seen: Counter[ResourceKey] = Counter()
        found = []
        for content in map(redact, read_objects(blob, self._cache.bounds)):
            names = id_of(content)
            key = ResourceKey(names.group, names.kind, names.namespace or None, names.name)
            identity = Identity(key, path, seen[key])
            seen[key] += 1
            found.append(FileObject(content, identity if identity in declared else None))
        return tuple(found)
