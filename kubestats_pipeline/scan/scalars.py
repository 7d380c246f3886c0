"""What a YAML scalar means to Kubernetes: the rules of go-yaml v2 as `sigs.k8s.io/yaml` turns them into JSON.

kubectl, Flux and Argo CD all decode through that library, so `10:30` is text, `y` is true and `0o777` is 511.
PyYAML's own rules differ in each of these. `decode.py` builds documents with this module; the test compares both with
kubectl.
"""

import base64
import binascii
import math
import re
import struct

Scalar = str | int | float | bool | None


class ScalarError(ValueError):
    """A scalar that Kubernetes rejects, such as `.inf`; the text never quotes it."""


_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_FIRST_CHARACTERS = frozenset("0123456789+-.~yYnNtTfFoO")
_INTEGER = re.compile(r"[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOT_FLOAT = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_LARGEST_INTEGER = 2**63 - 1  # beyond it kubectl holds a float
_SMALLEST_INTEGER = -(2**63)
_LARGEST_WHOLE_FLOAT = 2.0**63

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
        ScalarError: the text is no value of the core type that the tag names.
    """
    if tag == _CORE + "binary":
        return _binary(text)
    if tag not in _RESOLVED_TAGS or (not tag and not plain):
        return text
    wanted, value = _RESOLVED_TAGS[tag], resolve_plain(text)
    if wanted == "float" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if wanted is None or wanted == _type_name(value):
        return value
    if wanted == "timestamp" and isinstance(value, str):
        return value
    raise ScalarError("a scalar does not fit its tag")


def to_json(value: Scalar) -> Scalar:
    """The value as JSON holds it: a whole float is an integer.

    Raises:
        ScalarError: infinite or not a number, which JSON cannot hold.
    """
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise ScalarError("infinite numbers and NaN have no JSON form")
    return int(value) if value.is_integer() and abs(value) < _LARGEST_WHOLE_FLOAT else value


def to_key(value: Scalar) -> str:
    """The text of a mapping key.

    Raises:
        ScalarError: a null key, which Kubernetes rejects.
    """
    if isinstance(value, str):
        return value
    if value is None:
        raise ScalarError("a mapping key is null")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _float_key(value)


def _number(text: str) -> Scalar:
    plain = text.replace("_", "") if "_" in text else text
    if _INTEGER.fullmatch(plain):
        number = _integer(plain)
        if _SMALLEST_INTEGER <= number <= _LARGEST_INTEGER:
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
    """Bytes as text; each one that is not UTF-8 becomes U+FFFD, as in Go's JSON."""
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
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return ".inf" if value > 0 else "-.inf"
    for digits in range(1, 10):
        text = f"{single:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == single:
            break
    mantissa = f"{single:.{digits - 1}e}"
    exponent = int(mantissa.partition("e")[2])
    if -4 <= exponent < 21 and exponent < max(digits, 6):
        return f"{single:.{max(digits - 1 - exponent, 0)}f}"
    return mantissa
