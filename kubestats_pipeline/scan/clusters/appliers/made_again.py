"""Nodes of which builds alone have changed: only the objects that differ in their builds are made again.

The rule: an object is made of its built object and the settings of its node. Where no object of a node makes others of
what it reads in the cluster, and each built object gave one object with a key of its own, those are left as they are
whose built objects are the same, as long as the others keep their keys. All other nodes are made as a whole.
"""

from collections.abc import Callable

from kubestats_pipeline.scan.build.finish import differing
from kubestats_pipeline.scan.build.objects import BuiltObject
from kubestats_pipeline.scan.clusters.appliers.known_objects import EXPANDED_KINDS
from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject, Node, NodeKey, ObjectSettings, Part
from kubestats_pipeline.scan.kinds.argo import GROUP as ARGO
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey

Make = Callable[[BuiltObject, ObjectSettings], ClusterObject | None]
"""Makes the object of a cluster, or none.

Raises:
    NotYamlError: a text of it is not YAML after the substitution.
"""


def differing_objects(
    node: Node, parts: tuple[Part, ...], make: Make
) -> dict[ResourceKey, tuple[ClusterObject, ClusterObject]] | None:
    """The objects in which a node differs from what it was, before and after, by key.

    Args:
        node: as it was.
        parts: the builds that it is made of now, in the places of the former ones.
        make: makes an object.

    Returns:
        None if the node must be made as a whole.

    Raises:
        NotYamlError: a text of an object is not YAML after the substitution.
    """
    if not node.is_one_to_one or len(parts) != 1 or len(node.parts) != 1:
        return None
    (_, before, settings), (_, after, _) = *node.parts, *parts
    if after.failure is not None or len(after.objects) != len(before.objects):
        return None
    changed = dict[ResourceKey, tuple[ClusterObject, ClusterObject]]()
    places = differing(after.objects, before.objects)
    keys = tuple(node.objects) if places else ()
    for place in places:
        known, built = node.objects[keys[place]], after.objects[place]
        if known.built == built:
            continue
        made = make(built, settings)
        if made is None or made.key != known.key or makes_others(made) or _applies(known, node) or _applies(made, node):
            return None
        changed[made.key] = known, made
    return changed


def is_itself(made: ClusterObject, document: Identity | None, key: NodeKey) -> bool:
    """True for the applier itself under another name or namespace, which would apply the same once more."""
    is_applier = bool(made.children) and made.origin is not None and made.origin == document
    return is_applier and all(name != key.applied_by for name, _ in made.children)


def are_same(before: tuple[Part, ...], after: tuple[Part, ...]) -> bool:
    """True if a node is made of the same builds as before, with equal settings."""
    if len(before) != len(after) or not before:
        return False
    pairs = zip(before, after, strict=True)
    return all(old[1] is new[1] and old[2] is new[2] for old, new in pairs)


def makes_others(made: ClusterObject) -> bool:
    """True for an object that others may come from, of inputs that are read elsewhere."""
    return made.key.kind in EXPANDED_KINDS or made.key.group == ARGO


def _applies(made: ClusterObject, node: Node) -> bool:
    """True for the object of the node itself, which may change what the node is."""
    return any(name == node.key.applied_by for name, _ in made.children)
