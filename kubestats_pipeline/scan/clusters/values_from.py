"""The ConfigMaps of `spec.valuesFrom`, looked up in the cluster of the release. Secrets are never read."""

from collections.abc import Iterable
from typing import NamedTuple

from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject, NodeKey
from kubestats_pipeline.scan.clusters.references import LookUp
from kubestats_pipeline.scan.clusters.walk import Walk
from kubestats_pipeline.scan.facts.facts import Reference, ValuesFrom, ValuesInput
from kubestats_pipeline.scan.manifests.identity import Identity

_KIND = "ConfigMap"


class Supplied(NamedTuple):
    """One entry of `spec.valuesFrom` of a release in a cluster.

    Attributes:
        entry: as it is written.
        config_map: the one that the release reads there, or None if the repository does not tell.
        made_in: the folder whose build made it, or an empty text.
    """

    entry: ValuesFrom
    config_map: ClusterObject | None
    made_in: str = ""


class Application(NamedTuple):
    """A release as one application brings it to a cluster, with what its `spec.valuesFrom` leads to there."""

    made: ClusterObject
    supplied: tuple[Supplied, ...] = ()


def application_of(made: ClusterObject, node: NodeKey, walk: Walk) -> Application:
    """An object of a cluster with the ConfigMaps that give it values."""
    found = ((entry, _find(entry.reference, made.key.namespace, node, walk, set())) for entry in made.facts.values_from)
    return Application(made, tuple(Supplied(entry, *(each or (None, ""))) for entry, each in found))


def values_inputs(
    entries: Iterable[ValuesFrom], namespace: str | None, node: NodeKey | None, walk: Walk, looked_up: set[LookUp]
) -> tuple[ValuesInput, ...]:
    """The inputs of a release in their order.

    Args:
        entries: of `spec.valuesFrom`.
        namespace: of the release.
        node: the applier of the release, or None if nothing applies it.
        walk: the clusters.
        looked_up: gets the look-ups that were made.
    """
    return tuple(_input(entry, namespace, node, walk, looked_up) for entry in entries)


def _input(
    entry: ValuesFrom, namespace: str | None, node: NodeKey | None, walk: Walk, looked_up: set[LookUp]
) -> ValuesInput:
    found = ValuesInput("unknown", key=entry.key, target_path=entry.target_path, is_optional=entry.is_optional)
    if entry.reference.kind != _KIND:
        return found._replace(kind="secret") if entry.reference.kind == "Secret" else found
    there = _find(entry.reference, namespace, node, walk, looked_up)
    if there is None:
        declared = (
            _declared(entry.reference.name, namespace, walk)
            if not walk.index.everywhere(_KIND, entry.reference.name)
            else None
        )
        return found if declared is None else found._replace(kind="configmap", path=declared.path, identity=declared)
    config_map = there[0]
    if config_map.origin is not None:
        return found._replace(kind="configmap", path=config_map.origin.path, identity=config_map.origin)
    path = dict(config_map.built.files).get(entry.key)
    return found if path is None else found._replace(kind="file", path=path)


def _declared(name: str, namespace: str | None, walk: Walk) -> Identity | None:
    """The one document of a ConfigMap that nothing applies."""
    declared = [each for each in walk.documents.named(_KIND, name) if each.key.group == ""]
    for wanted in dict.fromkeys((namespace, None)):
        here = [each for each in declared if each.key.namespace == wanted]
        if here:
            return here[0] if len(here) == 1 else None
    return None


def _find(
    reference: Reference, namespace: str | None, node: NodeKey | None, walk: Walk, looked_up: set[LookUp]
) -> tuple[ClusterObject, str] | None:
    """The one ConfigMap that the release can read, with the folder whose build made it.

    None for a reference to another kind, for a name that nothing has, and for one that several have with different
    content.
    """
    if reference.kind != _KIND:
        return None
    name = reference.name
    look_up = (node.cluster if node is not None else None, _KIND, name)
    looked_up |= {look_up, (None, _KIND, name)}
    named = walk.index.named(node.cluster, _KIND, name) if node is not None else walk.index.everywhere(_KIND, name)
    for wanted in dict.fromkeys((namespace, None)):
        here = {at: each for at, each in named.items() if each.key.group == "" and each.key.namespace == wanted}
        for of_node in (True, False):
            order = sorted((at for at in here if (at[0] == node) == of_node), key=repr)
            found = {here[at].data: (here[at], at[0]) for at in order}
            if len(found) == 1:
                config_map, made_by = found.popitem()[1]
                maker = walk.node(made_by)
                return config_map, maker.path if maker is not None else ""
            if found:
                return None
    return None
