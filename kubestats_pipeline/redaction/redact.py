"""No secret leaves the scanner: values are replaced before a document is hashed, compared or stored.

Kept are key names, types and references such as `secretName`. Replaced are all values of a Secret's `data` and
`stringData`, SOPS ciphertext (it changes whenever a file is encrypted again), values under sensitive-looking keys of
any resource, the values of environment variables with such names, and what `sensitive.py` finds in texts.
"""

import re
from typing import Any

from kubestats_pipeline.redaction.names import is_sensitive
from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED
from kubestats_pipeline.redaction.texts import hide, redact_text

_SEVERAL = re.compile(r"(?:password|passphrase|token|credential|secret|api[-_.]?key)s?$", re.IGNORECASE)
_NAMING_KEY = re.compile(
    r"(?:name|namespace|kind|key|keys|ref|file|path|mode|type|provider|store|engine|issuer|algorithm|labels?|annotations?)$",
    re.IGNORECASE,
)
Place = tuple[str | int, ...]

_FLAG = re.compile(r"--?[\w.-]+")
_WHOLLY_SECRET = frozenset({"stringData", "encryptedData"})
_TELLING_OTHERS, _TOLD_BY_OTHERS = ("name", "key"), ("value", "default")
"""Keys whose text names what stands under the others of the same map."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def redact(document: dict[str, Any]) -> dict[str, Any]:
    """A copy of a Kubernetes document that is fit to be stored; the document itself is left as it is."""
    secret = document.get("kind") == "Secret"
    copy: dict[str, Any] = {}
    for key, value in document.items():
        if key == "sops" and isinstance(value, dict):
            copy[key] = ENCRYPTED
        elif secret and key == "data":
            copy[key] = _blank(value)
        else:
            copy[key] = _member(key, value)
    return copy


class DependsError(Exception):
    """What is stored of a value depends on more than the value."""


def redact_part(document: dict[str, Any], place: Place, value: Any) -> Any:
    """The copy of what stands at a place of a document, a member of a map or a map or list in a list, as in `redact`.

    Raises:
        DependsError: a key that leads to it means that what stands below is secret, or the keys beside it decide.
    """
    *_, step = place
    if document.get("kind") == "Secret" or any(_is_special(each) for each in place if isinstance(each, str)):
        raise DependsError
    if not isinstance(value, dict | list) and step in _TELLING_OTHERS + _TOLD_BY_OTHERS:
        raise DependsError
    return _member(step, value) if isinstance(step, str) else _item(value, within=False)


def _is_special(key: str) -> bool:
    return key in _WHOLLY_SECRET or key in ("sops", _LAST_APPLIED) or is_sensitive(key)


def redact_values(content: dict[str, Any]) -> dict[str, Any]:
    """A copy of Helm values, which are no Kubernetes document, that is fit to be stored."""
    copy = {key: _member(key, value) for key, value in content.items()}
    return copy | {"sops": ENCRYPTED} if isinstance(content.get("sops"), dict) else copy


def redact_setting(place: tuple[str | int, ...], text: str) -> str:
    """The value of one setting, fit to be stored; `place` are the keys that lead to it."""
    return hide(text) if any(is_sensitive(key) for key in place if isinstance(key, str)) else redact_text(text)


def _member(key: str, value: Any, *, within: bool = False) -> Any:
    """A value under its key; `within` a map of secrets, only what names something stays."""
    if key in _WHOLLY_SECRET or key == _LAST_APPLIED:
        return _blank(value)
    secret = is_sensitive(key) or (within and not _NAMING_KEY.search(key))
    if isinstance(value, str):
        return hide(value) if secret else redact_text(value)
    if isinstance(value, dict):
        return _mapping(key, value, within=_holds_secrets(key, within))
    if isinstance(value, list):
        return _list(key, value, within=_holds_secrets(key, within))
    if isinstance(value, int | float) and not isinstance(value, bool) and secret:
        return REDACTED
    return value


def _holds_secrets(key: str, within: bool) -> bool:
    """Whether the values below a map or list are secrets: `passwords: {ann: …}`, `credentials: [{a: …}]`."""
    return (within and not _NAMING_KEY.search(key)) or bool(is_sensitive(key) and _SEVERAL.search(key))


def _mapping(parent: str, value: dict[str, Any], *, within: bool) -> dict[str, Any]:
    copy = {key: _member(key, item, within=within) for key, item in value.items()}
    names = [value[key] for key in _TELLING_OTHERS if isinstance(value.get(key), str)]
    if any(is_sensitive(name) for name in names or [parent]):  # an environment variable or a Helm parameter
        copy |= {key: _blank(value[key]) for key in _TOLD_BY_OTHERS if _is_leaf(value.get(key))}
    return copy


def _list(parent: str, value: list[Any], *, within: bool) -> list[Any]:
    """A list under a sensitive key, or the arguments of a command, in which a flag may announce a secret."""
    always = within or is_sensitive(parent)
    copy, announced = [], always
    for item in value:
        copy.append(_blank(item) if _is_leaf(item) and announced else _item(item, within))
        flag = isinstance(item, str) and _FLAG.fullmatch(item)
        announced = always or bool(flag and is_sensitive(item))
    return copy


def _item(item: Any, within: bool) -> Any:
    if isinstance(item, dict):
        return _mapping("", item, within=within)
    if isinstance(item, list):
        return _list("", item, within=within)
    return redact_text(item) if isinstance(item, str) else item


def _is_leaf(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _blank(value: Any) -> Any:
    """Replace every leaf, keep the key names."""
    if isinstance(value, dict):
        return {key: _blank(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blank(item) for item in value]
    return value if value is None else hide(value) if isinstance(value, str) else REDACTED
