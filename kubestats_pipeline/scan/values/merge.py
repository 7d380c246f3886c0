"""The Helm values of a release: its inputs as layers, merged as Flux and Helm merge them.

Maps are merged deeply, lists and everything else are replaced, and the last layer wins. A null replaces the values of
earlier layers and stays, because it also removes the chart's default. Placeholders such as `${VAR}` stay as written.
`inputs.py` finds the inputs of a release in other files, and `rows.py` makes rows of merged values.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.redaction.redact import redact_values
from kubestats_pipeline.scan.documents.canonical_json import canonical_json
from kubestats_pipeline.scan.documents.document import Bounds, Decoded, Place
from kubestats_pipeline.scan.documents.file import ENCODING_REPLACED, Problem, read_documents
from kubestats_pipeline.scan.documents.number_spelling import Numbers, value_at, written_numbers
from kubestats_pipeline.scan.facts.facts import Image, ValuesPart
from kubestats_pipeline.scan.facts.helm_set import read_settings, with_setting
from kubestats_pipeline.scan.facts.images_in_values import images_in_values
from kubestats_pipeline.scan.manifests.manifests import Manifest

INLINE = "inline"


@dataclass(frozen=True, slots=True)
class Layer:
    """One input that could be read, redacted.

    Attributes:
        origin: `inline`, or the path of its file.
        content: a mapping of values, as canonical JSON.
        settings: single values with their places, which are set after the content has been merged.
        numbers: the spelling of numbers in the content.
        is_complete: false if it is encrypted.
    """

    origin: str
    content: bytes = b"{}"
    settings: tuple[tuple[Place, Any], ...] = ()
    numbers: Numbers = field(default_factory=dict)
    is_complete: bool = True


class Values(NamedTuple):
    """The values of a release from other files.

    Attributes:
        layers: one for each input in another file, or None if the input is not known. The inputs of
            `Resolved.values_inputs` come first, then the `file` parts of its facts.
        images: the images in all of its values, inline ones included, or None if they were not looked for.
    """

    layers: tuple[Layer | None, ...]
    images: tuple[Image, ...] | None = None


class Leaf(NamedTuple):
    """A value that is not a mapping or is an empty one, with the layer that it comes from."""

    value: Any
    layer: Layer


ValuesTree = dict[str, Any]
"""Nested mappings that end in leaves."""


@dataclass(frozen=True, slots=True)
class ValuesText:
    """A text of YAML values, read and redacted. If it cannot be read, it is empty and has a problem."""

    content: bytes = b"{}"
    numbers: Numbers = field(default_factory=dict)
    is_encrypted: bool = False
    problem: Problem | None = None


def read_values(text: bytes, bounds: Bounds) -> ValuesText:
    """Read a text of values: its first document, which must be a mapping or empty."""
    read = read_documents(text, bounds)
    first = next((problem for problem in read.problems if not problem.document_index), None)
    if first is not None:
        # Helm does not read a text with bytes that are not characters.
        problem = "encoding" if first.problem == ENCODING_REPLACED else first.problem
        return ValuesText(problem=Problem(problem, first.message))
    document = read.documents[0][1] if read.documents else Decoded(None, 1)
    content = {} if document.content is None else document.content
    if not isinstance(content, dict):
        return ValuesText(problem=Problem("syntax", f"line {document.line}: used as Helm values, but not a mapping"))
    redacted = canonical_json(redact_values(content))
    return ValuesText(redacted, written_numbers(document, content), isinstance(content.get("sops"), dict))


def merge_values(manifest: Manifest, values: Values | None) -> tuple[ValuesTree, bool]:
    """The effective values of a release as its document has them, and true if all of its inputs are known."""
    return merge_layers(layers_of(orjson.loads(manifest.data), manifest.facts.values, values, manifest.numbers))


def merge_layers(layers: Iterable[Layer | None]) -> tuple[ValuesTree, bool]:
    """Merge inputs in their order, None for one that is not known. True if all of them are known."""
    tree: ValuesTree = {}
    is_complete = True
    for layer in layers:
        if layer is not None:
            _overlay(tree, orjson.loads(layer.content), layer)
            for place, value in layer.settings:
                _set(tree, place, value, layer)
        is_complete = is_complete and layer is not None and layer.is_complete
    return tree, is_complete


def with_images(manifest: Manifest, values: Values) -> Values:
    """The same values with the images of the effective values of the release."""
    tree, _ = merge_values(manifest, values)
    return values._replace(images=images_in_tree(tree, manifest.facts.app_name))


def images_in_tree(tree: ValuesTree, release_name: str | None) -> tuple[Image, ...]:
    """The images in merged values, tags as they are spelled."""
    written: dict[int, dict[str, str]] = {}
    content = _keep_written(tree, (), written)
    return images_in_values(Decoded(content, 0, written=written), content, release_name)


def _keep_written(tree: ValuesTree, place: Place, written: dict[int, dict[str, str]]) -> dict[str, Any]:
    """Plain values. The spelling of their numbers is put into `written`, in the form that `Decoded.text` reads."""
    content: dict[str, Any] = {}
    for key, item in tree.items():
        if isinstance(item, Leaf):
            content[key] = item.value
            text = item.layer.numbers.get((*place, key))
            if text is not None and isinstance(item.value, int | float):
                written.setdefault(id(content), {})[key] = text
        else:
            content[key] = _keep_written(item, (*place, key), written)
    return content


def plain(tree: ValuesTree | Leaf) -> Any:
    """Merged values without their layers."""
    return tree.value if isinstance(tree, Leaf) else {key: plain(item) for key, item in tree.items()}


def layers_of(
    document: Any, parts: Sequence[ValuesPart], values: Values | None, spelling: Iterable[tuple[Place, str]] = ()
) -> Iterator[Layer | None]:
    """All layers of a release in the order of precedence.

    Args:
        document: of the release, redacted.
        parts: the inputs that it holds or names itself.
        values: those of other files.
        spelling: of the numbers in its values.
    """
    outer = values.layers if values else ()
    files = sum(part.kind == "file" for part in parts)
    yield from outer[: max(len(outer) - files, 0)]
    following = iter(outer[max(len(outer) - files, 0) :])
    for part in parts:
        yield next(following, None) if part.kind == "file" else _own_layer(document, part, spelling)


def _own_layer(document: Any, part: ValuesPart, spelling: Iterable[tuple[Place, str]]) -> Layer | None:
    """The layer of an input in the release's own document."""
    layer = _whole_layer(document, part, spelling)
    return layer if layer is None or part.key is None else _below(layer, part.key)


