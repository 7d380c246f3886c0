"""The table of secrets that are known by how they look, wherever they stand. `shapes.py` withholds them.

Those that have a form of their own are here, the tokens that services give out in `service_tokens.py`.

Patterns are RE2: Python (google-re2) and DuckDB (`regexp_matches`) read them alike, both in linear time. Where a
pattern has a group, the group is the secret and the rest says where it stands. Without a group, all of it is the
secret. No pattern matches the text that is left, so that a published file can be searched with the same table.
"""

from kubestats_pipeline.redaction.patterns import Shape
from kubestats_pipeline.redaction.service_tokens import SERVICE_TOKENS

REDACTED = "<redacted>"
"""The place holder of a secret."""
ENCRYPTED = "<encrypted>"
"""The place holder of ciphertext, which changes at every encryption and says nothing."""


_CRYPT = "https://manpages.debian.org/crypt(5)"
_RFC3986 = "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1"

SHAPES: tuple[Shape, ...] = (
    # Keys in files
    Shape(
        "a private key",
        ("PRIVATE KEY",),
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|.*)",
        "Signs, decrypts or logs in as its owner. A key without its end is withheld to the end of the text.",
        "https://www.rfc-editor.org/rfc/rfc7468#section-10",
    ),
    Shape(
        "an age key",
        ("AGE-SECRET-KEY-",),
        r"(?i)\bAGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{8,}",
        "Decrypts everything that SOPS encrypted for it.",
        "https://age-encryption.org/v1",
    ),
    Shape(
        "SOPS ciphertext",
        ("ENC[",),
        r"ENC\[AES256_GCM,[^\]\s]*\]?",
        "Changes at every encryption and says nothing.",
        "https://getsops.io/docs/#encryption-protocol",
    ),
    Shape(
        "a PuTTY key",
        ("PuTTY-User-Key-File",),
        r"(?s)PuTTY-User-Key-File-\d.*",
        "Logs in as its owner.",
        "https://the.earth.li/~sgtatham/putty/latest/htmldoc/AppendixC.html",
    ),
    # Web
    Shape(
        "a JSON web token",
        (".eyJ",),
        r"\b[\w-]{10,}\.eyJ[\w-]{8,}\.[\w-]*",
        "Logs in as its subject until it expires.",
        "https://www.rfc-editor.org/rfc/rfc7519",
    ),
    Shape(
        "a password in a URL",
        ("@",),
        r"://([^/\s:@\x22\x27<>]*:[^/\s\x22\x27<>]+)@",
        "Logs in there.",
        _RFC3986,
    ),
    Shape(
        "a token in a URL",
        ("@",),
        r"://([^/\s:@\x22\x27<>]{20,})@",
        "Logs in there: a name of twenty characters or more is a token.",
        _RFC3986,
    ),
    Shape(
        "a password before a registry's name",
        ("@",),
        r"(?:^|[\s\x22\x27=,(])([\w.-]+:[^\s/@:\x22\x27<>]+)@[\w.-]+(?::\d+)?/",
        "Logs in to the registry that is named after it.",
        _RFC3986,
    ),
    Shape(
        "the default of a variable",
        ("${",),
        r"(?i)\$\{\w*(?:pass|pwd|secret|token|credential|api_?key|private_?key|webhook)\w*:?[=+-]-?([^}$<>]+)\}",
        "Stands for a secret that is not given: `${DB_PASSWORD:=p}`.",
        "https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution",
    ),
    # Hashes of passwords: they can be guessed
    Shape(
        "a hash of a password",
        ("$2", "$1$", "$5$", "$6$", "$y$", "$7$", "$gy$", "$apr1$", "$argon2", "$pbkdf2", "$scrypt$"),
        r"\$(?:2[abxy]\$\d\d\$[./A-Za-z0-9]{20,}|(?:1|apr1)\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{16,}"
        r"|[56]\$(?:rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{16,}|(?:y|7|gy)\$[./A-Za-z0-9]+\$[./A-Za-z0-9$]{16,}"
        r"|argon2(?:id|i|d)\$[\w=,$+/.-]{16,}|pbkdf2(?:-sha\d+)?\$[\w=,$+/.-]{16,}|scrypt\$[\w=,$+/.-]{16,})",
        "Tells the password to whoever tries enough of them.",
        _CRYPT,
    ),
    Shape(
        "a hash of a password as Django, LDAP or PostgreSQL write it",
        ("pbkdf2_sha", "SHA}", "SCRAM-SHA-", "CRYPT}"),
        r"(?:pbkdf2_sha\d+\$\d+\$[\w=+/$.]{16,}|\{(?:S?SHA\d*|SMD5|CRYPT)\}[A-Za-z0-9+/=$.]{16,}"
        r"|SCRAM-SHA-\d+\$\d+:[A-Za-z0-9+/=$:]{16,})",
        "Tells the password to whoever tries enough of them.",
        "https://www.postgresql.org/docs/current/catalog-pg-authid.html",
    ),
    *SERVICE_TOKENS,
)
"""All of them. Add a row, a test and a raised `SCANNER_VERSION`, and every stage knows it."""
