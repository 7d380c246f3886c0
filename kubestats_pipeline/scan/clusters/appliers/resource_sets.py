"""Flux Operator's ResourceSets: the objects that one makes of its templates and inputs (ResourceSet specification).

A template is YAML in which `<< inputs.name >>` stands for an input. Without inputs, `spec.resources` is a plain list.
Inputs from `inputsFrom` are known only if the provider is a static one that the repository holds. All templates with
anything but plain inputs are not known.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from kubestats_pipeline.scan.clusters.appliers.post_build import NotYamlError, reread
from kubestats_pipeline.scan.documents.budget import MAX_TEXT
from kubestats_pipeline.scan.facts.shapes import mapping, mappings

KIND, PROVIDER, GROUP = "ResourceSet", "ResourceSetInputProvider", "fluxcd.controlplane.io"
MAX_INPUTS = 1_000
"""Sets of inputs of one ResourceSet."""

_MARK = re.compile(r"<<-? *(?P<expression>[^<>]*?) *-?>>")
_INPUT = re.compile(r"inputs((?:\.[A-Za-z_][A-Za-z0-9_]*)+)((?: *\| *(?:quote|lower|upper|toString))*)")

_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "quote": lambda text: orjson.dumps(text).decode(),
    "lower": str.lower,
    "upper": str.upper,
    "toString": str,
}

Inputs = Mapping[str, Any]
FindProviders = Callable[[dict[str, Any]], Iterable[dict[str, Any]] | None]
"""Returns the providers that an entry of `inputsFrom` selects, or None if they are not known."""


class Expanded(NamedTuple):
    """The objects of a ResourceSet.

    Attributes:
        objects: those that are known.
        unknown: the reason why others are not known, or None.
    """

    objects: tuple[dict[str, Any], ...]
    unknown: str | None = None


class _UnknownError(Exception):
    """A part that only the operator can tell. The text is the reason."""


def is_resource_set(content: dict[str, Any]) -> bool:
    """True for a ResourceSet."""
    return content.get("kind") == KIND and str(content.get("apiVersion")).startswith(f"{GROUP}/")


def expand(content: dict[str, Any], find_providers: FindProviders) -> Expanded:
    """The objects of a ResourceSet."""
    spec = mapping(content, "spec")
    if spec.get("resourcesTemplate"):
        return Expanded((), "its resources are a text template")
    templates = mappings(spec.get("resources"))
    try:
        inputs = _inputs(spec, find_providers)
    except _UnknownError as error:
        return Expanded((), str(error))
    objects, unknown = list[dict[str, Any]](), None
    for each in inputs:
        for template in templates:
            try:
                objects.append(_filled(template, each))
            except _UnknownError as error:
                unknown = str(error)
    metadata = mapping(content, "metadata")
    common = mapping(spec, "commonMetadata")
    made = (_with_defaults(made, metadata.get("namespace"), common) for made in _distinct(objects))
    return Expanded(tuple(made), unknown)


def _inputs(spec: dict[str, Any], find_providers: FindProviders) -> list[Inputs]:
    """The sets of inputs: those of the ResourceSet and of all providers, one after another or all combinations."""
    if not spec.get("inputs") and not spec.get("inputsFrom"):
        return [{}]
    groups: list[list[Inputs]] = [list(mappings(spec.get("inputs")))] if spec.get("inputs") else []
    for entry in mappings(spec.get("inputsFrom")):
        providers = find_providers(entry)
        if providers is None:
            raise _UnknownError("its inputs come from a provider that is not in the repository")
        groups += [[_exported(provider)] for provider in providers]
    if mapping(spec, "inputStrategy").get("name", "Flatten") == "Permute":
        return _permuted(groups)
    return list(itertools.chain.from_iterable(groups))[:MAX_INPUTS]


def _exported(provider: dict[str, Any]) -> Inputs:
    spec = mapping(provider, "spec")
    if spec.get("type") != "Static":
        raise _UnknownError("its inputs come from a provider that asks another service")
    return mapping(spec, "defaultValues")


def _permuted(groups: list[list[Inputs]]) -> list[Inputs]:
    size = 1
    for group in groups:
        size *= len(group)
    if size > MAX_INPUTS:
        raise _UnknownError(f"its inputs have more than {MAX_INPUTS} combinations")
    return [{key: value for part in parts for key, value in part.items()} for parts in itertools.product(*groups)]


def _filled(value: Any, inputs: Inputs) -> Any:
    if isinstance(value, dict):
        return {str(_text(key, inputs)): _filled(item, inputs) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, inputs) for item in value]
    return _text(value, inputs) if isinstance(value, str) else value


def _text(text: str, inputs: Inputs) -> Any:
    """A text with its inputs, read again as YAML, because the operator fills in the text of the whole template."""
    if "<<" not in text:
        return text
    filled = _MARK.sub(lambda mark: _value(mark["expression"], inputs), text)
    if len(filled) > MAX_TEXT:
        raise _UnknownError(f"a text of more than {MAX_TEXT} characters after its inputs are put in")
    try:
        return reread(text, filled)
    except NotYamlError:
        raise _UnknownError("a template is not YAML after its inputs are put in") from None


def _value(expression: str, inputs: Inputs) -> str:
    found = _INPUT.fullmatch(expression)
    if found is None:
        raise _UnknownError("a template has more than plain inputs")
    value: Any = inputs
    for step in found[1].split(".")[1:]:
        if not isinstance(value, dict) or step not in value:
            raise _UnknownError("a template has an input that is not given")
        value = value[step]
    text = _written(value)
    for function in found[2].replace(" ", "").split("|")[1:]:
        text = _FUNCTIONS[function](text)
    return text


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise _UnknownError("a template puts an input that is not a text into a text")
    return str(value)


def _with_defaults(made: dict[str, Any], namespace: object, common: dict[str, Any]) -> dict[str, Any]:
    """The object with the namespace of the ResourceSet if it has none, and with the common labels and annotations."""
    metadata = dict(mapping(made, "metadata"))
    if isinstance(namespace, str) and not metadata.get("namespace"):
        metadata["namespace"] = namespace
    for key in ("labels", "annotations"):
        if mapping(common, key):
            metadata[key] = {**mapping(metadata, key), **mapping(common, key)}
    return {**made, "metadata": metadata}


def _distinct(objects: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The first of all objects that have the same identity, as the operator keeps them."""
    seen = set[tuple[object, ...]]()
    for made in objects:
        metadata = mapping(made, "metadata")
        identity = tuple(
            str(each)
            for each in (made.get("apiVersion"), made.get("kind"), metadata.get("namespace"), metadata.get("name"))
        )
        if identity not in seen:
            seen.add(identity)
            yield made
