"""Flux's post-build substitution: `${name}` and its bash forms, replaced in one text.

The forms and their results are those of fluxcd/pkg/envsubst, a fork of drone/envsubst. An expression that it rejects
stays as written. `variables.py` gives the variables of a Kustomization.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping

from kubestats_pipeline.scan.clusters.appliers import glob
from kubestats_pipeline.scan.documents.budget import MAX_LONG_TEXT, MAX_TEXT, Budget
from kubestats_pipeline.scan.facts.facts import Image
from kubestats_pipeline.scan.facts.images import parse_image

VariableValues = Mapping[str, str | None]
"""Values by name. The value is None if a variable is set, but not in this repository."""

MARK = b"$"
"""Begins every expression."""

MAX_DEPTH = 10
"""Expressions inside the defaults of others."""

_NAME = re.compile(r"\w+")
_TRIM = re.compile("##?|%%?")
_CASE = re.compile(r",,?|\^\^?")
_DEFAULT = re.compile(":[-=?+]|=")
_REPLACE = re.compile("/[/#%]?")
_NUMBER = re.compile(r"[-+]?[0-9]+", re.ASCII)


_PLAIN = re.compile(r"[^$}:/\\]+")
_SIMPLE = re.compile(r"\$\{(\w+)(?:(?::[-=?+]|=)([^$}:/\\]*))?\}")
"""The expressions of nearly all texts: a name, or a name with a default that is a plain text."""

TOO_LONG = f"a text that is too long, or that its variables make more than {MAX_TEXT} characters longer"
"""The note of a text that stays as written."""


class _BadExpressionError(Exception):
    """Not an expression. The text stays as written."""


class _TooLongError(Exception):
    """The text is too long, a value in it is, or its result is too much longer."""


def substitute(text: str, variables: VariableValues, budget: Budget) -> str:
    """Replace the variables in a text.

    A variable that has no value stays as written, unless the expression has a default. `$${name}` is an escape and
    becomes `${name}`. A text that is or becomes too long stays as written, and the budget gets a note of it.

    Raises:
        TooComplexError: the budget is spent.
    """
    if "${" not in text and "$$" not in text:
        return text
    try:
        if len(text) > MAX_LONG_TEXT:
            raise _TooLongError
        return _ExpressionReader(text, variables, budget).read_all()
    except _TooLongError:
        budget.note(TOO_LONG)
        return text


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise _TooLongError
    return text


def substitute_image(image: Image, variables: VariableValues) -> Image:
    """An image with its variables replaced.

    Raises:
        TooComplexError: that takes too many steps.
    """
    if "$" not in (image.raw or image.image):
        return image
    return parse_image(substitute(image.raw or image.image, variables, Budget()), image.role)


class _ExpressionReader:
    """Reads one text from left to right."""

    def __init__(self, text: str, variables: VariableValues, budget: Budget) -> None:
        self._text = text
        self._variables = variables
        self._budget = budget
        self._at = 0

    def read_all(self) -> str:
        parts: list[str] = []
        size = 0
        while self._at < len(self._text):
            start = self._at
            if self._takes("$$"):
                parts.append("$")
            elif self._text.startswith("${", start):
                parts.append(self._expression_or_text())
            else:
                following = self._text.find("$", start + 1)
                self._at = following if following >= 0 else len(self._text)
                parts.append(self._text[start : self._at])
            self._budget.spend(len(parts[-1]))
            if (size := size + len(parts[-1])) > len(self._text) + MAX_TEXT:
                raise _TooLongError
        return "".join(parts)

    def _expression_or_text(self) -> str:
        start = self._at
        if simple := _SIMPLE.match(self._text, start):
            self._at = simple.end()
            value = self._value_or_default(simple[1], simple[2])
            return simple[0] if value is None else value
        try:
            value = self._expression(0)
        except _BadExpressionError:
            self._at = start + 2
            return "${"
        return self._text[start : self._at] if value is None else value

    def _value_or_default(self, name: str, default: str | None) -> str | None:
        """The value of a variable, or what an expression with a plain default gives where it has none."""
        if default is not None:
            self._budget.spend(len(_bounded(default)))
        value = self._value(name)
        if value or default is None or (value is None and name in self._variables):
            return value
        return default

    def _expression(self, depth: int) -> str | None:
        """The value of the expression that begins here, or None if it is not known."""
        if depth > MAX_DEPTH:
            raise _BadExpressionError
        self._at += len("${")
        if self._takes("#"):
            value = self._value(self._name())
            self._expect("}")
            return None if value is None else str(len(value.encode()))
        name = self._name()
        if self._takes("}"):
            return self._value(name)
        if self._operator(_DEFAULT):
            return self._default(name, depth, is_set=name in self._variables)
        value = self._value(name)
        change = self._change(depth)
        return None if value is None or change is None else _bounded(change(value))

    def _default(self, name: str, depth: int, *, is_set: bool) -> str | None:
        words, size = list[str | None](), 0
        while not self._takes("}"):
            words.append(word := self._word("}", depth))
            if (size := size + len(word or "")) > MAX_TEXT:
                raise _TooLongError
        value = self._value(name)
        if value or (is_set and value is None):
            return value
        return None if None in words else "".join(word for word in words if word is not None)

    def _change(self, depth: int) -> Callable[[str], str] | None:
        """The function that an expression applies to a value, or None if a part of the expression is not known."""
        if operator := self._operator(_CASE):
            self._expect("}")
            return functools.partial(_change_case, operator)
        if operator := self._operator(_TRIM):
            pattern = self._word("}", depth)
            self._expect("}")
            return None if pattern is None else functools.partial(_trim, self._budget, operator, pattern)
        if operator := self._operator(_REPLACE):
            return self._replacement(operator, depth)
        self._expect(":")
        return self._slice(depth)

    def _replacement(self, operator: str, depth: int) -> Callable[[str], str] | None:
        pattern = "" if self._text.startswith("/", self._at) else self._word("/", depth, escapes=True)
        self._expect("/")
        if self._takes("}"):
            replacement: str | None = "" if operator in ("/", "//") else pattern
        else:
            replacement = self._word("}", depth, escapes=True)
            self._expect("}")
        if pattern is None or replacement is None:
            return None
        return functools.partial(_replace, operator, pattern, replacement)

    def _slice(self, depth: int) -> Callable[[str], str] | None:
        offset = self._word(":}", depth)
        length: str | None = ""
        if self._takes(":"):
            length = self._word("}", depth)
        self._expect("}")
        return None if offset is None or length is None else functools.partial(_slice, offset, length)

    def _word(self, ends: str, depth: int, *, escapes: bool = False) -> str | None:
        """The value of the expression that begins here, or else the text up to one of the ends or an expression."""
        if self._text.startswith("${", self._at):
            return self._expression(depth + 1)
        start, pieces = self._at, list[str]()
        while self._at < len(self._text) and self._text[self._at] not in ends and not self._is_expression():
            if plain := _PLAIN.match(self._text, self._at):
                pieces.append(plain[0])
                self._at = plain.end()
                continue
            if escapes and self._text.startswith(("\\/", "\\\\", "$$"), self._at):
                self._at += 1
            pieces.append(self._text[self._at])
            self._at += 1
        if not pieces:
            raise _BadExpressionError
        self._budget.spend(self._at - start)
        return "".join(pieces)

    def _is_expression(self) -> bool:
        return self._text.startswith("${", self._at)

    def _value(self, name: str) -> str | None:
        value = self._variables.get(name)
        if value:
            self._budget.spend(len(_bounded(value)))
        return value

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise _BadExpressionError
        self._at = match.end()
        return match[0]

    def _operator(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def _takes(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise _BadExpressionError


def _change_case(operator: str, value: str) -> str:
    change = str.lower if operator.startswith(",") else str.upper
    return change(value) if len(operator) == 2 else change(value[:1]) + value[1:]


def _trim(budget: Budget, operator: str, pattern: str, value: str) -> str:
    """The value without the shortest or longest beginning or end that matches the pattern and is not empty."""
    budget.spend(glob.steps_of(pattern, value))
    is_longest = len(operator) == 2
    if operator.startswith("#"):
        return value[_chosen(glob.beginnings(pattern, value), is_longest=is_longest) :]
    return value[: len(value) - _chosen(glob.ends(pattern, value), is_longest=is_longest)]


def _chosen(lengths: Iterable[int], *, is_longest: bool) -> int:
    return max(lengths, default=0) if is_longest else next(iter(lengths), 0)


def _replace(operator: str, pattern: str, replacement: str, value: str) -> str:
    if operator == "//":
        found = value.count(pattern)
        if len(value) + found * (len(replacement) - len(pattern)) > MAX_TEXT:
            raise _TooLongError
        return value.replace(pattern, replacement)
    if operator == "/":
        return value.replace(pattern, replacement, 1)
    if operator == "/#":
        return replacement + value[len(pattern) :] if value.startswith(pattern) else value
    return value[: len(value) - len(pattern)] + replacement if value.endswith(pattern) else value


def _slice(offset: str, length: str, value: str) -> str:
    """`${name:offset:length}`. If one of them is not a number, nothing is cut off, as in bash."""
    if not _NUMBER.fullmatch(offset) or (length and not _NUMBER.fullmatch(length)):
        return value
    start = int(offset) if int(offset) >= 0 else max(len(value) + int(offset), 0)
    if not length:
        return value[start:]
    end = start + int(length) if int(length) >= 0 else len(value) + int(length)
    return value[start : max(end, start)]
