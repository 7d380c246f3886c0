"""kustomize's `namePrefix` and `nameSuffix`, and the fields in which a renamed resource is named.

References are followed at the end of a build, and only in the fields of `field_specs.py`: the release of a custom kind
goes on naming the ConfigMap without its hash.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from kubestats_pipeline.scan.build.transformers.by_identity import KEPT, ById
from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpec, NameReference, change_field, split_path
from kubestats_pipeline.scan.build.transformers.resource import (
    BuildResource,
    RefusedError,
    ResourceId,
    Resources,
    with_metadata,
)

_UNTOUCHED = ("CustomResourceDefinition", "Namespace", "HelmChartInflationGenerator")
_UNTOUCHED_IN = ("apiregistration.k8s.io", "APIService")
"""Kinds whose names stay: those that kustomize leaves out, and the charts, whose objects are not known."""
_FEATURE = "name"


class Renamed(NamedTuple):
    """The names of a renamed resource: those now, the former ones, and the outermost prefix and suffix."""

    id: ResourceId
    former: tuple[ResourceId, ...]
    prefix: str
    suffix: str


Candidates = list[Renamed]


def add_prefix(resources: Resources, prefix: str, specs: tuple[FieldSpec, ...]) -> Resources:
    """All resources with a prefix, which may be empty."""
    return _rename(resources, specs, lambda name: prefix + name, prefix, is_prefix=True)


def add_suffix(resources: Resources, suffix: str, specs: tuple[FieldSpec, ...]) -> Resources:
    """All resources with a suffix, which may be empty."""
    return _rename(resources, specs, lambda name: name + suffix, suffix, is_prefix=False)


def _rename(
    resources: Resources, specs: tuple[FieldSpec, ...], change: Callable[[str], str], text: str, *, is_prefix: bool
) -> Resources:
    if not text and not any(resource.prefix if is_prefix else resource.suffix for resource in resources):
        return resources
    renamed = []
    for resource in resources:
        names = resource.original_id
        if names.kind not in _UNTOUCHED and (names.group, names.kind) != _UNTOUCHED_IN:
            for spec in specs:
                if spec.selects(names):
                    resource = _with_text(resource, spec, change, text, is_prefix=is_prefix)
        renamed.append(resource)
    return renamed


def _with_text(
    resource: BuildResource, spec: FieldSpec, change: Callable[[str], str], text: str, *, is_prefix: bool
) -> BuildResource:
    if spec.path == "metadata/name":
        resource = resource._replace(prefix=text) if is_prefix else resource._replace(suffix=text)
        resource = resource.remembering() if text else resource
    if not text:
        return resource
    content = change_field(resource.content, split_path(spec.path), lambda name: change(str(name or "")), None)
    return resource.changed(content, _FEATURE)


def with_name(resource: BuildResource, name: str) -> BuildResource:
    """A resource with another name, which goes on being found by the former one."""
    return resource.remembering()._replace(content=with_metadata(resource.content, name=name))


class FormerNames(NamedTuple):
    """The names to which references of a build are followed: they depend on the names of its resources alone.

    Attributes:
        kinds: group, version and kind of each name that a renamed resource has or had.
        fields: the fields that may name a resource.
        names: the renamed resources by each former name.
    """

    kinds: frozenset[tuple[str, str, str]]
    fields: ById[tuple[NameReference, ...]]
    names: ById[dict[str, Candidates]]

    def followed(self, resource: BuildResource) -> BuildResource:
        """A resource with the names of renamed ones in the fields that name them.

        Raises:
            RefusedError: a name may mean several resources that have different names now.
        """
        original = resource.original_id
        fields = _naming_fields(self.kinds, self.fields, original.group, original.version, original.kind)
        return _followed(ById(resource), ById(fields), self.names) if fields else resource


def former_names_of(resources: Resources, fields: tuple[NameReference, ...]) -> FormerNames | None:
    """The names to which references of some resources are followed, or None if nothing can be named by a former one."""
    renamed = [resource for resource in resources if resource.former]
    kinds = frozenset((names.group, names.version, names.kind) for each in renamed for names in each.ids)
    if not renamed or not _references_to(kinds, ById(fields)):
        return None
    names = _by_former_name(tuple(Renamed(each.id, each.former, each.prefix, each.suffix) for each in renamed))
    return FormerNames(kinds, ById(fields), ById(names))


@functools.lru_cache(maxsize=1024)
def _references_to(
    kinds: frozenset[tuple[str, str, str]], references: ById[tuple[NameReference, ...]]
) -> list[NameReference]:
    """The references to some kinds, those to equal kinds one after another."""
    renamed = [ResourceId(*kind, "", "") for kind in kinds]
    by_kind: defaultdict[tuple[str, str], list[NameReference]] = defaultdict(list)
    for reference in references.value:
        if any(reference.kind == names.kind and reference.targets(names) for names in renamed):
            by_kind[reference.group, reference.kind].append(reference)
    return [reference for group in by_kind.values() for reference in group]


@functools.lru_cache(maxsize=8192)
def _naming_fields(
    kinds: frozenset[tuple[str, str, str]],
    references: ById[tuple[NameReference, ...]],
    group: str,
    version: str,
    kind: str,
) -> tuple[tuple[NameReference, tuple[str, ...]], ...]:
    """The paths of the fields of a kind that name one of some kinds."""
    names = ResourceId(group, version, kind, "", "")
    wanted = _references_to(kinds, references)
    return tuple((each, split_path(spec.path)) for each in wanted for spec in each.fields if spec.selects(names))


@functools.lru_cache(maxsize=256)
def _by_former_name(renamed: tuple[Renamed, ...]) -> dict[str, Candidates]:
    """Renamed resources by each former name. Most commits rename the same ones as the commit before."""
    found: defaultdict[str, Candidates] = defaultdict(list)
    for resource in renamed:
        for name in dict.fromkeys(names.name for names in resource.former):
            found[name].append(resource)
    return found


@functools.lru_cache(maxsize=KEPT)
def _followed(
    resource: ById[BuildResource],
    fields: ById[tuple[tuple[NameReference, tuple[str, ...]], ...]],
    names: ById[dict[str, Candidates]],
) -> BuildResource:
    return _Referrer(resource.value, names.value).followed(fields.value)


class _Referrer:
    """A resource whose fields name others."""

    def __init__(self, resource: BuildResource, names: dict[str, Candidates]) -> None:
        self._resource = resource
        self._names = names
        self._now = resource.id
        self._role = resource.content.get("roleRef")
        self._account_namespaces = _subject_namespaces(resource.content)

    def followed(self, fields: tuple[tuple[NameReference, tuple[str, ...]], ...]) -> BuildResource:
        """The resource with its references changed."""
        content = self._resource.content
        for reference, path in fields:
            content = change_field(content, path, functools.partial(self._value, reference))
        return self._resource.changed(content, "reference")

    def _value(self, reference: NameReference, value: Any) -> Any:
        if isinstance(value, list):
            items = [self._value(reference, item) for item in value]
            return items if items != value else value
        if isinstance(value, dict):
            return self._mapping(value, reference)
        if value is None:
            return value
        referral = self._referral(str(value), reference, list(self._candidates(str(value))))
        return referral.id.name if referral is not None and referral.id.name != value else value

    def _mapping(self, value: dict[str, Any], reference: NameReference) -> dict[str, Any]:
        name, namespace = value.get("name"), value.get("namespace")
        if not isinstance(name, str):
            raise RefusedError("a reference has no name")
        candidates = list(self._candidates(name))
        if isinstance(namespace, str):
            first = [each for each in candidates if each.former[0].effective_namespace == namespace]
            candidates = first or [each for each in candidates if each.id.effective_namespace == namespace]
        referral = self._referral(name, reference, candidates)
        if referral is None:
            return value
        changed = {**value, "name": referral.id.name}
        if referral.id.namespace:
            changed["namespace"] = referral.id.namespace
        return changed if changed != value else value

    def _candidates(self, name: str) -> Iterator[Renamed]:
        """The renamed resources that had a name, as far as this resource may name them."""
        for candidate in self._names.get(name, ()):
            names = candidate.id
            is_near = names.is_cluster_scoped or names.effective_namespace == self._now.effective_namespace
            if self._now.is_cluster_scoped or is_near or names.namespace in self._account_namespaces:
                yield candidate

    def _referral(self, name: str, reference: NameReference, candidates: Candidates) -> Renamed | None:
        found = [
            each
            for each in candidates
            if any(names.name == name and reference.targets(names) for names in each.former)
            and self._fits_role(each.id)
        ]
        for is_nearer in (self._is_in_same_namespace, self._has_same_prefixes):
            nearer = [each for each in found if is_nearer(each)]
            if len(nearer) == 1:
                return nearer[0]
            found = nearer or found
        if len({each.id.name for each in found}) > 1:
            raise RefusedError("a name may mean several resources")
        return found[0] if found else None

    def _fits_role(self, names: ResourceId) -> bool:
        if not isinstance(self._role, dict) or names.kind not in ("Role", "ClusterRole"):
            return True
        return (self._role.get("kind"), self._role.get("apiGroup")) == (names.kind, names.group)

    def _is_in_same_namespace(self, candidate: Renamed) -> bool:
        names = candidate.id
        if self._now.is_cluster_scoped or names.is_cluster_scoped:
            return True
        return names.effective_namespace == self._now.effective_namespace

    def _has_same_prefixes(self, candidate: Renamed) -> bool:
        return (candidate.prefix, candidate.suffix) == (self._resource.prefix, self._resource.suffix)


def _subject_namespaces(content: dict[str, Any]) -> set[str]:
    """The namespaces of the accounts that a RoleBinding names."""
    subjects = content.get("subjects")
    if content.get("kind") != "RoleBinding" or not isinstance(subjects, list):
        return set()
    return {
        subject["namespace"]
        for subject in subjects
        if isinstance(subject, dict) and isinstance(subject.get("namespace"), str)
        if subject.get("kind") == "ServiceAccount"
    }
