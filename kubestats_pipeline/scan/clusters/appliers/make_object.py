"""Makes the object that a cluster gets of one that was built: namespace, common labels, variables, facts, children."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from kubestats_pipeline.scan.build.objects import BuiltObject
from kubestats_pipeline.scan.clusters.appliers import argo, flux, resource_sets
from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject, ObjectSettings, Wanted
from kubestats_pipeline.scan.clusters.appliers.post_build import Substituted, is_disabled, substitute_object
from kubestats_pipeline.scan.clusters.appliers.substitution import MARK
from kubestats_pipeline.scan.documents.budget import Budget, TooComplexError
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.cluster_scope import is_cluster_scoped
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.application_sets import Expansion
from kubestats_pipeline.scan.kinds.generic import scan_generic
from kubestats_pipeline.scan.kinds.helm import DEPENDENCY
from kubestats_pipeline.scan.kinds.registry import load_scanners
from kubestats_pipeline.scan.manifests.embedded import embedded_in_resource
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest, ResourceKey

_LEFT = "it holds a variable whose value is not in the repository"
_EXPRESSION = b"${"


class Surroundings(Protocol):
    """The look-ups that the children of an object need beside the object. Each of them is recorded."""

    def providers(self, entry: dict[str, Any]) -> Iterable[dict[str, Any]] | None:
        """The providers of inputs that an entry of a ResourceSet selects, or None if they are not known."""

    def applications(self, data: bytes) -> Expansion:
        """The Applications of an ApplicationSet, which is given as canonical JSON."""

    def overrides(self, source: dict[str, Any], path: str) -> dict[str, Any] | None:
        """The fields that a file of overrides of Argo CD sets in a source, or None if that is not known."""

    def declared_in(self, path: str) -> Mapping[Identity, Manifest]:
        """The documents of a file."""


def make_object(built: BuiltObject, settings: ObjectSettings, surroundings: Surroundings) -> ClusterObject | None:
    """The object in the cluster, or None if it has no kind or name.

    Raises:
        NotYamlError: a text of it is not YAML after the substitution.
    """
    content, incomplete = _with_settings(built.content, settings), built.incomplete
    written, budget = dict[int, dict[str, str]](), Budget()
    if settings.variables is not None and MARK in canonical_json(content) and not is_disabled(content):
        content, written = _substituted(content, settings, budget)
        is_left = _EXPRESSION in canonical_json(content) and content.get("kind") != "Secret"
        incomplete = incomplete or (_LEFT if is_left else None)
    if argo.is_application(content):
        content, unknown = argo.with_overrides(content, surroundings.overrides)
        incomplete = incomplete or unknown
    key = key_of(content)
    if key is None:
        return None
    facts = scan(content, key)
    children = tuple(_children(content, key, facts, built.origin, surroundings))
    if argo.is_application_set(content) and children and children[0][1].incomplete is None:
        facts = Facts(app_name=facts.app_name)  # its Applications are the releases
    incomplete = incomplete or next((wanted.incomplete for _, wanted in children), None)
    return ClusterObject(
        key=key,
        built=built,
        settings=settings,
        content=content,
        facts=facts,
        spelled=scan(content, key, written) if written else facts,
        children=children,
        incomplete=incomplete,
        too_complex=min(budget.notes, default=None),
    )


def _substituted(content: dict[str, Any], settings: ObjectSettings, budget: Budget) -> Substituted:
    """The object with its variables replaced, or as it is if that takes too much."""
    if settings.excess is not None:
        budget.note(settings.excess)
        return Substituted(content, {})
    try:
        return substitute_object(content, settings.variables or {}, budget)
    except TooComplexError as error:
        budget.note(str(error))
        return Substituted(content, {})


def embedded(made: ClusterObject, origins: Mapping[Identity, Manifest]) -> Iterable[ClusterObject]:
    """The releases that are embedded in an object.

    Args:
        made: the object.
        origins: the resources of the file that it began in, which hold the documents of the releases too.
    """
    for content in embedded_in_resource(Decoded(made.content, 0), made.content):
        key = key_of(content)
        if key is not None:
            names = (identity for identity in origins if identity.key[1::2] == key[1::2])
            built = BuiltObject(content, next(names, None), made.built.changed_by)
            facts = scan(content, key)
            yield ClusterObject(key, built, made.settings, content, facts, facts)


def key_of(content: dict[str, Any]) -> ResourceKey | None:
    """The identity of an object in the cluster, or None if it has no kind or no name."""
    kind, metadata = content.get("kind"), mapping(content, "metadata")
    name, prefix, namespace = metadata.get("name"), metadata.get("generateName"), metadata.get("namespace")
    if name is None and isinstance(prefix, str):
        name = f"{prefix}*"
    if not isinstance(kind, str) or not isinstance(name, str | int | float) or name == "":
        return None
    group = str(content.get("apiVersion", "")).rpartition("/")[0]
    if is_cluster_scoped(group, kind) or not isinstance(namespace, str):
        namespace = None
    return ResourceKey(group, kind, namespace or None, str(name))


def scan(content: dict[str, Any], key: ResourceKey, written: dict[int, dict[str, str]] | None = None) -> Facts:
    """The facts of an object, with numbers as the cluster gets them, or as they are written."""
    scanner = load_scanners().get((key.group, key.kind), scan_generic)
    return scanner(Decoded(content, 0, written=written or {}), content)


def _with_settings(content: dict[str, Any], settings: ObjectSettings) -> dict[str, Any]:
    if settings.helm is not None and content.get("kind") == DEPENDENCY:
        content = {**content, **settings.helm}
    if settings.namespace is None and not settings.common:
        return content
    metadata = dict(mapping(content, "metadata"))
    group = str(content.get("apiVersion", "")).rpartition("/")[0]
    is_due = settings.forces_namespace or not metadata.get("namespace")
    if settings.namespace and is_due and not is_cluster_scoped(group, str(content.get("kind"))):
        metadata["namespace"] = settings.namespace
    for key, more in (settings.common or {}).items():
        metadata[key] = {**mapping(metadata, key), **more}
    return {**content, "metadata": metadata}


def _children(
    content: dict[str, Any], key: ResourceKey, facts: Facts, origin: Identity | None, surroundings: Surroundings
) -> Iterable[tuple[str, Wanted]]:
    """The appliers that the object is, with their tasks."""
    name = applier_name(key)
    if facts.flux_path is not None:
        spec = flux.spec_of_kustomization(content, facts, key.namespace)
        if spec is not None:
            yield name, Wanted((spec,), path=spec.path, document=origin)
    elif argo.is_application(content):
        specs = tuple(argo.specs_of_application(content, origin.path if origin is not None else None))
        if specs:
            yield name, Wanted(specs, path=specs[0].path, document=origin)
    elif resource_sets.is_resource_set(content):
        expanded = resource_sets.expand(content, surroundings.providers)
        objects = tuple(BuiltObject(made, changed_by=frozenset({"template"})) for made in expanded.objects)
        yield name, Wanted(objects=objects, document=origin, incomplete=expanded.unknown)
    elif argo.is_application_set(content):
        applications, unknown = surroundings.applications(canonical_json(content))
        declared = surroundings.declared_in(origin.path) if origin is not None else {}
        objects = tuple(_template_made(made, declared) for made in applications)
        yield name, Wanted(objects=objects, document=origin, incomplete=min(unknown, default=None))


def _template_made(content: dict[str, Any], declared: Iterable[Identity]) -> BuiltObject:
    """An object that a template makes, which has a document if its file gives all of it."""
    key = key_of(content)
    origins = (each for each in declared if key is not None and each.key[1::2] == key[1::2])
    return BuiltObject(content, next(origins, None), changed_by=frozenset({"template"}))


def applier_name(key: ResourceKey) -> str:
    """Kind, namespace and name of an applier."""
    return f"{key.kind}/{key.namespace or ''}/{key.name}"
