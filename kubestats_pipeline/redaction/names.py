"""Names whose values are taken for secrets, by their words."""

import functools
import re

LONG_WORDS = (
    r"pass[-_.]?word(?:[-_.]?hash)?|passwd|passphrase|passcode|secret|token|credential|htpasswd|authorization|cookie"
    r"|dockerconfigjson|jwt|bearer|basic[-_.]?auth|webhook[-_.]?url|connection[-_.]?string"
    r"|(?:api|access|account|private|secret|encryption|signing|auth|license|hmac|ssh|tls|master|app|admin|client|shared)"
    r"[-_.]?key(?:[-_.]?(?:base|data))?"
)
SHORT_WORDS = "pass|pwd|psk|pin|dsn|salt|auth|pat"
_SENSITIVE_KEY = re.compile(rf"(?:{LONG_WORDS})s?\d*$|(?:^|[-_./ ])(?:{SHORT_WORDS})s?\d*$|\.key$")
_REFERENCE_KEY = re.compile(r"existing[-_]?secret|(?:image[-_]?)?pull[-_]?secrets?$", re.IGNORECASE)
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@functools.lru_cache(maxsize=65536)
def is_sensitive(key: str) -> bool:
    """Whether a value under this key is taken for a secret; `secretName` or `tokenRef` name one and are none."""
    if _REFERENCE_KEY.search(key):
        return False
    return bool(_SENSITIVE_KEY.search(_CAMEL_HUMP.sub("_", key).casefold()))
