"""The inputs of the Helm values of all releases, where they are in other files than the release, from commit to commit.

A values file is plain YAML, which the scanner passes over. It is read only if a release uses it, and once a blob. If a
file cannot be read, its last readable blob counts, and the file gets a problem. A release has the inputs that its
document gives it, and in each cluster those that it has there. They are merged in `merge.py`, and `replay.py` makes
events of a change of them.
"""

import posixpath
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import orjson

from kubestats_pipeline.git.history import is_of_interest
from kubestats_pipeline.redaction.redact import redact_setting
from kubestats_pipeline.scan.clusters.applied import AppliedKey
from kubestats_pipeline.scan.clusters.appliers.post_build import is_disabled
from kubestats_pipeline.scan.clusters.appliers.substitution import MARK, VariableValues, substitute
from kubestats_pipeline.scan.clusters.values_from import Application, Supplied
from kubestats_pipeline.scan.documents.budget import Budget, TooComplexError
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.file import Problem
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Facts, Switches, ValuesInput, ValuesPart
from kubestats_pipeline.scan.facts.helm_set import read_name, read_value
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.manifests.files import ContentCache, Files
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.values.merge import Layer, Values, ValuesText, layer_of, read_values
from kubestats_pipeline.scan.values.own_repository import OwnRepository
from kubestats_pipeline.scan.values.switches import switch_that_is_off

CACHED_TEXTS = 500
"""Values files that are kept in memory: enough for all that a commit and its neighbours touch."""

