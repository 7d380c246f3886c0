"""One resource on its way through a build: its content now, and the names that it had before.

kustomize finds a resource by each name that it had, so that a patch may name it as its file does. Contents are trees
that are shared between builds. `field_specs.py` changes them by copies of the path to the change.
"""

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from kubestats_pipeline.scan.build.transformers.strict import is_equal
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.facts.cluster_scope import is_cluster_scoped
from kubestats_pipeline.scan.manifests.identity import Identity

DEFAULT_NAMESPACE = "default"
_NO_NAMESPACE = "_non_namespaceable_"
"""The namespace of objects of the cluster, as kustomize compares it with the pattern of a target."""


_FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"
_NEWER = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
"""Kinds of the cluster that kustomize does not know yet, so that it gives them a namespace."""

MOST_BYTES = 4_000_000
"""Bytes of an object as JSON. The bound on documents allows a quarter of it."""

TOO_LARGE = f"an object of more than {MOST_BYTES} bytes, or one that is nested too deep"


class RefusedError(Exception):
    """kustomize refuses to build it. The text names the kind of failure and a path, and no content."""


class ResourceId(NamedTuple):
    """The names by which kustomize finds a resource. Empty texts stand for what it does not say."""

    group: str
    version: str
    kind: str
    name: str
    namespace: str

    @property
    def is_cluster_scoped(self) -> bool:
        """True for the kinds that kustomize knows to have no namespace."""
        return _is_known_as_cluster_scoped(self.group, self.version, self.kind)

    @property
    def effective_namespace(self) -> str:
        """The namespace that kustomize compares: `default` where none is written."""
        if self.is_cluster_scoped:
            return _NO_NAMESPACE
        return self.namespace or DEFAULT_NAMESPACE

    @property
    def effective(self) -> "ResourceId":
        """The same id for two resources that kustomize takes for one."""
        return ResourceId(self.group, self.version, self.kind, self.name, self.effective_namespace)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class _ResourceParts(NamedTuple):
    """The parts of a resource of a build.

    Attributes:
        content: redacted, shared and never changed.
        origin: the document that it began as.
        changed_by: features that changed it.
        former: its former ids, the oldest first.
        prefix: the outermost prefix that it was given, which may be empty.
        suffix: likewise.
        needs_hash: true if a generator made it and its name takes a hash.
        is_withheld: true if a part of its content was redacted, so that its hash is not known.
        behavior: of a generator: create, merge or replace.
        base_name: its name before a hash was appended.
        incomplete: the reason why a part of it is not known.
        files: of a generated ConfigMap, the keys whose value is a file, with the path of the file.
    """

    content: dict[str, Any]
    origin: Identity | None = None
    changed_by: frozenset[str] = frozenset()
    former: tuple[ResourceId, ...] = ()
    prefix: str = ""
    suffix: str = ""
    needs_hash: bool = False
    is_withheld: bool = False
    behavior: str = "create"
    base_name: str | None = None
    incomplete: str | None = None
    files: tuple[tuple[str, str], ...] = ()


class BuildResource(_ResourceParts):
    """A resource of a build. Its content never changes, so its id is read once."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return is_equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not is_equal(self, other)

    @cached_property
    def id(self) -> ResourceId:
        """Its names now."""
        return id_of(self.content)

    @cached_property
    def effective(self) -> ResourceId:
        """Its names now, as kustomize compares them with those of others."""
        return self.id.effective

    @property
    def original_id(self) -> ResourceId:
        """Its names in its file."""
        return self.former[0] if self.former else self.id

    @property
    def ids(self) -> tuple[ResourceId, ...]:
        """All names that it has or had."""
        return (*self.former, self.id)

    def changed(self, content: dict[str, Any], feature: str) -> "BuildResource":
        """The resource with another content, by a feature. The same if the content is the same object."""
        if content is self.content:
            return self
        changed_by = self.changed_by if feature in self.changed_by else self.changed_by | {feature}
        return self._with(content, self.origin, changed_by, *self[3:])

    def remembering(self) -> "BuildResource":
        """The resource with its present id as a former one."""
        if self.id in self.former:
            return self
        return self._with(*self[:3], self.ids, *self[4:])

    @classmethod
    def _with(cls, *parts: Any) -> "BuildResource":
        return cls(*parts)


Resources = list[BuildResource]


@lru_cache(maxsize=2048)
def _is_known_as_cluster_scoped(group: str, version: str, kind: str) -> bool:
    """True for the kinds that kustomize knows as those of the cluster. Measured: it knows Kubernetes 1.21."""
    if group == _FLOW_CONTROL:
        return version == "v1beta1"
    return (is_cluster_scoped(group, kind) and kind not in _NEWER) or (group, kind) == ("", "ComponentStatus")


def id_of(content: dict[str, Any]) -> ResourceId:
    """The id of an object."""
    metadata = content.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    group, _, version = text_of(content.get("apiVersion")).rpartition("/")
    name, namespace = text_of(metadata.get("name")), text_of(metadata.get("namespace"))
    return ResourceId(group, version, text_of(content.get("kind")), name, namespace)


def text_of(value: object) -> str:
    """A scalar as text, empty for null."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def size_of(value: Any) -> int:
    """The number of bytes of a value as JSON.

    Raises:
        RefusedError: it is nested deeper than JSON may be here.
    """
    return len(json_of(value))


def json_of(value: Any) -> bytes:
    """A value as canonical JSON.

    Raises:
        RefusedError: it is nested deeper than JSON may be here.
    """
    try:
        return canonical_json(value)
    except TypeError:
        raise RefusedError(TOO_LARGE) from None


def bounded(content: dict[str, Any]) -> dict[str, Any]:
    """An object that was copied into, as it is.

    Raises:
        RefusedError: it has become too large.
    """
    if size_of(content) > MOST_BYTES:
        raise RefusedError(TOO_LARGE)
    return content


def with_metadata(content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A copy with some fields of its metadata replaced. None removes a field."""
    known = content.get("metadata")
    kept = {key: value for key, value in known.items() if key not in fields} if isinstance(known, dict) else {}
    given = {key: value for key, value in fields.items() if value is not None}
    return {**content, "metadata": kept | given}


def change_each(resources: Resources, change: Callable[[BuildResource], dict[str, Any]], feature: str) -> Resources:
    """All resources with a change made to their contents. Those that become empty are left out."""
    changed = [resource.changed(change(resource), feature) for resource in resources]
    return [resource for resource in changed if resource.content]


def add_resource(resources: Resources, taken: set[ResourceId], added: Iterable[BuildResource]) -> None:
    """Append resources.

    Raises:
        RefusedError: one of them has the id of another one.
    """
    added = tuple(added)
    own = ids_taken(added)
    if len(own) == len(added) and taken.isdisjoint(own):
        taken |= own
        resources += added
        return
    for resource in added:
        if resource.effective in taken:
            raise RefusedError(f"the resource is already in the build: {resource.id}")
        taken.add(resource.effective)
        resources.append(resource)


def ids_taken(resources: Iterable[BuildResource]) -> set[ResourceId]:
    """The ids of resources, as `add_resource` compares them."""
    return {resource.effective for resource in resources}
