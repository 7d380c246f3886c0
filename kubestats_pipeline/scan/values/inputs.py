"""The inputs of the Helm values of all releases, where they are in other files than the release, from commit to commit.

A values file is plain YAML, which the scanner passes over. It is read only if a release uses it, and once a blob. If a
file cannot be read, its last readable blob counts, and the file gets a problem. The inputs are merged in `merge.py`,
and `replay.py` makes events of a change of them.
"""

import posixpath
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from kubestats_pipeline.redaction.redact import redact_setting
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.file import Problem
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Facts, Switches, ValuesInput, ValuesPart
from kubestats_pipeline.scan.facts.helm_set import read_name, read_value
from kubestats_pipeline.scan.manifests.files import ContentCache, Files
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.values.merge import Layer, Values, ValuesText, layer_of, read_values
from kubestats_pipeline.scan.values.own_repository import OwnRepository
from kubestats_pipeline.scan.values.switches import switch_that_is_off

CACHED_TEXTS = 500
"""Values files that are kept in memory: enough for all that a commit and its neighbours touch."""

_MISSING = Problem("too_large", "used as Helm values, and larger than the blobs that a mirror keeps (1 MB)")


class _Input(NamedTuple):
    """One input of a release that is in another file.

    Attributes:
        path: None if it is not known, as for a Secret.
        config_map: the ConfigMap in that file, if it is declared as a resource.
        key: the key in the data of that ConfigMap.
        below: the key of a values file under which the values are, or None for the whole file.
        without: keys at the top of a values file that do not count.
        target: the one setting whose value is the whole content, or None for a mapping of values.
    """

    path: str | None
    config_map: Identity | None = None
    key: str = ""
    below: str | None = None
    without: tuple[str, ...] = ()
    target: str | None = None
    is_optional: bool = False


