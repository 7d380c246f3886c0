"""Builds folders as kustomize does. Every build is a query, so that a change reaches only the builds that read it."""

from collections.abc import Callable
from typing import TypeVar

from kubestats_pipeline.scan.build.accumulate import Accumulator
from kubestats_pipeline.scan.build.circles import Circles
from kubestats_pipeline.scan.build.directories import MOST_FILES, GeneratedKustomizations, join
from kubestats_pipeline.scan.build.finish import Finished, finish, finish_again
from kubestats_pipeline.scan.build.generators import CHART
from kubestats_pipeline.scan.build.incremental import QueryStore, query
from kubestats_pipeline.scan.build.kustomization import (
    FILE_NAMES,
    KUSTOMIZATION,
    Fields,
    decode_kustomization,
    entries,
    read_kustomization,
    read_more,
    with_more,
)
from kubestats_pipeline.scan.build.last_run import GATHERING, LastRun, Run, inline_steps, is_pointwise
from kubestats_pipeline.scan.build.lenient import LenientAccumulator, LookUps, lacks_entry
from kubestats_pipeline.scan.build.objects import Accumulation, Built, Readers
from kubestats_pipeline.scan.build.sources import Sources
from kubestats_pipeline.scan.build.transformers.field_specs import DEFAULT
from kubestats_pipeline.scan.build.transformers.patch_steps import PatchStep, ReadPatch, read_patch, steps_of
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources
from kubestats_pipeline.scan.manifests.identity import Identity

Found = TypeVar("Found")

_NO_MORE = b"{}"


