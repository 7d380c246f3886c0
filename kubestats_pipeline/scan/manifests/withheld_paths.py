"""Names for files whose paths hold a secret: the secret is withheld, and two files stay two.

A path is known as it is only in the mirror. Wherever else it goes, ids included, it has the name that it gets here: of
several paths that would be the same without their secrets, later ones get a number. Numbers go by the order in which
files appear in the history and are never given twice. Kept with the position are the names that were given, and those
of the files that are there, in the order of their true paths: so the next scan finds them again, and neither a secret
nor a hash of one is stored.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kubestats_pipeline.git.history import Change, Step
from kubestats_pipeline.redaction.secrets import REDACTED
from kubestats_pipeline.redaction.texts import withhold_shapes


@dataclass
class WithheldPaths:
    """The names of one repository's files; most are the paths themselves.

    Attributes:
        given: every name that was ever given in place of a path.
        names: true path to name, of the files that are there.
    """

    given: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)

    def step(self, step: Step) -> Step:
        """A step of the history with names in place of paths."""
        return step._replace(changes=tuple(self._changes(step.changes)))

    def tree(self, tree: Mapping[str, str]) -> dict[str, str]:
        """A tree with names in place of paths; files that it lacks are gone."""
        for path in [path for path in self.names if path not in tree]:
            del self.names[path]
        return {self._name(path): oid for path, oid in sorted(tree.items())}

    def _changes(self, changes: Iterable[Change]) -> Iterator[Change]:
        for change in changes:
            yield Change(self._name(change.path), change.oid)
            if change.oid is None:
                self.names.pop(change.path, None)

    def _name(self, path: str) -> str:
        shown = withhold_shapes(path)
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
    """What is kept with a position; empty where no path holds a secret."""
    if not paths.given:
        return ""
    return json.dumps({"given": sorted(paths.given), "there": [name for _, name in sorted(paths.names.items())]})


def from_text(text: str, tree: Mapping[str, str]) -> WithheldPaths:
    """The inverse of `to_text`, with the tree of the position's commit, which may be empty."""
    if not text:
        return WithheldPaths()
    kept = json.loads(text)
    paths = [path for path in sorted(tree) if REDACTED in withhold_shapes(path)]
    names = dict(zip(paths, kept["there"], strict=True)) if len(paths) == len(kept["there"]) else {}
    return WithheldPaths(set(kept["given"]), names)
