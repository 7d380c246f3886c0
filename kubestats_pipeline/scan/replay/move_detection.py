"""Move detection: resources that one commit moved or renamed, among those that it removed and added.

A removed and an added resource of the same commit are the same if they agree in group, kind and name. If none agrees
so, they are the same if they agree in group, kind and all content outside `metadata`.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping

from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest

Manifests = Mapping[Identity, Manifest]


def match_moves(removed: Manifests, added: Manifests) -> dict[Identity, Identity]:
    """Pair added resources with the removed ones that they were before.

    If several agree in name, those that share most pair first: content, then namespace, then the file's name. A rename
    needs exactly one removed and one added resource with that content, because more would be a guess.

    Returns:
        New identity to old identity.
    """
    moves: dict[Identity, Identity] = {}
    for old, new in _groups(removed, added, _same_name).values():
        for before, after in _pair_best(old, new, removed, added):
            moves[after] = before
    rest_removed = {identity: manifest for identity, manifest in removed.items() if identity not in moves.values()}
    rest_added = {identity: manifest for identity, manifest in added.items() if identity not in moves}
    for old, new in _groups(rest_removed, rest_added, _same_kind).values():
        lost, gained = (
            {identity: removed[identity] for identity in old},
            {identity: added[identity] for identity in new},
        )
        for one, other in _groups(lost, gained, _same_body).values():
            if len(one) == 1 and len(other) == 1:
                moves[other[0]] = one[0]
    return moves


def _groups(
    removed: Manifests, added: Manifests, key: Callable[[Identity, Manifest], Hashable | None]
) -> dict[Hashable, tuple[list[Identity], list[Identity]]]:
    """The removed and the added resources by key, for keys that occur on both sides."""
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
    old: list[Identity], new: list[Identity], removed: Manifests, added: Manifests
) -> list[tuple[Identity, Identity]]:
    """Pair greedily, the strongest agreement first, and equal ones in the order of paths."""
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
        taken = {identity for pair in pairs for identity in pair}
        old = [identity for identity in old if identity not in taken]
        new = [identity for identity in new if identity not in taken]
    return pairs


def _file_name(identity: Identity) -> str:
    return identity.path.rpartition("/")[2]