_EXPRESSION = "${"
_EDITS = frozenset({"patch", "replacement"})
"""Features of a build that change the text of a generated ConfigMap, which is then no longer that of its file."""

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
        text: the content as the cluster has it, if that is not the content of a file. It is redacted.
        variables: those that the cluster's Kustomization puts into the content, or None if it puts in none.
    """

    path: str | None
    config_map: Identity | None = None
    key: str = ""
    below: str | None = None
    without: tuple[str, ...] = ()
    target: str | None = None
    is_optional: bool = False
    text: str | None = None
    variables: VariableValues | None = None


_Subject = Identity | AppliedKey
"""A release as its document has it, or as one application brings it to a cluster."""


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
        self._inputs: dict[_Subject, tuple[_Input, ...]] = {}
        self._releases: defaultdict[str, set[_Subject]] = defaultdict(set)
        self._texts: OrderedDict[Hashable, ValuesText] = OrderedDict()

    def set_inputs(self, identity: Identity, facts: Facts, resolved: Resolved) -> None:
        """Record the inputs that a resource has now by its document."""
        named = map(_named, resolved.values_inputs)
        self._set(identity, (*named, *self._files_of(identity.path, facts.values, {})))

    def set_application(self, key: AppliedKey, application: Application) -> None:
        """Record the inputs that a release has now in a cluster."""
        made = application.made
        path = made.origin.path if made.origin is not None else None
        files = self._files_of(path, made.facts.values, dict(made.built.files))
        self._set(key, (*map(_supplied, application.supplied), *files))

    def forget(self, subject: Identity | AppliedKey) -> None:
        """Drop the inputs of a resource that is gone, or of an object that no cluster has any more."""
        self._set(subject, ())

    def _set(self, subject: _Subject, inputs: tuple[_Input, ...]) -> None:
        known = self._inputs.pop(subject, ())
        if inputs:
            self._inputs[subject] = inputs
        if inputs == known:
            return
        before, after = _paths(known), _paths(inputs)
        self.touched |= before | after
        for path in after - before:
            self._releases[path].add(subject)
        for path in before - after:
            self._releases[path].discard(subject)
            if not self._releases[path]:
                del self._releases[path]
                self.last_readable.pop(path, None)

    def _files_of(self, path: str | None, parts: Iterable[ValuesPart], known: Mapping[str, str]) -> Iterator[_Input]:
        """The files that a release in a file at `path` names, of which the places of some may be known."""
        for part in parts:
            if part.kind == "file":
                is_here = part.repository is None or self.own.is_own(part.repository)
                file = known.get(part.path or "") or (_resolve(path, part.path) if is_here else None)
                yield _Input(file, below=part.key, without=part.without, is_optional=part.is_optional)

    def releases_using(self, paths: Iterable[str]) -> set[Identity]:
        """The releases that take values from at least one of these files by their documents."""
        return {each for each in self._using(paths) if isinstance(each, Identity)}

    def applications_using(self, paths: Iterable[str]) -> set[AppliedKey]:
        """The releases in clusters that take values from at least one of these files."""
        return {each for each in self._using(paths) if isinstance(each, AppliedKey)}

    def _using(self, paths: Iterable[str]) -> Iterator[_Subject]:
        return (each for path in paths for each in self._releases.get(path, ())) if self._releases else iter(())

    def read(self, subject: Identity | AppliedKey) -> Values | None:
        """The values that a release takes from elsewhere than its document, or None if it has no such inputs."""
        inputs = self._inputs.get(subject)
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
        file = self.files.get(path) if path in self._releases else None
        if file is None or all(entry.config_map is not None or entry.target is not None for entry in self._used(path)):
            return ()
        known = {problem.problem for problem in file.content.problems}
        problem = self._text(file.oid).problem
        return (problem,) if problem is not None and problem.problem not in known else ()

    def _used(self, path: str) -> Iterator[_Input]:
        """The inputs that are in a file."""
        for identity in self._releases.get(path, ()):
            yield from (entry for entry in self._inputs[identity] if entry.path == path and entry.text is None)

    def _layer(self, entry: _Input) -> Layer | None:
        layer = self._read(entry, entry.path) if entry.path is not None else None
        if layer is None or entry.variables is None or not _holds_expression(layer):
            return layer
        return replace(layer, is_complete=False)

    def _read(self, entry: _Input, path: str) -> Layer | None:
        if entry.text is not None:
            return self._layer_of_text(entry, path, entry.text)
        file = self.files.get(path)
        if file is None:
            self.last_readable.pop(path, None)
            return Layer(path) if entry.is_optional else None
        if entry.config_map is not None:
            return self._config_map(entry, path, entry.config_map)
        if entry.target is not None:
            return _setting(path, entry.target, self._blob(file.oid, entry.variables))
        oid = self._readable(path, file.oid)
        return layer_of(_part(self._text(oid, entry.variables), entry), path) if oid is not None else None

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
        return self._layer_of_text(entry, path, text)

    def _layer_of_text(self, entry: _Input, path: str, text: str) -> Layer | None:
        if entry.target is not None:
            return _setting(path, entry.target, text.encode("utf-8", "replace"))
        return layer_of(self._kept(("text", text), lambda: text.encode("utf-8", "replace")), path)

    def _text(self, oid: str, variables: VariableValues | None = None) -> ValuesText:
        """The content of a blob, with its variables replaced."""
        text = self._kept(oid, lambda: self._blob(oid, None))
        if variables is None or MARK not in text.content:
            return text
        return self._kept((oid, type(variables), *variables.items()), lambda: self._blob(oid, variables))

    def _blob(self, oid: str, variables: VariableValues | None) -> bytes | None:
        blob = self.cache.read_blob(oid) if oid else None
        return _replaced(blob, variables) if blob is not None and variables is not None else blob

    def _kept(self, key: Hashable, read_text: Callable[[], bytes | None]) -> ValuesText:
        """The text that is kept under a key, or else is read now."""
        if key in self._texts:
            self._texts.move_to_end(key)
            return self._texts[key]
        found = read_text()
        text = self._texts[key] = (
            ValuesText(problem=_MISSING) if found is None else read_values(found, self.cache.bounds)
        )
        if len(self._texts) > CACHED_TEXTS:
            self._texts.popitem(last=False)
        return text


def _named(found: ValuesInput) -> _Input:
    """An input as the document of a release names it."""
    is_known = found.kind in ("file", "configmap") and found.path is not None
    config_map = found.identity if found.kind == "configmap" else None
    return _Input(
        path=found.path if is_known else None,
        config_map=Identity(*config_map) if config_map is not None else None,  # type: ignore[arg-type]
        key=found.key,
        target=found.target_path,
        is_optional=found.is_optional,
    )


def _supplied(found: Supplied) -> _Input:
    """An input as a release has it in a cluster.

    The text of a file counts in place of the same text in a ConfigMap, because it is redacted as values.
    """
    entry, config_map = found.entry, found.config_map
    named = _Input(None, key=entry.key, target=entry.target_path, is_optional=entry.is_optional)
    if config_map is None:
        return named
    built, variables = config_map.built, config_map.settings.variables
    path = config_map.origin.path if config_map.origin is not None else found.made_in
    text = mapping(config_map.content, "data").get(entry.key)
    if not isinstance(text, str):
        return named._replace(path=path, text="", target=None) if entry.is_optional else named
    named = named._replace(variables=variables if not is_disabled(built.content) else None)
    file = dict(built.files).get(entry.key) if _EDITS.isdisjoint(built.changed_by) else None
    if file is not None and is_of_interest(file):
        return named._replace(path=file)
    return named._replace(path=file or path, text=text)


def _replaced(blob: bytes, variables: VariableValues) -> bytes:
    """A text with its variables replaced, or as it is if that takes too much."""
    try:
        return substitute(blob.decode("utf-8", "replace"), variables, Budget()).encode("utf-8", "replace")
    except TooComplexError:
        return blob


def _holds_expression(layer: Layer) -> bool:
    """True if a variable is left in a layer, because its value is not in the repository."""
    settings = (value for _, value in layer.settings)
    return _EXPRESSION.encode() in layer.content or any(_EXPRESSION in str(value) for value in settings)


def _resolve(document_path: str | None, path: str | None) -> str | None:
    """The path of a values file from the repository's root, or None if it is not known or outside the repository."""
    if path is None or "://" in path or "$" in path or "{" in path:
        return None
    if path.startswith("/"):
        return normalise_path(path)
    if document_path is None:
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(document_path), path))
    return None if joined.startswith("../") else joined


def _paths(inputs: Iterable[_Input]) -> set[str]:
    """The files whose change may be a change of these inputs."""
    return {entry.path for entry in inputs if entry.path is not None and entry.text is None}


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
