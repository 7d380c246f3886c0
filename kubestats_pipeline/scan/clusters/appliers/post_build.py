"""Flux's substitution of variables in whole objects.

Flux writes each built object as YAML, replaces the variables in that text, and reads it again. So a text that YAML
writes without quotes is read anew and may become a number, a boolean, a list or a text without its own quotes. A text
that needs quotes, or that has several lines, stays a text. `substitution.py` has the expressions.
"""

import operator
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from kubestats_pipeline.scan.clusters.appliers.substitution import substitute
from kubestats_pipeline.scan.documents.budget import Budget
from kubestats_pipeline.scan.documents.document import Bounds, DecodeError
from kubestats_pipeline.scan.documents.scalars import ScalarError, resolve_value
from kubestats_pipeline.scan.documents.stream import decode_stream
from kubestats_pipeline.scan.facts.shapes import mapping

SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"
"""The label or annotation by which an object turns the substitution off with the value `disabled`."""

_NEEDS_QUOTES = re.compile(r"[-?:,\[\]{}#&*!|>'\"%@`=<]|.*(?:: |:$| #|\s$)|\s", re.DOTALL)
"""Texts that YAML cannot write plainly, among those that hold a variable."""

_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./$+~()^@-]*")
_NOT_SCALAR = re.compile(r"[-?:,\[\]{}#&*!|>'\"%@`]|.*(?:: |:$| #)|\s*$", re.DOTALL)


class NotYamlError(Exception):
    """A text is not YAML after the substitution. Flux then applies nothing of the Kustomization."""


class KnownVariables(dict[str, str | None]):
    """Variables of which all are known: one that is not among them is empty, as Flux has it."""

    def get(self, key: str, default: Any = None) -> str | None:
        """The value, empty if the variable is not set, or None if it is secret."""
        return super().get(key, "")

    def __eq__(self, other: object) -> bool:
        """False for the same variables where some are not known, because a variable without a value differs there."""
        return isinstance(other, KnownVariables) and super().__eq__(other)


class Substituted(NamedTuple):
    """An object with its variables replaced.

    Attributes:
        content: shares the parts without variables with the object before.
        written: the text of numbers that variables gave, as `Decoded.written` has it.
    """

    content: dict[str, Any]
    written: dict[int, dict[str, str]]


def substitute_object(content: dict[str, Any], variables: Mapping[str, str | None], budget: Budget) -> Substituted:
    """Replace the variables of an object.

    Raises:
        NotYamlError: the result cannot be read.
        TooComplexError: the budget is spent.
    """
    substitution = _Substitution(variables, budget)
    return Substituted(substitution.of(content), substitution.written)


def is_disabled(content: dict[str, Any]) -> bool:
    """True if a label or an annotation of the object turns the substitution off."""
    return any(mapping(content, "metadata", key).get(SUBSTITUTE) == "disabled" for key in ("labels", "annotations"))


class _Substitution:
    """Replaces the variables of one object."""

    def __init__(self, variables: Mapping[str, str | None], budget: Budget) -> None:
        self._variables = variables
        self._budget = budget
        self.written: dict[int, dict[str, str]] = {}

    def of(self, value: Any) -> Any:
        """The value with its variables replaced, or the same object if it has none."""
        kind = type(value)
        if kind is str:
            return self._text(value) if "$" in value else value
        if kind is dict:
            return self._mapping(value)
        if kind is list:
            items = [self.of(item) for item in value]
            return items if any(map(operator.is_not, items, value)) else value
        return value

    def _mapping(self, value: dict[str, Any]) -> dict[str, Any]:
        changed, written = None, dict[str, str]()
        for key, item in value.items():
            kind, new = type(item), item
            if kind is dict:
                new = self._mapping(item)
            elif kind is list or (kind is str and "$" in item):
                new = self.of(item)
            if new is item and "$" not in key:
                continue
            changed = dict(value) if changed is None else changed
            changed[key] = new
            if isinstance(item, str) and isinstance(new, int | float):
                written[key] = self._replaced(item)
        if changed is None:
            return value
        if "$" in "".join(changed):
            changed = {self._key(key): item for key, item in changed.items()}
        if written:
            self.written[id(changed)] = written
        return changed

    def _key(self, key: str) -> str:
        return self._replaced(key) if "$" in key else key

    def _text(self, text: str) -> Any:
        return reread(text, self._replaced(text))

    def _replaced(self, text: str) -> str:
        return substitute(text, self._variables, self._budget)


def reread(before: str, after: str) -> Any:
    """The value of a text whose variables were replaced in YAML, by the text before and after.

    Raises:
        NotYamlError: YAML cannot read it.
    """
    if after == before or "\n" in before or _NEEDS_QUOTES.match(before):
        return after
    return _read(after)


def _read(text: str) -> Any:
    """The value of a text that stands in YAML without quotes."""
    try:
        if _PLAIN.fullmatch(text) or not _NOT_SCALAR.match(text):
            return resolve_value(text.strip())
        document = next(decode_stream(f"v: {text}\n".encode("utf-8", "replace"), Bounds()), None)
    except (DecodeError, ScalarError) as error:
        raise NotYamlError from error
    content = document.content if document is not None else None
    if not isinstance(content, dict) or list(content) != ["v"]:
        raise NotYamlError
    return content["v"]
