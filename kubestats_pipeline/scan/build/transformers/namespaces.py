"""kustomize's `namespace`: the namespace of all objects that have one, and of the fields that name it.

An object of a kind that kustomize does not know gets the namespace too, also if the cluster says that it has none. A
Namespace is renamed. Of the subjects of a binding only the account `default` moves, as far as no name reference does.
Measured with kustomize 5.7.1.
"""

from functools import lru_cache
from typing import Any

from kubestats_pipeline.scan.build.transformers.by_identity import KEPT, ById
from kubestats_pipeline.scan.build.transformers.field_specs import FieldSpec, change_fields
from kubestats_pipeline.scan.build.transformers.resource import (
    BuildResource,
    RefusedError,
    Resources,
    ids_taken,
    with_metadata,
)

_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
SUBJECTS = ("defaultOnly", "allServiceAccounts", "none")
"""The subjects of bindings that a NamespaceTransformer may move."""


def set_namespace(
    resources: Resources,
    namespace: str,
    specs: tuple[FieldSpec, ...],
    *,
    unset_only: bool = False,
    subjects: str = SUBJECTS[0],
) -> Resources:
    """All resources with a namespace.

    Raises:
        RefusedError: two of them become the same object.
    """
    if not namespace:
        return resources
    fields = ById(specs)
    changed = [_in_namespace(ById(resource), namespace, fields, unset_only, subjects) for resource in resources]
    if len(ids_taken(changed)) < len(changed):
        raise RefusedError("two resources become the same one by the namespace")
    return changed


@lru_cache(maxsize=KEPT)
def _in_namespace(
    resource: ById[BuildResource], namespace: str, specs: ById[tuple[FieldSpec, ...]], unset_only: bool, subjects: str
) -> BuildResource:
    content = _moved(resource.value, namespace, specs.value, unset_only, subjects)
    return resource.value.remembering().changed(content, "namespace")


def _moved(
    resource: BuildResource, namespace: str, specs: tuple[FieldSpec, ...], unset_only: bool, subjects: str
) -> dict[str, Any]:
    content, names = resource.content, resource.id

    def fill(value: Any) -> Any:
        return value if value == namespace or (unset_only and value not in (None, "")) else namespace

    if not names.is_cluster_scoped and fill(names.namespace) != names.namespace:
        content = with_metadata(content, namespace=namespace)
    if names.kind in _BINDINGS and subjects != "none":
        content = _with_subjects(content, fill, subjects)
    return change_fields(content, names, _fields(ById(specs), names.group, names.version), fill, "")


@lru_cache(maxsize=512)
def _fields(specs: ById[tuple[FieldSpec, ...]], group: str, version: str) -> tuple[FieldSpec, ...]:
    return tuple(spec for spec in specs.value if not _is_of_metadata(spec, group, version))


def _is_of_metadata(spec: FieldSpec, group: str, version: str) -> bool:
    """True for fields that are treated apart, such as the name of a Namespace of another group than Kubernetes' own."""
    if spec.path == "metadata/namespace":
        return True
    return spec.path == "metadata/name" and spec.kind == "Namespace" and (group, version) != ("", "v1")


def _with_subjects(content: dict[str, Any], fill: Any, which: str) -> dict[str, Any]:
    subjects = content.get("subjects")
    if not isinstance(subjects, list):
        return content
    moved = [_subject(subject, fill, which) for subject in subjects]
    return {**content, "subjects": moved} if moved != subjects else content


def _subject(subject: Any, fill: Any, which: str) -> Any:
    if not isinstance(subject, dict):
        return subject
    is_default = subject.get("name") == "default"
    is_account = subject.get("kind") == "ServiceAccount"
    if (which == SUBJECTS[0] and is_default) or (which == SUBJECTS[1] and is_account):
        return {**subject, "namespace": fill(subject.get("namespace"))}
    return subject