@dataclass
class ValuesInputs:
    """The inputs of all releases of one repository, if they are in other files than the release.

    Attributes:
        own: tells whether the URL of a git repository is that of this one.
        last_readable: for each values file in use that was readable once, the last blob that was readable.
        touched: files whose problems must be recorded anew, because their use or content has changed.
    """

    files: Files
    cache: ContentCache
    own: OwnRepository = field(default_factory=OwnRepository)
    last_readable: dict[str, str] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._inputs: dict[Identity, tuple[_Input, ...]] = {}
        self._releases: defaultdict[str, set[Identity]] = defaultdict(set)
        self._texts: OrderedDict[str, ValuesText] = OrderedDict()

    def set_inputs(self, identity: Identity, facts: Facts, resolved: Resolved) -> None:
        """Record the inputs that a resource has now."""
        inputs = tuple(self._inputs_of(identity.path, facts.values, resolved.values_inputs))
        if inputs == self._inputs.get(identity, ()):
            return
        self.forget(identity)
        if inputs:
            self._inputs[identity] = inputs
        for path in _paths(inputs):
            self._releases[path].add(identity)
            self.touched.add(path)

    def _inputs_of(self, path: str, parts: Iterable[ValuesPart], inputs: Iterable[ValuesInput]) -> Iterator[_Input]:
        for found in inputs:
            is_known = found.kind in ("file", "configmap") and found.path is not None
            config_map = found.identity if found.kind == "configmap" else None
            yield _Input(
                path=found.path if is_known else None,
                config_map=Identity(*config_map) if config_map is not None else None,  # type: ignore[arg-type]
                key=found.key,
                target=found.target_path,
                is_optional=found.is_optional,
            )
        for part in parts:
            if part.kind == "file":
                is_here = part.repository is None or self.own.is_own(part.repository)
                file = _resolve(path, part.path) if is_here else None
                yield _Input(file, below=part.key, without=part.without, is_optional=part.is_optional)

    def forget(self, identity: Identity) -> None:
        """Drop the inputs of a resource that is gone."""
        for path in _paths(self._inputs.pop(identity, ())):
            self._releases[path].discard(identity)
            self.touched.add(path)
            if not self._releases[path]:
                del self._releases[path]
                self.last_readable.pop(path, None)

    def releases_using(self, paths: Iterable[str]) -> set[Identity]:
        """The releases that take values from at least one of these files."""
        if not self._releases:
            return set()
        return {identity for path in paths for identity in self._releases.get(path, ())}

    def read(self, identity: Identity) -> Values | None:
        """The values that a release takes from other files, or None if it has no such inputs."""
        inputs = self._inputs.get(identity)
        return Values(tuple(self._layer(entry) for entry in inputs)) if inputs else None

    def switched_off_by(self, identity: Identity, switches: Switches) -> str | None:
        """The switch that is off for a dependency in the values of its chart, or None if it is released.

        The rules are those of Helm (4.1.4, by `helm template`): a switch that is absent or no boolean has no effect.
        """
        path = next((entry.path for entry in self._inputs.get(identity, ()) if entry.path is not None), None)
        file = self.files.get(path) if path is not None and any(switches) else None
        oid = self._readable(path, file.oid) if path is not None and file is not None else None
        return switch_that_is_off(switches, orjson.loads(self._text(oid).content)) if oid is not None else None

    def problems(self, path: str) -> tuple[Problem, ...]:
        """The reason why a file that is used as values cannot be read."""
        file = self.files.get(path)
        if file is None or not any(entry.config_map is None and entry.target is None for entry in self._used(path)):
            return ()
        known = {problem.problem for problem in file.content.problems}
        problem = self._text(file.oid).problem
        return (problem,) if problem is not None and problem.problem not in known else ()

    def _used(self, path: str) -> Iterator[_Input]:
        """The inputs that are in a file."""
        for identity in self._releases.get(path, ()):
            yield from (entry for entry in self._inputs[identity] if entry.path == path)

    def _layer(self, entry: _Input) -> Layer | None:
        file = self.files.get(entry.path) if entry.path is not None else None
        if entry.path is None or file is None:
            if entry.path is not None:
                self.last_readable.pop(entry.path, None)
            return Layer(entry.path or "") if entry.is_optional and entry.path is not None else None
        if entry.config_map is not None:
            return self._config_map(entry, entry.path, entry.config_map)
        if entry.target is not None:
            return _setting(entry.path, entry.target, self.cache.read_blob(file.oid) if file.oid else None)
        oid = self._readable(entry.path, file.oid)
        return layer_of(_part(self._text(oid), entry), entry.path) if oid is not None else None

    def _readable(self, path: str, oid: str) -> str | None:
        """The file's blob, or the last readable one."""
        if oid and self._text(oid).problem is None:
            self.last_readable[path] = oid
        return self.last_readable.get(path)

    def _config_map(self, entry: _Input, path: str, identity: Identity) -> Layer | None:
        manifest = self.files[path].declared.get(identity)
        data = orjson.loads(manifest.data).get("data") if manifest is not None else None
        text = data.get(entry.key) if isinstance(data, dict) else None
        if not isinstance(text, str):
            return Layer(path) if entry.is_optional else None
        if entry.target is not None:
            return _setting(path, entry.target, text.encode())
        return layer_of(read_values(text.encode(), self.cache.bounds), path)

    def _text(self, oid: str) -> ValuesText:
        if oid in self._texts:
            self._texts.move_to_end(oid)
            return self._texts[oid]
        blob = self.cache.read_blob(oid)
        text = self._texts[oid] = ValuesText(problem=_MISSING) if blob is None else read_values(blob, self.cache.bounds)
        if len(self._texts) > CACHED_TEXTS:
            self._texts.popitem(last=False)
        return text


def _resolve(document_path: str, path: str | None) -> str | None:
    """The path of a values file from the repository's root, or None if it is outside the repository."""
    if path is None or "://" in path or "$" in path or "{" in path:
        return None
    if path.startswith("/"):
        return normalise_path(path)
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(document_path), path))
    return None if joined.startswith("../") else joined


def _paths(inputs: Iterable[_Input]) -> set[str]:
    return {entry.path for entry in inputs if entry.path is not None}


def _part(text: ValuesText, entry: _Input) -> ValuesText:
    """The part of a text of values that an input takes: all of it, what is below one key, or all but some keys."""
    if text.problem is not None or (entry.below is None and not entry.without):
        return text
    content = orjson.loads(text.content)
    if entry.below is None:
        rest = {key: value for key, value in content.items() if key not in entry.without}
        return ValuesText(canonical_json(rest), text.numbers, text.is_encrypted)
    below = content.get(entry.below)
    numbers = {place[1:]: number for place, number in text.numbers.items() if place[0] == entry.below}
    return ValuesText(canonical_json(below if isinstance(below, dict) else {}), numbers, text.is_encrypted)


def _setting(origin: str, target: str, text: bytes | None) -> Layer | None:
    """A layer with one setting, whose value is a whole text."""
    place = read_name(target)
    if text is None or place is None:
        return None
    value = redact_setting(place, text.decode("utf-8", "replace").strip())
    return Layer(origin, settings=((place, read_value(value)),))
