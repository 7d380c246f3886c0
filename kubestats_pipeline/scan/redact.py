"""No secret leaves the scanner: values are replaced before a document is hashed, compared or stored.

Kept are key names, types and references such as `secretName`. Replaced are all values of a Secret's `data` and
`stringData`, SOPS ciphertext (it changes whenever a file is encrypted again), values under sensitive-looking keys of
any resource, the values of environment variables with such names, credentials inside URLs, and assignments inside
embedded configuration text.
"""

import functools
import re
from typing import Any

REDACTED = "<redacted>"
ENCRYPTED = "<encrypted>"

_LONG_WORDS = (
    r"password|passwd|passphrase|passcode|secret|token|credential|htpasswd|authorization|cookie|dockerconfigjson"
    r"|(?:api|access|account|private|secret|encryption|signing|auth|license|hmac|ssh|tls|master|app|admin|client|shared)[-_.]?key"
    r"|basic[-_.]?auth|webhook[-_.]?url|connection[-_.]?string"
)
_SHORT_WORDS = "pass|pwd|psk|pin|dsn|salt|auth"
_SENSITIVE_KEY = re.compile(rf"(?:{_LONG_WORDS})s?$|(?:^|[-_./ ])(?:{_SHORT_WORDS})s?$", re.IGNORECASE)
_REFERENCE_KEY = re.compile(r"existing[-_]?secret|(?:image[-_]?)?pull[-_]?secrets?$", re.IGNORECASE)
_SEVERAL = re.compile(r"(?:password|passphrase|token|credential|api[-_.]?key)s$", re.IGNORECASE)
_NAMING_KEY = re.compile(r"(?:name|namespace|kind|key|ref|file|path)$", re.IGNORECASE)
_FLAG = re.compile(r"--?[\w.-]+")
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_EMBEDDED = re.compile(rf"(?i)(?<![\w.\-/])([\w.\-/]*(?:{_LONG_WORDS})s?[\"']?[ \t]*[:=][ \t]*)([^\s,;&][^\n]*)")
_URL_CREDENTIALS = re.compile(r"(?<=://)(?:[^/\s:@]*:[^/\s@]+|[^/\s:@]{20,})@")  # a long user name is a token
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_REFERENCE = re.compile(r"\$\{\w+\}|\$\(\w+\)|\$[A-Z_][A-Z0-9_]*|\{\{[^{}]*\}\}")
_CIPHERTEXT = "ENC["
_WHOLLY_SECRET = frozenset({"stringData", "encryptedData"})
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


@functools.lru_cache(maxsize=65536)
def is_sensitive(key: str) -> bool:
    """Whether a value under this key is taken for a secret; `secretName` or `tokenRef` name one and are none."""
    if _REFERENCE_KEY.search(key):
        return False
    return bool(_SENSITIVE_KEY.search(_CAMEL_HUMP.sub("_", key)))


def _member(key: str, value: Any) -> Any:
    if key in _WHOLLY_SECRET or key == _LAST_APPLIED:
        return _blank(value)
    if isinstance(value, str):
        return _hide(value) if is_sensitive(key) else _text(value)
    if isinstance(value, dict):
        return _mapping(key, value)
    if isinstance(value, list):
        return _list(key, value)
    if isinstance(value, int | float) and not isinstance(value, bool) and is_sensitive(key):
        return REDACTED
    return value


def _mapping(parent: str, value: dict[str, Any]) -> dict[str, Any]:
    copy = {key: _member(key, item) for key, item in value.items()}
    name = value.get("name")
    secret: set[str] = set()
    if is_sensitive(name if isinstance(name, str) else parent):  # an environment variable or a Helm parameter
        secret |= {"value", "default"} & value.keys()
    if _SEVERAL.search(parent):  # `passwords: {ann: …}`, but not `credentials: {secretName: …}`
        secret |= {key for key in value if not _NAMING_KEY.search(key)}
    return copy | {key: _blank(value[key]) for key in secret if not isinstance(value[key], dict)}


def _list(parent: str, value: list[Any]) -> list[Any]:
    """A list under a sensitive key, or the arguments of a command, in which a flag may announce a secret."""
    copy, announced = [], is_sensitive(parent)
    for item in value:
        copy.append(_blank(item) if _is_leaf(item) and announced else _member("", item))
        flag = isinstance(item, str) and _FLAG.fullmatch(item)
        announced = is_sensitive(parent) or bool(flag and is_sensitive(item))
    return copy


def _is_leaf(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _blank(value: Any) -> Any:
    """Replace every leaf, keep the key names."""
    if isinstance(value, dict):
        return {key: _blank(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blank(item) for item in value]
    return value if value is None else _hide(value) if isinstance(value, str) else REDACTED


def _hide(value: str) -> str:
    """A reference to a value that lives elsewhere (`${DB_PASSWORD}`) is no secret and stays."""
    if value.startswith(_CIPHERTEXT):
        return ENCRYPTED
    return value if not value or _REFERENCE.fullmatch(value) else REDACTED


def _text(value: str) -> str:
    if value.startswith(_CIPHERTEXT):
        return ENCRYPTED
    if "://" in value and "@" in value:
        value = _URL_CREDENTIALS.sub(f"{REDACTED}@", value)
    if "PRIVATE KEY" in value:
        value = _PRIVATE_KEY.sub(REDACTED, value)
    if "\n" in value or "=" in value or '":' in value:
        value = _EMBEDDED.sub(lambda match: match[1] + _hide_assigned(match[2]), value)
    return value


def _hide_assigned(value: str) -> str:
    return _hide(value.strip().strip("\"'")) if value.strip() else value