def _below(layer: Layer, key: str) -> Layer:
    """The values of a layer below a key, such as those of a chart that a wrapper depends on."""
    below = orjson.loads(layer.content).get(key)
    return replace(
        layer,
        content=canonical_json(below if isinstance(below, dict) else {}),
        settings=tuple((place[1:], value) for place, value in layer.settings if place[0] == key and len(place) > 1),
        numbers={place[1:]: number for place, number in layer.numbers.items() if place[0] == key},
    )


def _whole_layer(document: Any, part: ValuesPart, spelling: Iterable[tuple[Place, str]]) -> Layer | None:
    value, origin = value_at(document, part.place), part.origin or INLINE
    if value is None and part.kind != "unknown":
        return Layer(origin)
    if part.kind == "map" and isinstance(value, dict):
        here = len(part.place)
        numbers = {place[here:]: text for place, text in spelling if place[:here] == part.place}
        return Layer(origin, canonical_json(value), numbers=numbers)
    if part.kind == "text" and isinstance(value, str):
        return layer_of(read_values(value.encode(), Bounds()), origin)
    settings = read_settings(value) if part.kind == "parameters" else None
    if settings is None:
        return None
    known = tuple(setting for setting in settings if setting is not None)
    return Layer(origin, settings=known, is_complete=len(known) == len(settings))


def layer_of(text: ValuesText, origin: str) -> Layer | None:
    """The layer of a text of values, or None if the text could not be read."""
    if text.problem is not None:
        return None
    return Layer(origin, text.content, numbers=text.numbers, is_complete=not text.is_encrypted)


def _overlay(tree: ValuesTree, content: dict[str, Any], layer: Layer) -> None:
    """Merge a mapping over a tree, in place."""
    for key, value in content.items():
        below = tree.get(key)
        if not isinstance(value, dict):
            tree[key] = Leaf(value, layer)
        elif value:
            if not isinstance(below, dict):
                below = tree[key] = {}
            _overlay(below, value, layer)
        elif not isinstance(below, dict):
            tree[key] = Leaf(value, layer)


def _set(tree: ValuesTree, place: Place, value: Any, layer: Layer) -> None:
    """Set one value in place. If it is in a list, the layer counts as the origin of the whole list."""
    keys = list(itertools.takewhile(lambda step: isinstance(step, str), place))
    for key in keys[:-1]:
        below = tree.get(str(key))
        if not isinstance(below, dict):
            below = tree[str(key)] = {}
        tree = below
    last = str(keys[-1])
    former = tree.get(last)
    known = former.value if isinstance(former, Leaf) else None
    tree[last] = Leaf(with_setting(known, place[len(keys) :], value), layer)
