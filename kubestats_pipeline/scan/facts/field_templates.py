"""Templates with plain fields, as ApplicationSets of Argo CD have them: `{{path.basename}}` or `{{.path.basename}}`.

An action of more than one field, and a field without a parameter, stay as written. So a text that still has an action
is one whose value is not known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubestats_pipeline.scan.documents.budget import MAX_TEXT, Budget
from kubestats_pipeline.scan.documents.document import Decoded

ACTION = "{{"

Parameters = Mapping[str, Any]
"""Values by name. They are nested for Go templates, and have dotted names for the others."""

_ACTION = re.compile(r"\{\{ *([^{}]*?) *\}\}")
_INDEX = re.compile(r"index +(\.[\w.-]+) +(\d{1,4})")


@dataclass(frozen=True)
class FieldTemplate:
    """Fills templates with one set of parameters.

    Attributes:
        is_go: true for Go templates, false for the older language.
        budget: counts the characters that are read and made, and raises `TooComplexError` if they are too many.
    """

    parameters: Parameters
    is_go: bool
    budget: Budget = field(default_factory=Budget)

    def copy(self, document: Decoded, value: Any) -> Any:
        """A copy of a value with its texts filled. Numbers become texts as they are written."""
        self.budget.spend(1)
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, dict):
            return {
                self.fill(key): document.text(value, key) if is_number(item) else self.copy(document, item)
                for key, item in value.items()
            }
        return [self.copy(document, item) for item in value] if isinstance(value, list) else value

    def fill(self, text: str) -> str:
        """A text with its known fields filled."""
        self.budget.spend(len(text))
        return _ACTION.sub(self._replace, text) if ACTION in text else text

    def look_up(self, key: str) -> Any:
        """The value of a parameter, or None."""
        if not self.is_go:
            return self.parameters.get(key)
        value: Any = self.parameters
        for step in key.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def _replace(self, match: re.Match[str]) -> str:
        value = self._go_value(match[1]) if self.is_go else self.look_up(match[1])
        if isinstance(value, bool):
            value = str(value).lower()
        text = str(value) if isinstance(value, str | int | float) else match[0]
        self.budget.spend(len(text))
        return text if len(text) <= MAX_TEXT else match[0]

    def _go_value(self, action: str) -> Any:
        index = _INDEX.fullmatch(action)
        if index is not None:
            items = self.look_up(index[1][1:])
            return items[int(index[2])] if isinstance(items, list) and int(index[2]) < len(items) else None
        return self.look_up(action[1:]) if action.startswith(".") else None


def dotted(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Parameters with the names of the older language: `path` for a path, `path.basename`, `path[0]`."""
    for key, value in parameters.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            if isinstance(value.get("segments"), list) and isinstance(value.get("path"), str):
                yield name, value["path"]
                yield from ((f"{name}[{index}]", segment) for index, segment in enumerate(value["segments"]))
            yield from dotted(value, f"{name}.")
        else:
            yield name, value


def is_number(value: object) -> bool:
    """True for a number, which is not a boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)
