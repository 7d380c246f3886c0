"""Recognises in one commit's losses and gains the resources that only moved or were renamed.

A resource that disappears and one that appears in the same commit are the same when they agree in group, kind and
name, or, failing that, in group, kind and the whole content outside `metadata`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping

from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest

Removed = Mapping[Identity, Manifest]
Added = Mapping[Identity, Manifest]


def match_moves(removed: Removed, added: Added) -> dict[Identity, Identity]:
    """Pair each added resource that was there before with its former identity.

    Where several agree in name, those pair first that share most: content, then namespace, then the file's name. A
    rename is only taken for one where exactly one resource lost and one gained have the content.

    Returns:
        New identity to old identity.
    """
    moves: dict[Identity, Identity] = {}
    for old, new in _groups(removed, added, _same_name).values():
        for before, after in _pair_best(old, new, removed, added):
            moves[after] = before
    rest_removed = {each: manifest for each, manifest in removed.items() if each not in moves.values()}
    rest_added = {each: manifest for each, manifest in added.items() if each not in moves}
    for old, new in _groups(rest_removed, rest_added, _same_kind).values():
        lost, gained = {each: removed[each] for each in old}, {each: added[each] for each in new}
        for one, other in _groups(lost, gained, _same_body).values():
            if len(one) == 1 and len(other) == 1:
                moves[other[0]] = one[0]
    return moves


def _groups(
    removed: Removed, added: Added, key: Callable[[Identity, Manifest], Hashable | None]
) -> dict[Hashable, tuple[list[Identity], list[Identity]]]:
    """What was lost and gained under each key that occurs on both sides."""
    if not removed or not added:
        return {}
    groups: defaultdict[Hashable, tuple[list[Identity], list[Identity]]] = defaultdict(lambda: ([], []))
    for side, manifests in enumerate((removed, added)):
        for identity in sorted(manifests, key=lambda each: (each.path, each.ordinal)):
            if (name := key(identity, manifests[identity])) is not None:
                groups[name][side].append(identity)
    return {name: group for name, group in groups.items() if all(group)}


def _same_name(identity: Identity, _: Manifest) -> Hashable:
    return identity.key.group, identity.key.kind, identity.key.name


def _same_kind(identity: Identity, _: Manifest) -> Hashable:
    return identity.key.group, identity.key.kind


def _same_body(_: Identity, manifest: Manifest) -> Hashable | None:
    return manifest.body_hash


def _pair_best(
    old: list[Identity], new: list[Identity], removed: Removed, added: Added
) -> list[tuple[Identity, Identity]]:
    """Pair greedily by the strongest agreement; ties go by the order of paths."""
    criteria: tuple[Callable[[Identity, Manifest], Hashable], ...] = (
        lambda identity, manifest: (manifest.content_hash, _file_name(identity)),
        lambda _, manifest: manifest.content_hash,
        lambda identity, _: (identity.key.namespace, _file_name(identity)),
        lambda identity, _: identity.key.namespace,
        lambda identity, _: _file_name(identity),
        lambda *_: True,
    )
    pairs = []
    for criterion in criteria:
        waiting: defaultdict[Hashable, list[Identity]] = defaultdict(list)
        for before in old:
            waiting[criterion(before, removed[before])].append(before)
        for after in new:
            if same := waiting.get(criterion(after, added[after])):
                pairs.append((same.pop(0), after))
        taken = {each for pair in pairs for each in pair}
        old = [each for each in old if each not in taken]
        new = [each for each in new if each not in taken]
    return pairs


def _file_name(identity: Identity) -> str:
    return identity.path.rpartition("/")[2]
