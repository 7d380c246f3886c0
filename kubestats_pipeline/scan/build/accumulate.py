"""Accumulation: the resources of a kustomization, from its entries through its generators and components to the end of
its transformers, in kustomize's order.

Names with hashes and references to them come last, in `builds.py`, because a base does not have them yet.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.scan.build.configurations import read_configuration, read_field_specs, with_specs
from kubestats_pipeline.scan.build.generators import (
    CHART,
    CONFIG_MAP,
    SECRET,
    chart_of,
    file_key,
    generate,
    merge_generated,
)
from kubestats_pipeline.scan.build.kustomization import COMPONENT, Fields, check_entries, entries, texts
from kubestats_pipeline.scan.build.objects import Accumulation, Readers
from kubestats_pipeline.scan.build.plugins import generate_by_plugin, transform_by_plugin
from kubestats_pipeline.scan.build.remote_entries import is_remote, without_credentials
from kubestats_pipeline.scan.build.resource_files import read_objects
from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpec, FieldSpecs
from kubestats_pipeline.scan.build.transformers.images import override_images
from kubestats_pipeline.scan.build.transformers.labels import set_pairs, set_replicas
from kubestats_pipeline.scan.build.transformers.list_keys import list_keys
from kubestats_pipeline.scan.build.transformers.names import add_prefix, add_suffix
from kubestats_pipeline.scan.build.transformers.namespaces import set_namespace
from kubestats_pipeline.scan.build.transformers.patch_steps import PatchEntry, ReadPatch, read_patch
from kubestats_pipeline.scan.build.transformers.patches import (
    apply_json_patches,
    apply_merges,
    apply_patches,
)
from kubestats_pipeline.scan.build.transformers.replacements import apply_replacement, read_replacements
from kubestats_pipeline.scan.build.transformers.resource import (
    BuildResource,
    RefusedError,
    ResourceId,
    Resources,
    add_resource,
    ids_taken,
)
from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.repository_paths import resolve_entry

MOST_RESOURCES = 20_000
"""Resources of one build. The largest of the corpora has 2,000."""

MOST_STEPS = 5_000_000
"""Changes of one kustomization times the resources that each looks at. The corpora take up to 5,000."""


_ONLY_LABELS = (FieldSpec("metadata/labels", create=True),)


class Accumulator:
    """Accumulates one kustomization. Components add to the accumulator of the kustomization that lists them."""

    def __init__(self, readers: Readers, specs: FieldSpecs) -> None:
        self._readers = readers
        self.specs = specs
        self.resources: Resources = []
        self.missing: list[str] = []
        self.variables: frozenset[str] = frozenset()
        self._taken: set[ResourceId] = set()
        self._steps = 0

    def run(self, folder: str, fields: Fields) -> None:
        """Accumulate the kustomization of a folder.

        Raises:
            RefusedError: kustomize refuses it.
        """
        self.gather(folder, fields)
        self.transform(folder, fields)

    def go_on_from(self, gathered: Accumulation) -> None:
        """Take in what another one has gathered of the same kustomization."""
        self.resources, self.missing = list(gathered.resources), list(gathered.missing)
        self.specs, self.variables = gathered.specs or self.specs, gathered.variables
        self._steps = gathered.steps

    @property
    def accumulation(self) -> Accumulation:
        """All that is accumulated so far."""
        found = tuple(self.resources), self.specs, None, tuple(self.missing), self.variables
        return Accumulation(*found, steps=self._steps)

    def gather(self, folder: str, fields: Fields) -> None:
        """Accumulate the entries of the kustomization of a folder, its generators and its components.

        Raises:
            RefusedError: kustomize refuses it.
        """
        self._taken = ids_taken(self.resources)
        for entry in texts(fields, "resources"):
            self._in_entry(folder, entry, self._take)
        for entry in texts(fields, "configurations"):
            self._in_entry(folder, entry, self._configure)
        for entry in texts(fields, "crds"):
            self._in_entry(folder, entry, self._look_at)
        self._generate(folder, fields)
        for config in self._plugins(folder, fields, "generators"):
            read, exists = functools.partial(self._text, folder), functools.partial(self._exists, folder)
            generated = generate_by_plugin(config.content, read, exists)
            origin = config.origin if generated.id.kind == CHART else None
            self.resources = merge_generated(self.resources, generated._replace(origin=origin))
        for entry in texts(fields, "components"):
            self._in_entry(folder, entry, self._component)

    def transform(self, folder: str, fields: Fields) -> None:
        """Apply the transformers of the kustomization of a folder.

        Raises:
            RefusedError: kustomize refuses it.
        """
        self._transform(folder, fields)
        for config in self._plugins(folder, fields, "transformers"):
            self.resources = transform_by_plugin(self.resources, config.content, functools.partial(self._text, folder))
        for config in self._plugins(folder, fields, "validators"):
            transform_by_plugin(self.resources, config.content, functools.partial(self._text, folder))
        self.variables |= {entry["name"] for entry in entries(fields, "vars") if entry.get("name")}

    def _spend(self, changes: int) -> None:
        """Count changes, each of which looks at all resources.

        Raises:
            RefusedError: there are too many.
        """
        self._steps += changes * (1 + len(self.resources))
        if self._steps > MOST_STEPS:
            raise RefusedError(f"the build takes more than {MOST_STEPS} steps")

    def _in_entry(self, folder: str, entry: str, action: Callable[[str, str], None]) -> None:
        try:
            action(folder, entry)
        except RefusedError as error:
            raise RefusedError(f"{without_credentials(entry)}: {error}") from None
        if len(self.resources) > MOST_RESOURCES:
            raise RefusedError(f"the build has more than {MOST_RESOURCES} resources")

    def _take(self, folder: str, entry: str) -> None:
        path = resolve_entry(folder, entry)
        if self._readers.has_file(path):
            add_resource(self.resources, self._taken, self._readers.file(path))
        elif self._readers.has_folder(path):
            if self._readers.kind(path) == COMPONENT:
                raise RefusedError("it is a component")
            taken = self._readers.accumulated(path)
            if taken.failure is not None:
                raise RefusedError(taken.failure)
            self.missing += taken.missing
            self.variables |= taken.variables
            self.specs = with_specs(self.specs, taken.specs or self.specs)
            add_resource(self.resources, self._taken, taken.resources)
        elif is_remote(entry):
            self.missing.append(without_credentials(entry))
        else:
            raise RefusedError("the repository has neither such a file nor such a folder")

    def _component(self, folder: str, entry: str) -> None:
        path = resolve_entry(folder, entry)
        if is_remote(entry) and not self._readers.has_folder(path):
            self.missing.append(without_credentials(entry))
            return
        fields = self._readers.fields(path)
        if fields["kind"] != COMPONENT:
            raise RefusedError("it is not a component")
        self.run(path, fields)

    def _configure(self, folder: str, entry: str) -> None:
        self.specs = with_specs(self.specs, read_configuration(self._text(folder, entry)))

    def _look_at(self, folder: str, entry: str) -> None:
        """Refuse a file that is missing. The content of a CRD matters to nothing that is built here."""
        if not self._readers.has_file(resolve_entry(folder, entry)):
            self._text(folder, entry)

    def _plugins(self, folder: str, fields: Fields, key: str) -> Iterator[BuildResource]:
        """The configurations of plugins: objects of files, of folders, or in the entry itself."""
        for entry in texts(fields, key):
            path = resolve_entry(folder, entry)
            if "\n" in entry:
                yield from map(BuildResource, map(redact, read_objects(entry.encode("utf-8", "replace"), Bounds())))
            elif self._readers.has_file(path):
                yield from self._readers.file(path)
            elif self._readers.has_folder(path):
                taken = self._readers.accumulated(path)
                if taken.failure is not None:
                    raise RefusedError(f"{entry}: {taken.failure}")
                yield from taken.resources
            elif is_remote(entry):
                self.missing.append(without_credentials(entry))
            else:
                raise RefusedError(f"{entry}: the repository has neither such a file nor such a folder")

    def _text(self, folder: str, entry: str) -> bytes:
        path = resolve_entry(folder, entry)
        if is_remote(entry) and not self._readers.has_file(path):
            self.missing.append(without_credentials(entry))
            raise _RemoteTextError(without_credentials(entry))
        return self._readers.text(path)

    def _exists(self, folder: str, entry: str) -> bool:
        return self._readers.has_file(resolve_entry(folder, entry)) or is_remote(entry)

    def _generate(self, folder: str, fields: Fields) -> None:
        general = fields.get("generatorOptions") or {}
        read, exists = functools.partial(self._text, folder), functools.partial(self._exists, folder)
        for field, kind in (("configMapGenerator", CONFIG_MAP), ("secretGenerator", SECRET)):
            for entry in entries(fields, field):
                files = [(key, resolve_entry(folder, path)) for key, path in map(file_key, entry.get("files") or ())]
                try:
                    generated = generate(kind, entry, general, read, exists, files)
                except _RemoteTextError:
                    continue  # it is among the missing
                self.resources = merge_generated(self.resources, generated)
        home = (fields.get("helmGlobals") or {}).get("chartHome")
        charts = list(entries(fields, "helmCharts"))
        documents = self._readers.chart_documents(folder) if charts else {}
        for entry in charts:
            chart = chart_of(entry, home)
            values = (entry.get("valuesFile"), *(entry.get("additionalValuesFiles") or ()))
            read_by_it = tuple((path, resolve_entry(folder, path)) for path in values if path and not is_remote(path))
            chart = chart._replace(origin=documents.get(chart.id.name), files=read_by_it)
            self.resources = merge_generated(self.resources, chart)

    def _transform(self, folder: str, fields: Fields) -> None:
        """Apply the transformers in kustomize's order. JSON patches of the old field come after names and namespace."""
        self._spend(sum(len(value) for value in fields.values() if isinstance(value, list)))
        if fields.get("patchesStrategicMerge"):
            self.resources = apply_merges(self.resources, self._old_patches(folder, fields))
        if fields.get("patches"):
            self.resources = apply_patches(self.resources, self.patches(folder, fields))
        if fields.get("openapi"):
            self._note_schema(folder, fields["openapi"])
        self.resources = set_namespace(self.resources, fields.get("namespace") or "", self.specs.namespace)
        self.resources = add_prefix(self.resources, fields.get("namePrefix") or "", self.specs.name_prefix)
        self.resources = add_suffix(self.resources, fields.get("nameSuffix") or "", self.specs.name_suffix)
        self._set_labels(fields)
        if fields.get("patchesJson6902"):
            self.resources = apply_json_patches(self.resources, self._json_patches(folder, fields))
        for entry in entries(fields, "replicas"):
            self.resources = set_replicas(self.resources, entry, self.specs.replicas)
        for entry in entries(fields, "images"):
            self.resources = override_images(self.resources, entry, self.specs.images)
        self._replace(folder, fields)

    def _note_schema(self, folder: str, openapi: Mapping[str, Any]) -> None:
        """Call patched objects of custom kinds incomplete, because a schema may say how their lists are merged."""
        if path := openapi.get("path"):
            self._look_at(folder, path)
        reason = "lists of it may be merged by a schema that is not read"
        self.resources = [
            each._replace(incomplete=reason)
            if "patch" in each.changed_by and not list_keys(each.id.group, each.id.kind)
            else each
            for each in self.resources
        ]

    def _old_patches(self, folder: str, fields: Fields) -> Iterator[dict[str, Any]]:
        for item in texts(fields, "patchesStrategicMerge"):
            try:
                is_path = self._readers.has_file(resolve_entry(folder, item)) or "\n" not in item
                text = self._text(folder, item) if is_path else item.encode("utf-8", "replace")
            except _RemoteTextError:
                continue  # it is among the missing
            merges = read_patch(text).merges
            self._spend(len(merges))
            yield from merges

    def patches(self, folder: str, fields: Fields) -> Iterator[PatchEntry]:
        """The entries of `patches`, without those that are elsewhere.

        Raises:
            RefusedError: one cannot be read.
        """
        for entry in entries(fields, "patches"):
            patch = self._patch(folder, entry)
            if patch is not None:
                self._spend(len(patch.merges))
                yield patch, entry.get("target"), entry.get("options") or {}

    def _json_patches(self, folder: str, fields: Fields) -> Iterator[tuple[list[Any], Fields]]:
        for entry in entries(fields, "patchesJson6902"):
            patch = self._patch(folder, entry)
            if patch is not None and patch.operations is None:
                raise RefusedError("an entry of patchesJson6902 is not a list of operations")
            if patch is not None:
                yield patch.operations or [], entry.get("target") or {}

    def _patch(self, folder: str, entry: Fields) -> ReadPatch | None:
        text, path = entry.get("patch") or "", entry.get("path") or ""
        if bool(text) == bool(path):
            raise RefusedError("a patch needs either a patch or a path")
        try:
            return read_patch(text.encode("utf-8", "replace")) if text else self._patch_of(folder, path)
        except _RemoteTextError:
            return None
        except RefusedError as error:
            raise RefusedError(f"{path}: {error}" if path else str(error)) from None

    def _patch_of(self, folder: str, entry: str) -> ReadPatch:
        path = resolve_entry(folder, entry)
        return self._readers.patch(path) if self._readers.has_file(path) else read_patch(self._text(folder, entry))

    def _set_labels(self, fields: Fields) -> None:
        for entry in entries(fields, "labels"):
            own = read_field_specs(entry.get("fields"))
            if entry.get("includeSelectors"):
                specs = self.specs.common_labels
            else:
                specs = self.specs.template_labels if entry.get("includeTemplates") else _ONLY_LABELS
            specs = (*own, *specs) if own else specs
            self.resources = set_pairs(self.resources, entry.get("pairs") or {}, specs, "label")
        self.resources = set_pairs(self.resources, fields.get("commonLabels") or {}, self.specs.common_labels, "label")
        self.resources = set_pairs(
            self.resources, fields.get("commonAnnotations") or {}, self.specs.common_annotations, "annotation"
        )

    def _replace(self, folder: str, fields: Fields) -> None:
        for entry in entries(fields, "replacements"):
            replacements: list[Any] = [entry]
            if path := entry.get("path"):
                try:
                    replacements = check_entries("replacements", read_replacements(self._text(folder, path)))
                except _RemoteTextError:
                    continue  # it is among the missing
            self._spend(sum(len(each.get("targets") or ()) + 1 for each in replacements))
            for replacement in replacements:
                self.resources = apply_replacement(self.resources, replacement)


class _RemoteTextError(Exception):
    """A text that is elsewhere, so that the step that needs it is left out."""
