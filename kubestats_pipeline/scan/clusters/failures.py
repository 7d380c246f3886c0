"""The nodes of a walk that cannot be built, by the file at which the build fails, and what goes on to run for them."""

from collections import Counter, defaultdict
from collections.abc import Callable

from kubestats_pipeline.scan.clusters.applied import AppliedKey
from kubestats_pipeline.scan.clusters.appliers.nodes import NodeKey


class Failures:
    """The failures of all nodes at one commit. A cluster that is not real has none."""

    def __init__(self) -> None:
        self._turned_files: set[str] = set()
        self._failing: Counter[str] = Counter()
        self._by_file: defaultdict[str, dict[NodeKey, str]] = defaultdict(dict)

    def __bool__(self) -> bool:
        """True if something cannot be built, so that the objects that it applies are not known."""
        return any(self._failing.values())

    def is_failing(self, cluster: str) -> bool:
        """True if something of a cluster cannot be built."""
        return self._failing[cluster] > 0

    def at(self, path: str) -> str | None:
        """The reason why what a file applies cannot be built, or None."""
        return min(self._by_file.get(path, {}).values(), default=None)

    def take_turned_files(self) -> set[str]:
        """The files whose reason may have changed since the last call."""
        files, self._turned_files = self._turned_files, set()
        return files

    def note(self, key: NodeKey, before: tuple[str, str] | None, after: tuple[str, str] | None) -> None:
        """Record the file and the reason of a node, before and after it was made. None is for a build that works."""
        if before == after or not key.cluster.is_real:
            return
        if before is not None:
            self._by_file[before[0]].pop(key, None)
            self._turned_files.add(before[0])
        if after is not None:
            self._by_file[after[0]][key] = after[1]
            self._turned_files.add(after[0])
        self._failing[key.cluster.path] += (after is not None) - (before is not None)


class Held:
    """The objects that clusters go on to run, because what applies them cannot be built."""

    def __init__(self) -> None:
        self._by_cluster: defaultdict[str, set[AppliedKey]] = defaultdict(set)
        self._all: frozenset[AppliedKey] | None = frozenset()

    @property
    def all(self) -> frozenset[AppliedKey]:
        """All of them. The same set as long as they are the same."""
        if self._all is None:
            self._all = frozenset(key for keys in self._by_cluster.values() for key in keys)
        return self._all

    def hold(self, key: AppliedKey, *, is_held: bool) -> None:
        """Record if an object is one of them."""
        held = self._by_cluster[key.cluster]
        if (key in held) != is_held:
            (held.add if is_held else held.discard)(key)
            self._all = None

    def release(self, is_failing: Callable[[str], bool]) -> list[AppliedKey]:
        """Let go of those of the clusters in which everything is built again."""
        built = [cluster for cluster in self._by_cluster if not is_failing(cluster)]
        released = [key for cluster in built for key in self._by_cluster.pop(cluster)]
        if released:
            self._all = None
        return released
