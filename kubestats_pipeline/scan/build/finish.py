"""The end of a build: hashes in names, references to renamed resources, and the objects that come out.

To finish a build again costs what has changed. The rule: a resource is finished by itself, but for the names of all of
them, which references follow. So as long as each has the names that the one in its place had, and none takes a hash,
only those that differ are finished anew. Everything else is finished as a whole.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import compress, count
from operator import is_not
from typing import NamedTuple

import orjson

from kubestats_pipeline.scan.build.generators import hashed
from kubestats_pipeline.scan.build.objects import BuiltObject
from kubestats_pipeline.scan.build.transformers.by_identity import KEPT, ById
from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpecs
from kubestats_pipeline.scan.build.transformers.names import FormerNames, former_names_of
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources, with_metadata

_LOCAL = "config.kubernetes.io/local-config"


class Finished(NamedTuple):
    """The end of one build.

    Attributes:
        before: the resources that it was made of.
        specs: the field specs of the build.
        variables: the names of `vars`.
        references: what references were followed to.
        objects: what became of each resource. None for one that is for kustomize alone.
    """

    before: tuple[BuildResource, ...]
    specs: FieldSpecs
    variables: frozenset[str]
    references: FormerNames | None
    objects: tuple[BuiltObject | None, ...]


def finish(before: tuple[BuildResource, ...], specs: FieldSpecs, variables: frozenset[str]) -> Finished:
    """Finish a build.

    Raises:
        RefusedError: kustomize refuses it in the end.
    """
    resources = hashed(list(before))
    references = former_names_of(resources, specs.name_reference)
    if references is not None:
        resources = [references.followed(resource) for resource in resources]
    resources = _without_variables(resources, variables)
    if not all(resource.id.name for resource in resources):
        raise RefusedError("a resource has no name in the end")
    return Finished(before, specs, variables, references, tuple(map(_built, map(ById, resources))))


def finish_again(last: Finished, before: tuple[BuildResource, ...], specs: FieldSpecs) -> Finished | None:
    """As `finish` without variables, from the last end of the same build, or None if it must be finished as a whole."""
    if last.variables or last.specs != specs or len(before) != len(last.before):
        return None
    objects, is_changed = list(last.objects), False
    for place in differing(before, last.before):
        resource = before[place]
        if resource.needs_hash or not _has_names_of(resource, last.before[place]):
            return None
        try:
            followed = last.references.followed(resource) if last.references is not None else resource
        except RefusedError:
            return None
        made = _built(ById(followed))
        if not followed.id.name:
            return None
        if made != objects[place]:
            objects[place], is_changed = made, True
    return last._replace(before=before, objects=tuple(objects) if is_changed else last.objects)


def differing(new: Sequence[object], old: Sequence[object]) -> list[int]:
    """The places at which two sequences of one length hold different objects."""
    return [] if new is old else list(compress(count(), map(is_not, new, old)))


def _has_names_of(new: BuildResource, old: BuildResource) -> bool:
    """True if references lead to a resource as they did to another one."""
    same = (new.prefix, new.suffix, new.needs_hash) == (old.prefix, old.suffix, old.needs_hash)
    return same and new.ids == old.ids


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
