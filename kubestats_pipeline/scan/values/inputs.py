"""Which files feed the Helm values of which releases, kept from commit to commit.

Values files are plain YAML, which the scanner passes over: only those that a release uses are read, once a blob. Of a
file that cannot be read, the last readable blob counts, and the problem is told. How values are merged stands in
`merge.py`; what a change of them means for events in `replay.py`.
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
from kubestats_pipeline.scan.facts.facts import Facts, ValuesInput, ValuesPart
from kubestats_pipeline.scan.facts.helm_set import read_name, read_value
from kubestats_pipeline.scan.manifests.files import ContentCache, Files
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.values.merge import Layer, Values, ValuesText, layer_of, read_values

CACHED_TEXTS = 500
"""Values files that are remembered: enough for what a commit and its neighbours touch."""

_MISSING = Problem("too_large", "used as Helm values, and larger than the blobs that a mirror keeps (1 MB)")


class _Feed(NamedTuple):
    """One input of a release that stands in another file.

    Attributes:
        path: None where it is not known, as for a Secret.
        config_map: the ConfigMap in that file, where it is declared as a resource; `key` is one of its data.
        below: of a values file, only what stands below this key.
        target: the one setting that the content is the value of.
    """

    path: str | None
    config_map: Identity | None = None
    key: str = ""
    below: str | None = None
    target: str | None = None
    is_optional: bool = False


@dataclass
class Feeds:
    """The inputs of all releases of one repository that stand in other files than the release.

    Attributes:
        last_readable: of each values file in use that could be read once, the blob that was read last.
        touched: files whose problems must be told anew, because their use or content has changed.
    """

    files: Files
    cache: ContentCache
    last_readable: dict[str, str] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._feeds: dict[Identity, tuple[_Feed, ...]] = {}
        self._users: defaultdict[str, set[Identity]] = defaultdict(set)
        self._texts: OrderedDict[str, ValuesText] = OrderedDict()

    def learn(self, identity: Identity, facts: Facts, resolved: Resolved) -> None:
        """Say what a resource takes its values from now."""
        feeds = tuple(_feeds(identity.path, facts.values, resolved.values_inputs))
        if feeds == self._feeds.get(identity, ()):
            return
        self.forget(identity)
        if feeds:
            self._feeds[identity] = feeds
        for path in _paths(feeds):
            self._users[path].add(identity)
            self.touched.add(path)

    def forget(self, identity: Identity) -> None:
        """Say that a resource is gone."""
        for path in _paths(self._feeds.pop(identity, ())):
            self._users[path].discard(identity)
            self.touched.add(path)
            if not self._users[path]:
                del self._users[path]
                self.last_readable.pop(path, None)

    def users(self, paths: Iterable[str]) -> set[Identity]:
        """The releases that take values from one of these files."""
        return {identity for path in paths for identity in self._users.get(path, ())} if self._users else set()

    def read(self, identity: Identity) -> Values | None:
        """What other files give to a release's values; None where it has no such inputs."""
        feeds = self._feeds.get(identity)
        return Values(tuple(self._layer(feed) for feed in feeds)) if feeds else None

    def problems(self, path: str) -> tuple[Problem, ...]:
        """Why a file that is used as values cannot be read."""
        file = self.files.get(path)
        if file is None or not any(feed.config_map is None and feed.target is None for feed in self._used(path)):
            return ()
        known = {problem.problem for problem in file.content.problems}
        problem = self._text(file.oid).problem
        return (problem,) if problem is not None and problem.problem not in known else ()

    def _used(self, path: str) -> Iterator[_Feed]:
        return (feed for identity in self._users.get(path, ()) for feed in self._feeds[identity] if feed.path == path)

    def _layer(self, feed: _Feed) -> Layer | None:
        file = self.files.get(feed.path) if feed.path is not None else None
        if feed.path is None or file is None:
            if feed.path is not None:
                self.last_readable.pop(feed.path, None)
            return Layer(feed.path or "") if feed.is_optional and feed.path is not None else None
        if feed.config_map is not None:
            return self._config_map(feed, feed.path, feed.config_map)
        if feed.target is not None:
            return _setting(feed.path, feed.target, self.cache.read_blob(file.oid) if file.oid else None)
        oid = self._readable(feed.path, file.oid)
        return layer_of(_below(self._text(oid), feed.below), feed.path) if oid is not None else None

    def _readable(self, path: str, oid: str) -> str | None:
        """The file's blob, or the last one of it that could be read."""
        if oid and self._text(oid).problem is None:
            self.last_readable[path] = oid
        return self.last_readable.get(path)

    def _config_map(self, feed: _Feed, path: str, identity: Identity) -> Layer | None:
        manifest = self.files[path].declared.get(identity)
        data = orjson.loads(manifest.data).get("data") if manifest is not None else None
        text = data.get(feed.key) if isinstance(data, dict) else None
        if not isinstance(text, str):
            return Layer(path) if feed.is_optional else None
        if feed.target is not None:
            return _setting(path, feed.target, text.encode())
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


def _feeds(path: str, parts: Iterable[ValuesPart], inputs: Iterable[ValuesInput]) -> Iterator[_Feed]:
    for each in inputs:
        is_known = each.kind in ("file", "configmap") and each.path is not None
        config_map = each.identity if each.kind == "configmap" else None
        yield _Feed(
            each.path if is_known else None,
            Identity(*config_map) if config_map is not None else None,  # type: ignore[arg-type]
            each.key,
            target=each.target_path,
            is_optional=each.is_optional,
        )
    for part in parts:
        if part.kind == "file":
            yield _Feed(_resolve(path, part.path), below=part.key, is_optional=part.is_optional)


def _resolve(document_path: str, path: str | None) -> str | None:
    """The path of a values file from the repository's root; None where it lies elsewhere."""
    if path is None or "://" in path or "$" in path or "{" in path:
        return None
    if path.startswith("/"):
        return normalise_path(path)
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(document_path), path))
    return None if joined.startswith("../") else joined


def _paths(feeds: Iterable[_Feed]) -> set[str]:
    return {feed.path for feed in feeds if feed.path is not None}


def _below(text: ValuesText, key: str | None) -> ValuesText:
    """Only what stands below one key of a text of values."""
    if key is None or text.problem is not None:
        return text
    content = orjson.loads(text.content).get(key)
    numbers = {place[1:]: number for place, number in text.numbers.items() if place[0] == key}
    return ValuesText(canonical_json(content if isinstance(content, dict) else {}), numbers, text.is_encrypted)


def _setting(origin: str, target: str, text: bytes | None) -> Layer | None:
    """A whole text as the value of one setting."""
    place = read_name(target)
    if text is None or place is None:
        return None
    value = redact_setting(place, text.decode("utf-8", "replace").strip())
    return Layer(origin, settings=((place, read_value(value)),))