class Builds:
    """Queries for the builds of folders."""

    def __init__(self, sources: Sources, queries: QueryStore) -> None:
        self._sources = sources
        self.queries = queries
        self._generated = GeneratedKustomizations(sources, queries, self._holds_objects)
        self._circles = Circles(sources, queries, self._own_fields)
        self._look_ups = LookUps(sources.has_file, self._has_folder, self._fields, self._is_refused)
        self._strict, self._lenient = self._readers(self._accumulated), self._readers(self._sound_parts)

    @query
    def of(self, folder: str, more: bytes = _NO_MORE) -> Built:
        """The objects of a folder.

        Args:
            folder: path from the repository's root, empty for the root.
            more: canonical JSON of fields of a kustomization that are added to the folder's own one, as Flux's
                kustomize-controller adds them: scalars replace, lists are appended.
        """
        return self._build(folder, more, Accumulator)

    @query
    def as_far_as_possible(self, folder: str, more: bytes = _NO_MORE) -> Built:
        """The objects of a folder, and if kustomize refuses to build it, those of its sound parts."""
        if not self._is_refused_with(folder, more):
            built = self.of(folder, more)
            if built.failure is None:
                return built
        return self._build(folder, more, LenientAccumulator)

    def _build(self, folder: str, more: bytes, kind: type[Accumulator]) -> Built:
        try:
            own, added = self._own_fields_or_refuse(folder), read_more(more)
            gathers = not GATHERING.isdisjoint(added)
            circle = self._circles.with_fields(folder, with_more(own, added)) if gathers else self._circles.of(folder)
            if circle is not None:
                return Built(failure=circle)
            if not added and self._generated.has_kustomization(folder):
                accumulated = self._accumulated(folder) if kind is Accumulator else self._sound_parts(folder)
            elif kind is Accumulator and not gathers and self._generated.has_kustomization(folder):
                accumulated = self._transformed(folder, own, more)
            else:
                accumulated = self._accumulate(folder, with_more(own, added), kind)
            if accumulated.failure is not None:
                return Built(failure=accumulated.failure)
            finished = self._finish(accumulated)
        except RefusedError as error:
            return Built(failure=str(error))
        return Built(tuple(filter(None, finished.objects)), missing=accumulated.missing)

    def _finish(self, accumulated: Accumulation) -> Finished:
        workings, specs = self.queries.workings, accumulated.specs or DEFAULT
        last: Finished | None = workings.get(Finished.__name__)
        finished = None
        if last is not None and not accumulated.variables:
            finished = finish_again(last, accumulated.resources, specs)
        if finished is None:
            finished = finish(accumulated.resources, specs, accumulated.variables)
        workings[Finished.__name__] = finished
        return finished

    @query
    def _accumulated(self, folder: str) -> Accumulation:
        """The resources of a folder's own kustomization. All overlays share them."""
        try:
            return self._transformed(folder, self._fields_or_refuse(folder), _NO_MORE)
        except RefusedError as error:
            return Accumulation(failure=str(error))

    @query
    def _gathered(self, folder: str) -> Accumulation:
        """The same before its transformers: its entries, generators and components."""
        try:
            accumulator = Accumulator(self._strict, DEFAULT)
            accumulator.gather(folder, self._fields_or_refuse(folder))
        except RefusedError as error:
            return Accumulation(failure=str(error))
        return accumulator.accumulation

    @query
    def _steps(self, folder: str) -> tuple[PatchStep, ...] | None:
        """The patches of a folder's own kustomization, or None if not all can be read."""
        fields = self._fields(folder)
        return self._read_steps(folder, fields) if isinstance(fields, dict) else None

    def _read_steps(self, folder: str, fields: Fields) -> tuple[PatchStep, ...] | None:
        accumulator = Accumulator(self._strict, DEFAULT)
        try:
            found = steps_of(accumulator.patches(folder, fields))
        except RefusedError:
            return None
        return None if accumulator.missing else found

    def _transformed(self, folder: str, own: Fields, more: bytes) -> Accumulation:
        """The resources of a folder's own kustomization, after its transformers with fields added to them."""
        gathered = self._gathered(folder)
        if gathered.failure is not None:
            return gathered
        workings = self.queries.workings
        last: LastRun | None = workings.get(LastRun.__name__)

        def transform(resources: Resources, fields: Fields) -> Resources:
            accumulator = Accumulator(self._strict, gathered.specs or DEFAULT)
            accumulator.resources = resources
            accumulator.transform(folder, fields)
            return accumulator.resources

        if last is not None:
            run = self._run(folder, own, more, gathered)
            if run is not None and last.advance(run, transform):
                return gathered._replace(resources=last.after, steps=0)
        workings[LastRun.__name__], fields = None, with_more(own, read_more(more))
        accumulator = Accumulator(self._strict, DEFAULT)
        accumulator.go_on_from(gathered)
        accumulator.transform(folder, fields)
        accumulated = accumulator.accumulation._replace(steps=0)
        if is_pointwise(fields) and len(accumulated.resources) == len(gathered.resources):
            run = self._run(folder, own, more, gathered)
            workings[LastRun.__name__] = LastRun(run, fields, accumulated.resources) if run is not None else None
        return accumulated

    def _run(self, folder: str, own: Fields, more: bytes, gathered: Accumulation) -> Run | None:
        """A run of the transformers of a folder's own kustomization, or None if not all patches can be read."""
        steps, added = self._steps(folder), read_more(more)
        if any(entry.get("path") for entry in entries(added, "patches")):
            others = self._read_steps(folder, added)
        else:
            others = inline_steps(more)
        if steps is None or others is None:
            return None
        return Run(own, gathered.specs or DEFAULT, steps + others, gathered.resources)

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
            fields = with_more(self._own_fields_or_refuse(folder), read_more(more))
        except RefusedError:
            return True
        return self._circles.with_fields(folder, fields) is not None or self._lacks_entry(folder, fields)

    def _lacks_entry(self, folder: str, fields: Fields) -> bool:
        return lacks_entry(folder, fields, self._look_ups)

    def _accumulate(self, folder: str, fields: Fields, kind: type[Accumulator]) -> Accumulation:
        accumulator = kind(self._lenient if kind is LenientAccumulator else self._strict, DEFAULT)
        accumulator.run(folder, fields)
        return accumulator.accumulation._replace(steps=0)

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

    def _own_fields_or_refuse(self, folder: str) -> Fields:
        return _or_refuse(self._own_fields(folder))

    @query
    def _own_fields(self, folder: str) -> Fields | str:
        """The fields of a folder's kustomization, or of the one that Flux generates for a folder without one."""
        if self._generated.has_kustomization(folder):
            return self._fields(folder)
        if not self._has_folder(folder):
            return "the folder is missing"
        generated = self._generated.resources(folder)
        if len(generated) > MOST_FILES:
            return f"the folder has more than {MOST_FILES} files"
        return {"kind": KUSTOMIZATION, "resources": list(generated)}

    def _has_folder(self, folder: str) -> bool:
        return self._sources.has_folder(folder)

    def _kind(self, folder: str) -> str | None:
        fields = self._fields(folder)
        return fields["kind"] if isinstance(fields, dict) else None

    def _fields_or_refuse(self, folder: str) -> Fields:
        return _or_refuse(self._fields(folder))

    @query
    def _fields(self, folder: str) -> Fields | str:
        """The fields of a folder's kustomization, or the reason why it has none."""
        found = [path for name in FILE_NAMES if self._sources.has_file(path := join(folder, name))]
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
        paths = [path for name in FILE_NAMES if self._sources.has_file(path := join(folder, name))]
        rows = [each.identity for path in paths for each in self._sources.objects(path, with_embedded=True)]
        return {each.key.name: each for each in rows if each is not None and each.key.kind == CHART}

    def _file_or_refuse(self, path: str) -> tuple[BuildResource, ...]:
        return _or_refuse(self._file(path))

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
        return _or_refuse(self._patch(path))

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
    def _holds_objects(self, path: str) -> bool:
        """True for a file with resources, which most edits leave as it is."""
        read = self._file(path)
        return not isinstance(read, str) and bool(read)


def _or_refuse(found: Found | str) -> Found:
    """A value, if there is no reason in its place why there is none.

    Raises:
        RefusedError: there is one.
    """
    if isinstance(found, str):
        raise RefusedError(found)
    return found
