"""YAML scalars as Kubernetes reads them: the rules of go-yaml v2, with the results that `sigs.k8s.io/yaml` has in JSON.

kubectl, Flux and Argo CD all decode through that library, so `10:30` is text, `y` is true and `0o777` is 511. PyYAML's
own rules differ in each of these. `builder.py` builds documents with this module. The tests compare both with kubectl.
"""

import base64
import binascii
import functools
import math
import re
import struct
from decimal import Decimal

Scalar = str | int | float | bool | None


class ScalarError(ValueError):
    """A scalar that Kubernetes rejects, such as `.inf`. The text never quotes it."""


_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FIRST_CHARACTERS = frozenset("0123456789+-.~yYnNtTfFoO")
_INTEGER = re.compile(r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]{0,19})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOT_FLOAT = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**63 - 1  # beyond them JSON is read as a float
_LARGEST_UNSIGNED = 2**64 - 1  # go-yaml itself holds larger ones as floats
_EXACT_BELOW = 2.0**53

_CORE = "tag:yaml.org,2002:"
_RESOLVED_TAGS: dict[str | None, str | None] = {
    None: None,
    "": None,
    **{_CORE + name: name for name in ("bool", "int", "float", "null", "timestamp")},
}


def resolve_plain(text: str) -> Scalar:
    """The value of a plain (unquoted, untagged) scalar.

    Floats may be infinite or not a number here: as a mapping key they are legal, as a value `to_json` rejects them.
    """
    if text and text[0] not in _FIRST_CHARACTERS:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in "~yYnNtTfFoO":
        return text
    if text[0] == ".":
        return _finite(text) if _DOT_FLOAT.fullmatch(text) else text
    return _number(text)


def resolve_tagged(text: str, tag: str | None, plain: bool) -> Scalar:
    """The value of a scalar with a tag, or of a quoted one.

    An unknown tag leaves the text as it is (`!env_var X` is "X"), as go-yaml does.

    Raises:
        ScalarError: the text is not a value of the core type that the tag names.
    """
    if tag == _CORE + "binary":
        return _binary(text)
    if tag not in _RESOLVED_TAGS or (not tag and not plain):
        return text
    wanted, value = _RESOLVED_TAGS[tag], resolve_plain(text)
    if wanted == "float" and isinstance(value, int) and not isinstance(value, bool) and value <= _LARGEST_INTEGER:
        return float(value)
    if wanted is None or wanted == _type_name(value):
        return value
    if wanted == "timestamp" and isinstance(value, str):
        return value
    raise ScalarError("a scalar does not fit its tag")


def to_json(value: Scalar) -> Scalar:
    """The value as JSON holds it: a whole float is an integer, and one beyond 64 bits a float.

    Raises:
        ScalarError: infinite or not a number, which JSON cannot hold.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ScalarError("infinite numbers and NaN have no JSON form")
        if not value.is_integer():
            return value
        whole = int(value) if abs(value) < _EXACT_BELOW else int(Decimal(repr(value)))  # Go's JSON fills up with zeros
        return whole if _SMALLEST_INTEGER <= whole <= _LARGEST_INTEGER else value
    if isinstance(value, int) and value > _LARGEST_INTEGER:
        return float(value)
    return value


def to_key(value: Scalar) -> str:
    """The text of a mapping key.

    Raises:
        ScalarError: a null key, or an integer beyond 63 bits, which Kubernetes rejects.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise ScalarError("a mapping key is null")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_key(value)
    if value > _LARGEST_INTEGER:
        raise ScalarError("a mapping key is an integer beyond 63 bits")
    return str(value)


@functools.lru_cache(maxsize=16384)
def resolve_value(text: str) -> Scalar:
    """The JSON value of a short plain scalar. Results are cached, because all manifests repeat the same few.

    Raises:
        ScalarError: as `to_json`.
    """
    return to_json(resolve_plain(text))


@functools.lru_cache(maxsize=16384)
def resolve_key(text: str) -> str:
    """The text of a short plain mapping key.

    Raises:
        ScalarError: as `to_key`.
    """
    return to_key(resolve_plain(text))


def _number(text: str) -> Scalar:
    plain = text.replace("_", "") if "_" in text else text
    if _INTEGER.fullmatch(plain):
        number = _integer(plain)
        if _SMALLEST_INTEGER <= number <= _LARGEST_UNSIGNED:
            return number
    if _FLOAT.fullmatch(plain):
        number_or_text = _finite(plain)
        return text if isinstance(number_or_text, str) else number_or_text
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    number = int(digits, 8 if octal else 0)
    return -number if text[0] == "-" else number


def _finite(text: str) -> Scalar:
    """A float, or the text itself where it overflows, as Go's ParseFloat fails there."""
    number = float(text)
    return number if math.isfinite(number) else text


def _binary(text: str) -> str:
    """Bytes as text. A byte that is not UTF-8 becomes U+FFFD, as in Go's JSON."""
    try:
        decoded = base64.b64decode(text.replace("\n", ""), validate=True).decode("utf-8", "surrogateescape")
        return _NOT_UTF8.sub("\ufffd", decoded)
    except (binascii.Error, ValueError):
        raise ScalarError("a !!binary scalar is not base64") from None


def _type_name(value: Scalar) -> str:
    if value is None:
        return "null"
    return {bool: "bool", int: "int", float: "float", str: "str"}[type(value)]


def _float_key(value: float) -> str:
    """As Go's FormatFloat(value, 'g', -1, 32): the shortest text that a 32-bit float reads back."""
    single = _as_single(value)
    if not math.isfinite(single):
        return ".nan" if math.isnan(single) else ".inf" if single > 0 else "-.inf"
    digits = next(count for count in range(1, 10) if _as_single(float(f"{single:.{count}g}")) == single)
    mantissa = f"{single:.{digits - 1}e}"
    exponent = int(mantissa.partition("e")[2])
    if -4 <= exponent < 6:
        return f"{single:.{max(digits - 1 - exponent, 0)}f}"
    return mantissa


def _as_single(value: float) -> float:
    """The nearest 32-bit float, or infinity if the value is too large for one."""
    try:
        single: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return single
