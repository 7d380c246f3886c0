"""Records of the walk: what applies objects to a cluster, and the objects that it applies there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from kubestats_pipeline.scan.build.objects import Built, BuiltObject
from kubestats_pipeline.scan.clusters.appliers.apply_spec import ApplySpec
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey


class Cluster(NamedTuple):
    """A cluster, named after the path at which the walk begins.

    Attributes:
        is_real: false for what would be applied if somebody applied the path. It only tells what documents mean.
    """

    path: str
    is_real: bool = True


class NodeKey(NamedTuple):
    """An applier in a cluster: kind, namespace and name of its object, or a folder, or empty for the first one."""

    cluster: Cluster
    applied_by: str


class Wanted(NamedTuple):
    """The task of an applier: folders to apply, or objects that it makes itself.

    Attributes:
        path: the first folder, as it is shown.
        document: the document of the applier, if it has one.
        incomplete: the reason why there may be more, or None.
    """

    specs: tuple[ApplySpec, ...] = ()
    objects: tuple[BuiltObject, ...] = ()
    path: str = ""
    document: Identity | None = None
    incomplete: str | None = None


class ObjectSettings(NamedTuple):
    """The changes that an applier makes to each object of its build.

    Attributes:
        namespace: for objects that have none.
        forces_namespace: true if it is for all other objects too.
        common: labels and annotations that are set on all objects.
        variables: by name, or None if nothing is substituted.
        helm: the source of an Application that gives values to the dependencies of a chart, or None.
        excess: the reason why there are too many of them to be substituted, or None.
    """

    namespace: str | None = None
    forces_namespace: bool = False
    common: Mapping[str, Mapping[str, Any]] | None = None
    variables: Mapping[str, str | None] | None = None
    excess: str | None = None
    helm: Mapping[str, Any] | None = None


class _ObjectParts(NamedTuple):
    """The parts of an object in a cluster.

    Attributes:
        built: the object as it was before the variables were replaced.
        settings: what the applier did to it.
        content: as it is applied, redacted. It is shared and never changed.
        facts: of the content.
        spelled: the same facts, but with numbers as they are spelled in variables.
        children: what the object applies itself, by the name of the applier.
        incomplete: the reason why a part of it is not known, or None.
        too_complex: the part of its variables that is too large and stays as written, or None.
    """

    key: ResourceKey
    built: BuiltObject
    settings: ObjectSettings
    content: dict[str, Any]
    facts: Facts
    spelled: Facts
    children: tuple[tuple[str, Wanted], ...] = ()
    incomplete: str | None = None
    too_complex: str | None = None


class ClusterObject(_ObjectParts):
    """One object in a cluster. It never changes."""

    @property
    def origin(self) -> Identity | None:
        """The document that it began as."""
        return self.built.origin

    @cached_property
    def data(self) -> bytes:
        """The content as canonical JSON."""
        return canonical_json(self.content)


Part = tuple[str | None, Built, ObjectSettings]
"""A folder, its build, and what the applier does to the objects."""


@dataclass(slots=True)
class Node:
    """One applier in one cluster.

    Attributes:
        wanted_by: what it applies, by the applier that applies its object.
        objects: those that it applies, by key.
        parts: the builds that it is made of.
        queries: folder and `more` of each build. Empty if something else may change what is built.
        is_one_to_one: true if each built object gave one object, and none that makes others.
        document: the document of the applier.
        has_templates: true if an object of it makes others of inputs that are read in the cluster.
        reads: the builds that it was made of, and the objects of the cluster that it read.
        failure: the file at which the build fails, and the reason, or None.
    """

    key: NodeKey
    wanted_by: dict[NodeKey, Wanted] = field(default_factory=dict)
    objects: dict[ResourceKey, ClusterObject] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    queries: tuple[tuple[str, bytes], ...] = ()
    is_one_to_one: bool = False
    document: Identity | None = None
    has_templates: bool = False
    reads: frozenset[tuple[object, ...]] = frozenset()
    failure: tuple[str, str] | None = None
    path: str = ""
