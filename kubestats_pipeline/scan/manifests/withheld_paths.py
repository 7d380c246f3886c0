"""Public names of files whose paths hold a secret: the secret is withheld, and different files keep different names.

Only YAML files have names, because no other path is stored. The true path is used only with the mirror. Everywhere
else, ids included, the public name is used. If several paths are the same without their secrets, later ones get a
number. Numbers follow the order in which files appear in the history, and no number is given twice. The position keeps
all names that were given, and the names of existing files in the order of their true paths. So the next scan finds them
again, and neither a secret nor a hash of one is stored.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kubestats_pipeline.git.history import Change, Step, is_of_interest
from kubestats_pipeline.redaction.secrets import REDACTED
from kubestats_pipeline.redaction.texts import withhold_shapes


@dataclass
class WithheldPaths:
    """The public names of one repository's files. Most are the paths themselves.

    Attributes:
        given: every name that was ever given in place of a path.
        names: true path to name, for existing files.
    """

    given: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)

    def step(self, step: Step) -> Step:
        """A step of the history with names in place of paths."""
        return step._replace(changes=tuple(self._changes(step.changes)))

    def follow(self, step: Step, named: Step) -> None:
        """Take up the names that a copy gave in a step, which was seen there first."""
        if named.changes != step.changes:  # else no path in it holds a secret
            self.step(step)

    def copy(self) -> "WithheldPaths":
        """The same names, to be continued on their own."""
        return WithheldPaths(set(self.given), dict(self.names))

    def tree(self, tree: Mapping[str, str]) -> dict[str, str]:
        """A tree with names in place of paths. Names of files that it does not have are dropped."""
        for path in [path for path in self.names if path not in tree]:
            del self.names[path]
        return {self._name(path): oid for path, oid in sorted(tree.items())}

    def _changes(self, changes: Iterable[Change]) -> Iterator[Change]:
        for change in changes:
            yield Change(self._name(change.path), change.oid)
            if change.oid is None:
                self.names.pop(change.path, None)

    def _name(self, path: str) -> str:
        shown = withhold_shapes(path) if is_of_interest(path) else path
        if REDACTED not in shown:
            return path
        if path not in self.names:
            self.names[path] = self._new_name(shown)
        return self.names[path]

    def _new_name(self, shown: str) -> str:
        name, number = shown, 2
        while name in self.given:
            name, number = shown.replace(REDACTED, f"{REDACTED}-{number}", 1), number + 1
        self.given.add(name)
        return name


def to_text(paths: WithheldPaths) -> str:
    """The text that is kept with a position; empty if no path holds a secret."""
    if not paths.given:
        return ""
    return json.dumps({"given": sorted(paths.given), "there": [name for _, name in sorted(paths.names.items())]})


def from_text(text: str, tree: Mapping[str, str]) -> WithheldPaths:
    """The inverse of `to_text`, with the tree of the position's commit, which may be empty."""
    if not text:
        return WithheldPaths()
    kept = json.loads(text)
    paths = [path for path in sorted(tree) if is_of_interest(path) and REDACTED in withhold_shapes(path)]
    names = dict(zip(paths, kept["there"], strict=True)) if len(paths) == len(kept["there"]) else {}
    return WithheldPaths(set(kept["given"]), names)
