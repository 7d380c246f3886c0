"""Builds folders as kustomize does. Every build is a query, so that a change reaches only the builds that read it."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice

import orjson

from kubestats_pipeline.scan.build.accumulate import Accumulation, Accumulator, Readers
from kubestats_pipeline.scan.build.circles import circle_of
from kubestats_pipeline.scan.build.generators import CHART, hashed
from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.build.kustomization import (
    FILE_NAMES,
    KUSTOMIZATION,
    Fields,
    check_fields,
    decode_kustomization,
    read_kustomization,
    texts,
    with_more,
    without_secrets,
)
from kubestats_pipeline.scan.build.lenient import LenientAccumulator, LookUps, lacks_entry
from kubestats_pipeline.scan.build.objects import Built, BuiltObject
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.build.transformers.by_identity import KEPT, ById
from kubestats_pipeline.scan.build.transformers.field_specs import DEFAULT
from kubestats_pipeline.scan.build.transformers.names import follow_references
from kubestats_pipeline.scan.build.transformers.patches import ReadPatch, read_patch
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources, with_metadata
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry
from kubestats_pipeline.scan.manifests.identity import Identity

MOST_FILES = 20_000
"""Files of a folder without a kustomization."""

_LOCAL = "config.kubernetes.io/local-config"
_SKIPPED_FOLDERS = (".git", ".github")
_SUFFIXES = (".yaml", ".yml")


class Builds:
    """Queries for the builds of folders."""

    def __init__(self, sources: Sources, queries: QueryStore) -> None:
        self._sources = sources
        self.queries = queries
        self._look_ups = LookUps(sources.has_file, self._has_folder, self._fields, self._is_refused)

    @query
    def of(self, folder: str, more: bytes = b"{}") -> Built:
        """The objects of a folder.

        Args:
            folder: path from the repository's root, empty for the root.
            more: canonical JSON of fields of a kustomization that are added to the folder's own one, as Flux's
                kustomize-controller adds them: scalars replace, lists are appended.
        """
        return self._build(folder, more, Accumulator)

    @query
    def as_far_as_possible(self, folder: str, more: bytes = b"{}") -> Built:
        """The objects of a folder, and if kustomize refuses to build it, those of its sound parts."""
        if not self._is_refused_with(folder, more):
            built = self.of(folder, more)
            if built.failure is None:
                return built
        return self._build(folder, more, LenientAccumulator)

    def _build(self, folder: str, more: bytes, kind: type[Accumulator]) -> Built:
        try:
            fields = with_more(self._own_fields(folder), _read_more(more))
            self._refuse_circles(folder, fields)
            if more == b"{}" and self._has_kustomization(folder):
                accumulated = self._accumulated(folder) if kind is Accumulator else self._sound_parts(folder)
            else:
                accumulated = self._accumulate(folder, fields, kind)
            if accumulated.failure is not None:
                return Built(failure=accumulated.failure)
            specs = accumulated.specs or DEFAULT
            resources = follow_references(hashed(list(accumulated.resources)), specs.name_reference)
            resources = _without_variables(resources, accumulated.variables)
        except RefusedError as error:
            return Built(failure=str(error))
        if not all(resource.id.name for resource in resources):
            return Built(failure="a resource has no name in the end")
        built = map(_built, map(ById, resources))
        return Built(tuple(each for each in built if each is not None), missing=accumulated.missing)

    @query
    def _accumulated(self, folder: str) -> Accumulation:
        """The resources of a folder's own kustomization. All overlays share them."""
        try:
            return self._accumulate(folder, self._fields_or_refuse(folder), Accumulator)
        except RefusedError as error:
            return Accumulation(failure=str(error))

    @query
    def _sound_parts(self, folder: str) -> Accumulation:
        """The same, as far as possible."""
        if not self._is_refused(folder):
            whole = self._accumulated(folder)
            if whole.failure is None:
                return whole
        try:
            return self._accumulate(folder, self._fields_or_refuse(folder), LenientAccumulator)
        except RefusedError as error:
            return Accumulation(failure=str(error))

    @query
    def _is_refused(self, folder: str) -> bool:
        """True if a folder's own kustomization lacks an entry, so that kustomize refuses it."""
        fields = self._fields(folder)
        return isinstance(fields, str) or self._lacks_entry(folder, fields)

    @query
    def _is_refused_with(self, folder: str, more: bytes) -> bool:
        """The same for a build with more fields, or in a circle."""
        try:
            fields = with_more(self._own_fields(folder), _read_more(more))
            self._refuse_circles(folder, fields)
        except RefusedError:
            return True
        return self._lacks_entry(folder, fields)

    def _lacks_entry(self, folder: str, fields: Fields) -> bool:
        return lacks_entry(folder, fields, self._look_ups)

    def _accumulate(self, folder: str, fields: Fields, kind: type[Accumulator]) -> Accumulation:
        accumulated = self._sound_parts if kind is LenientAccumulator else self._accumulated
        accumulator = kind(self._readers(accumulated), DEFAULT)
        accumulator.run(folder, fields)
        return Accumulation(
            tuple(accumulator.resources),
            accumulator.specs,
            missing=tuple(accumulator.missing),
            variables=accumulator.variables,
        )

    def _readers(self, accumulated: Callable[[str], Accumulation]) -> Readers:
        return Readers(
            file=self._file_or_refuse,
            text=self._text,
            patch=self._patch_or_refuse,
            has_file=self._sources.has_file,
            has_folder=self._has_folder,
            fields=self._fields_or_refuse,
            kind=self._kind,
            accumulated=accumulated,
            chart_documents=self._chart_documents,
        )

    def _own_fields(self, folder: str) -> Fields:
        """The fields of a folder's kustomization, or of the one that Flux generates for a folder without one."""
        if self._has_kustomization(folder):
            return self._fields_or_refuse(folder)
        if not self._has_folder(folder):
            raise RefusedError("the folder is missing")
        generated = self._generated(folder)
        if len(generated) > MOST_FILES:
            raise RefusedError(f"the folder has more than {MOST_FILES} files")
        return {"kind": KUSTOMIZATION, "resources": list(generated)}

    def _has_folder(self, folder: str) -> bool:
        return self._sources.has_folder(folder)

    def _has_kustomization(self, folder: str) -> bool:
        return any(self._sources.has_file(_join(folder, name)) for name in FILE_NAMES)

    def _kind(self, folder: str) -> str | None:
        fields = self._fields(folder)
        return fields["kind"] if isinstance(fields, dict) else None

    def _fields_or_refuse(self, folder: str) -> Fields:
        fields = self._fields(folder)
        if isinstance(fields, str):
            raise RefusedError(fields)
        return fields

    @query
    def _fields(self, folder: str) -> Fields | str:
        """The fields of a folder's kustomization, or the reason why it has none."""
        found = [path for name in FILE_NAMES if self._sources.has_file(path := _join(folder, name))]
        if len(found) != 1:
            return "it has several kustomization files" if found else "it has no kustomization"
        content = self._sources.kustomization(found[0])
        try:
            if content is None:
                text = self._sources.read(found[0])
                if text is None:
                    return "the kustomization is too large"
                content = decode_kustomization(text)
            return read_kustomization(content)
        except RefusedError as error:
            return str(error)

    def _chart_documents(self, folder: str) -> dict[str, Identity]:
        """The rows of the charts that the kustomization of a folder inflates, by the names of their releases."""
        paths = [path for name in FILE_NAMES if self._sources.has_file(path := _join(folder, name))]
        rows = [each.identity for path in paths for each in self._sources.objects(path, with_embedded=True)]
        return {each.key.name: each for each in rows if each is not None and each.key.kind == CHART}

    def _file_or_refuse(self, path: str) -> tuple[BuildResource, ...]:
        read = self._file(path)
        if isinstance(read, str):
            raise RefusedError(read)
        return read

    @query
    def _file(self, path: str) -> tuple[BuildResource, ...] | str:
        """The resources of a file, or the reason why it has none."""
        try:
            return tuple(BuildResource(each.content, each.identity) for each in self._sources.objects(path))
        except RefusedError as error:
            return str(error)

    def _text(self, path: str) -> bytes:
        text = self._sources.read(path)
        if text is None:
            raise RefusedError(f"{path}: the file is missing" if not self._sources.has_file(path) else "too large")
        return text

    def _patch_or_refuse(self, path: str) -> ReadPatch:
        read = self._patch(path)
        if isinstance(read, str):
            raise RefusedError(read)
        return read

    @query
    def _patch(self, path: str) -> ReadPatch | str:
        """The patch in a file, or the reason why it is none."""
        try:
            if self._sources.reads_alike(path):
                return ReadPatch(tuple(resource.content for resource in self._file_or_refuse(path)))
            return read_patch(self._text(path))
        except RefusedError as error:
            return str(error)

    @query
    def _generated(self, folder: str) -> tuple[str, ...]:
        """The resources of the kustomization that Flux generates: all files below, and folders with a kustomization."""
        return tuple(islice(self._below(folder, ""), MOST_FILES + 1))

    def _below(self, folder: str, place: str) -> Iterator[str]:
        for name, is_folder in self._sources.entries(_join(folder, place)) or ():
            path = f"{place}/{name}" if place else name
            full = _join(folder, path)
            if not is_folder:
                if name.endswith(_SUFFIXES) and not name.startswith(".sops.yaml") and self._holds_objects(full):
                    yield path
            elif self._has_kustomization(full):
                yield path
            elif name not in _SKIPPED_FOLDERS:
                yield from self._below(folder, path)

    @query
    def _holds_objects(self, path: str) -> bool:
        """True for a file with resources, which most edits leave as it is."""
        read = self._file(path)
        return not isinstance(read, str) and bool(read)

    def _refuse_circles(self, folder: str, fields: Fields) -> None:
        """Refuse a build in which a folder leads back to itself, or to a folder that holds it, as kustomize does.

        Raises:
            RefusedError: there is such a circle, or the build reaches too many folders.
        """
        named = self._next(folder, fields)
        reason = self._circle(folder, named) if named else None
        if reason is not None:
            raise RefusedError(reason)

    @query
    def _circle(self, folder: str, named: tuple[str, ...]) -> str | None:
        """The reason why a folder that names others cannot be built, or None."""
        return circle_of(folder, named, self._children)

    @query
    def _children(self, folder: str) -> tuple[str, ...]:
        """The folders that a folder's kustomization names."""
        try:
            return self._next(folder, self._own_fields(folder))
        except RefusedError:
            return ()

    def _next(self, folder: str, fields: Fields) -> tuple[str, ...]:
        named = (resolve_entry(folder, entry) for key in ("resources", "components") for entry in texts(fields, key))
        return tuple(path for path in named if not self._sources.has_file(path) and self._has_folder(path))


@lru_cache(maxsize=256)
def _read_more(more: bytes) -> Fields:
    """The fields that an applier adds. One adds the same to many folders."""
    return without_secrets(check_fields(orjson.loads(more)))


def _without_variables(resources: Resources, variables: frozenset[str]) -> Resources:
    """The resources, of which those that use a variable of kustomize are incomplete."""
    if not variables:
        return resources
    marks = [f"$({name})".encode() for name in sorted(variables)]
    reason = "a variable of kustomize in it is not followed"
    return [
        each._replace(incomplete=reason) if any(mark in orjson.dumps(each.content) for mark in marks) else each
        for each in resources
    ]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


@lru_cache(maxsize=KEPT)
def _built(resource: ById[BuildResource]) -> BuiltObject | None:
    """The object that kustomize puts out, which has no empty annotations, or None if it is for kustomize alone."""
    made, content = resource.value, resource.value.content
    metadata = content.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict) and annotations.get(_LOCAL) == "true":
        return None
    if isinstance(metadata, dict) and "annotations" in metadata and not annotations:
        content = with_metadata(content, annotations=None)
    shown = (content, made.origin, made.changed_by, made.base_name, made.incomplete)
    return BuiltObject(*shown, files=made.files)
