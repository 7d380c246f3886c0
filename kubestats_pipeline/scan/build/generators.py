"""kustomize's generators: ConfigMaps and Secrets of literals and files, the charts that it inflates, and name hashes.

The content of a Secret is never read: its keys are known and its values are not. A hash is given only where the whole
content is known.
"""

import base64
import hashlib
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson

from kubestats_pipeline.redaction.redact import redact
from kubestats_pipeline.redaction.secrets import REDACTED
from kubestats_pipeline.scan.build.transformers.by_identity import ById
from kubestats_pipeline.scan.build.transformers.names import with_name
from kubestats_pipeline.scan.build.transformers.resource import BuildResource, RefusedError, Resources
from kubestats_pipeline.scan.build.transformers.targets import find_by_id
from kubestats_pipeline.scan.documents.budget import MAX_PATCHES

CONFIG_MAP, SECRET, CHART = "ConfigMap", "Secret", "HelmChartInflationGenerator"
ReadText = Callable[[str], bytes]
"""Returns the bytes of a file that is named by an entry.

Raises:
    RefusedError: the file is missing.
"""
Exists = Callable[[str], bool]
"""True if an entry names a file that is there, or one that is elsewhere."""

KEPT_GENERATED, MOST_KEPT_BYTES = 512, 32_768
"""Generated resources that are kept, and the bytes of the largest one of them."""

BEHAVIORS = ("create", "merge", "replace")
_HASHED_AS = str.maketrans("013ae", "ghkmt")
"""kustomize writes these digits of a hash as letters, so that no word can come out."""


def generate(
    kind: str,
    entry: Mapping[str, Any],
    general: Mapping[str, Any],
    read: ReadText,
    exists: Exists,
    files: Iterable[tuple[str, str]] = (),
) -> BuildResource:
    """The ConfigMap or Secret of an entry of a generator.

    Args:
        kind: `ConfigMap` or `Secret`.
        entry: of `configMapGenerator` or `secretGenerator`.
        general: the kustomization's `generatorOptions`.
        read: reads the files of a ConfigMap.
        exists: finds the files of a Secret.
        files: the keys whose value is a file, with the path of the file.

    Raises:
        RefusedError: it has no name, a key twice, or a file that is not there.
    """
    name, behavior = entry.get("name") or "", entry.get("behavior") or BEHAVIORS[0]
    if not name:
        raise RefusedError("a generator has no name")
    if behavior not in BEHAVIORS:
        raise RefusedError("a generator has an unknown behavior")
    options = _merged_options(general, entry.get("options") or {})
    metadata: dict[str, Any] = {"name": name}
    for key, value in (
        ("namespace", entry.get("namespace")),
        *((key, options.get(key)) for key in ("labels", "annotations")),
    ):
        if value:
            metadata[key] = value
    content: dict[str, Any] = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
    content |= _secret_data(entry, exists) if kind == SECRET else _config_map_data(entry, read)
    if options.get("immutable"):
        content["immutable"] = True
    needs_hash = not options.get("disableNameSuffixHash")
    data = orjson.dumps(content)
    make = _of_data if len(data) <= MOST_KEPT_BYTES else _of_data.__wrapped__
    return make(data, needs_hash, behavior, tuple(files))


@lru_cache(maxsize=KEPT_GENERATED)
def _of_data(data: bytes, needs_hash: bool, behavior: str, files: tuple[tuple[str, str], ...]) -> BuildResource:
    """The resource of what a generator made. Components make the same for many folders, so the last ones are kept."""
    content = orjson.loads(data)
    shown = redact(content)
    return BuildResource(
        shown,
        changed_by=frozenset({"generator"}),
        needs_hash=needs_hash,
        is_withheld=content["kind"] == SECRET or shown != content,
        behavior=behavior,
        files=files,
    )


