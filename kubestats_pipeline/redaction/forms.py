"""The table of ways to write a secret in a line, besides `name: value` and `name=value`; `lines.py` applies it.

Patterns are RE2. The last group is the secret; of two, the first is the name that announces it, which must be
sensitive by `names.py`.
"""

from typing import NamedTuple


class Form(NamedTuple):
    """One way.

    Attributes:
        name: a noun phrase.
        pattern: in RE2 syntax, with one group or two.
        reason: where it is written so.
        source: who describes it.
    """

    name: str
    pattern: str
    reason: str
    source: str


DEFAULT, DIRECTIVE = "a default", "a directive"
"""Two forms with a rule of their own: any word of a variable's name counts, and prose is no directive."""

FORMS: tuple[Form, ...] = (
    Form("an element", r"<([\w.:-]+)>([^<]+)</", "XML: `<password>p</password>`.", "https://www.w3.org/TR/xml/"),
    Form(
        "an attribute",
        r"(?i)(?:name|key|id)=[\x22\x27]([\w.:-]+)[\x22\x27]\s+(?:value|default)=[\x22\x27]([^\x22\x27]+)",
        "XML: `<add key='password' value='p'/>`.",
        "https://learn.microsoft.com/dotnet/framework/configure-apps/file-schema/appsettings/",
    ),
    Form(
        "a statement",
        r"(?i)identified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+)?[\x22\x27]([^\x22\x27\n]+)",
        "SQL: `IDENTIFIED BY 'p'`.",
        "https://dev.mysql.com/doc/refman/8.4/en/create-user.html",
    ),
    Form(
        "a role",
        r"(?i)\b(?:password|secret)[ \t]+[\x22\x27]([^\x22\x27\n]+)[\x22\x27]",
        "SQL: `WITH PASSWORD 'p'`.",
        "https://www.postgresql.org/docs/current/sql-createrole.html",
    ),
    Form(
        "a header",
        r"(?i)\b(?:bearer|basic|token)[ \t]+([\w.~+/=-]*\d[\w.~+/=-]{7,}|[\w.~+/=-]{7,}\d[\w.~+/=-]*)",
        "HTTP: `Authorization: Bearer p`; a digit tells it from prose.",
        "https://www.rfc-editor.org/rfc/rfc6750",
    ),
    Form(
        "a flag",
        r"(?:^|[\s\x22\x27\[,])(--?[\w.-]+)(?:[ \t]+|[\x22\x27],[ \t]*[\x22\x27])"
        r"[\x22\x27]?([^\s\x22\x27-][^\s\x22\x27]*)",
        "A command: `--password p`.",
        "https://www.gnu.org/prep/standards/html_node/Command_002dLine-Interfaces.html",
    ),
    Form(
        "a user and password",
        r"(?:^|\s)(?:-u|--user|--proxy-user)[ \t=]+[\x22\x27]?[^\s:\x22\x27]+:"
        r"([^\s\x22\x27]*[^\d\s\x22\x27][^\s\x22\x27]*)",
        "curl: `-u user:p`; two numbers are a user and a group.",
        "https://curl.se/docs/manpage.html#-u",
    ),
    Form(
        "a password of a client",
        r"\b(?:(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\s[^\n|;]*?\s-p|sshpass[ \t]+-p[ \t]*"
        r"|redis-cli\s[^\n|;]*?-a[ \t]+)[\x22\x27]?([^\s\x22\x27-][^\s\x22\x27]*)",
        "A command: `mysql -pp`, `redis-cli -a p`.",
        "https://dev.mysql.com/doc/refman/8.4/en/connecting.html",
    ),
    Form(
        DEFAULT,
        r"\$\{([\w.]+):?[=+-]-?([^}$]+)\}",
        "Shell and Flux: `${DB_PASSWORD:=p}`.",
        "https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution",
    ),
    Form(
        "a line of netrc",
        r"(?i)\blogin[ \t]+\S+[ \t]+password[ \t]+(\S+)",
        "`machine x login u password p`.",
        "https://everything.curl.dev/usingcurl/netrc.html",
    ),
    Form(
        DIRECTIVE,
        r"(?m)^[ \t]*([A-Za-z][\w.-]*)[ \t]+[\x22\x27]?"
        r"([^\s:=,;{\x22\x27<][^\s;\x22\x27]*)[\x22\x27]?[ \t]*;?[ \t\r]*$",
        "Redis and nginx: `requirepass p`.",
        "https://redis.io/docs/latest/operate/oss_and_stack/management/config/",
    ),
)
"""All of them, in the order in which they are looked for."""