def _merged_options(general: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {
        key: {**(general.get(key) or {}), **(own.get(key) or {})} for key in ("labels", "annotations")
    }
    for key in ("disableNameSuffixHash", "immutable"):
        merged[key] = bool(general.get(key) or own.get(key))
    return merged


def _config_map_data(entry: Mapping[str, Any], read: ReadText) -> dict[str, Any]:
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for key, value in _pairs(entry, read):
        if key in data or key in binary:
            raise RefusedError("a generator has a key twice")
        try:
            data[key] = value.decode("utf-8")
        except UnicodeDecodeError:
            binary[key] = base64.b64encode(value).decode()
    return {field: pairs for field, pairs in (("data", data), ("binaryData", binary)) if pairs}


def _pairs(entry: Mapping[str, Any], read: ReadText) -> Iterator[tuple[str, bytes]]:
    """The keys and values of a generator, in kustomize's order: env files, files, literals."""
    if sum(len(entry.get(field) or ()) for field in ("envs", "files", "literals")) > MAX_PATCHES:
        raise RefusedError(f"a generator has more than {MAX_PATCHES} entries")
    for path in _env_files(entry):
        yield from _env_pairs(read(path))
    for item in entry.get("files") or ():
        key, path = file_key(item)
        yield key, read(path)
    for item in entry.get("literals") or ():
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise RefusedError("a literal of a generator has no key")
        yield key, _unquoted(value).encode("utf-8", "replace")


def _secret_data(entry: Mapping[str, Any], exists: Exists) -> dict[str, Any]:
    """The keys of a Secret, as far as its entry names them. Its files are not read."""
    paths = [*_env_files(entry), *(file_key(item)[1] for item in entry.get("files") or ())]
    if not all(map(exists, paths)):
        raise RefusedError("a file of a secret generator is missing")
    keys = [file_key(item)[0] for item in entry.get("files") or ()]
    keys += [item.partition("=")[0] for item in entry.get("literals") or ()]
    data = {"data": dict.fromkeys(keys, REDACTED)} if keys else {}
    return {**data, "type": entry.get("type") or "Opaque"}


def _env_files(entry: Mapping[str, Any]) -> list[str]:
    single = entry.get("env")
    return [*(entry.get("envs") or ()), *([single] if single else [])]


def file_key(item: str) -> tuple[str, str]:
    """The key and the path of an entry of `files`."""
    key, equals, path = item.partition("=")
    if not equals:
        return posixpath.basename(item), item
    if not key or not path or "=" in path:
        raise RefusedError("a file of a generator has no key or no path")
    return key, path


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _env_pairs(text: bytes) -> Iterator[tuple[str, bytes]]:
    """The lines `KEY=value` of an env file. A key without a value comes from the environment, which is empty here."""
    for line in text.removeprefix(b"\xef\xbb\xbf").splitlines():
        line = line.lstrip()
        if not line or line.startswith(b"#"):
            continue
        key, equals, value = line.partition(b"=")
        if equals:
            yield key.decode("utf-8", "replace"), value


def hashed(resources: Resources) -> Resources:
    """All resources with the hash of their content in the names of those that take one, as far as it is known."""
    return [_hashed(ById(resource)) if resource.needs_hash else resource for resource in resources]


@lru_cache(maxsize=KEPT_GENERATED)
def _hashed(generated: ById[BuildResource]) -> BuildResource:
    resource = generated.value
    name = resource.id.name
    if resource.is_withheld:
        return resource._replace(base_name=name)
    return with_name(resource, f"{name}-{name_hash(resource.content)}")._replace(base_name=name)


def name_hash(content: Mapping[str, Any]) -> str:
    """The suffix that kustomize gives the name of a ConfigMap: ten characters of a digest of its data."""
    fields: dict[str, Any] = {"kind": CONFIG_MAP, "name": "", "data": content.get("data") or ""}
    if content.get("binaryData"):
        fields["binaryData"] = content["binaryData"]
    text = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    for character in (b"<", b">", b"&", "\u2028".encode(), "\u2029".encode()):  # as Go's JSON writes them
        text = text.replace(character, f"\\u{ord(character.decode()):04x}".encode())
    return hashlib.sha256(text).hexdigest()[:10].translate(_HASHED_AS)


def merge_generated(resources: Resources, generated: BuildResource) -> Resources:
    """The resources with a generated one added, or merged into the one that it names.

    Raises:
        RefusedError: its behavior does not fit the resources that are there.
    """
    places = find_by_id(resources, generated.id)
    if not places:
        if generated.behavior != BEHAVIORS[0]:
            raise RefusedError("a generator merges with a resource that does not exist")
        return [*resources, generated]
    if len(places) > 1 or generated.behavior == BEHAVIORS[0]:
        raise RefusedError("a generator makes a resource that exists already")
    old = resources[places[0]]
    return [*resources[: places[0]], _merged(old, generated), *resources[places[0] + 1 :]]


def _merged(old: BuildResource, new: BuildResource) -> BuildResource:
    """A generated resource over an earlier one, whose name it keeps."""
    content = dict(new.content)
    before, after = old.content.get("metadata") or {}, new.content["metadata"]
    metadata = {key: before[key] for key in ("name", "namespace") if key in before}
    for key in ("labels", "annotations"):
        if pairs := {**(before.get(key) or {}), **(after.get(key) or {})}:
            metadata[key] = pairs
    content["metadata"] = metadata
    if new.behavior == "merge":
        for key in ("data", "binaryData"):
            if pairs := {**(old.content.get(key) or {}), **(content.get(key) or {})}:
                content[key] = pairs
    merged = old.changed(content, "generator")
    files = (*new.files, *old.files) if new.behavior == "merge" else new.files
    return merged._replace(is_withheld=old.is_withheld or new.is_withheld, files=tuple(dict(reversed(files)).items()))


def chart_of(entry: Mapping[str, Any], home: str | None) -> BuildResource:
    """A chart that kustomize inflates, as one object, with the entry's fields and the namespace of the release.

    Raises:
        RefusedError: it has no name.
    """
    name = entry.get("releaseName") or entry.get("name")
    if not entry.get("name") or not name:
        raise RefusedError("a chart has no name")
    metadata = {"name": name} | ({"namespace": entry["namespace"]} if entry.get("namespace") else {})
    place = {"chartHome": home} if home and not entry.get("repo") else {}
    content = {**place, **entry, "apiVersion": "builtin", "kind": CHART, "metadata": metadata}
    return BuildResource(redact(content), changed_by=frozenset({"generator"}))
