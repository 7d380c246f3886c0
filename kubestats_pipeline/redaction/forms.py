"""The table of ways to write a secret in a line, besides `name: value` and `name=value`. `lines.py` applies it.

Patterns are RE2. The group `name`, where there is one, announces the secret and must be sensitive by `names.py`. Of
the other groups, the one that matches is the secret.
"""

from typing import NamedTuple


class Form(NamedTuple):
    """One way.

    Attributes:
        name: a noun phrase.
        pattern: in RE2 syntax.
        reason: where it is written so.
        source: who describes it.
    """

    name: str
    pattern: str
    reason: str
    source: str


DEFAULT, DIRECTIVE = "a default", "a directive"
"""Two forms with a rule of their own: any word of a variable's name counts, and prose is not a directive."""
PAIRS = frozenset({"a pair", "a pair, value first"})
"""Forms whose name may be the path of a JSON patch."""

_XML_NAME = r"(?:name|key|id)=[\x22\x27](?P<name>[\w.:-]+)[\x22\x27]"
_XML_VALUE = r"(?:value|default)=(?:\x22([^\x22]+)\x22|\x27([^\x27]+)\x27)"
_MARKS = r"[\\\x22\x27]*"
_BEFORE = r"(?:^|[\s{,\x22\x27])"
_NAME = rf"{_MARKS}(?:name|key|header|variable|envName|path){_MARKS}[ \t]*:[ \t]*{_MARKS}(?P<name>[\w./~-]+){_MARKS}"
_VALUE = rf"{_MARKS}(?:value|default|defaultValue|string|stringValue|literal){_MARKS}[ \t]*:[ \t]*"
_QUOTED = r"\x22((?:[^\x22\\\n]|\\.)+)\x22|\x27([^\x27\n]+)\x27|\\\x22([^\x22\n]+)\x22"
_IN_FLOW = rf"(?:{_QUOTED}|(\$\{{[^{{}}\n]*\}}|[^\s\x22\x27\\,}}\]][^\n,}}]*))"
_IN_BLOCK = r"(\S[^\n]*)"
_COMMA, _LINE = r"\s*,\s*", r"[ \t]*\r?\n[ \t]*"
_FLOW_DOCS = "https://yaml.org/spec/1.2.2/#742-flow-mappings"

FORMS: tuple[Form, ...] = (
    Form(
        "an element",
        r"<(?P<name>[\w.:-]+)(?:\s[^<>]*)?>\s*(?:<!\[CDATA\[((?s:.+?))\]\]>|([^<]+)</)",
        "XML: `<password>p</password>`.",
        "https://www.w3.org/TR/xml/",
    ),
    Form(
        "an element beside its name",
        r"(?i)<name>\s*(?P<name>[\w.:-]+)\s*</name>\s*<value>([^<]+)</",
        "XML of Hadoop: `<name>a.password</name><value>p</value>`.",
        "https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-common/core-default.xml",
    ),
    Form(
        "an attribute",
        rf"(?i){_XML_NAME}\s(?:[^<>]*?\s)?{_XML_VALUE}",
        "XML: `<add key='password' value='p'/>`.",
        "https://learn.microsoft.com/dotnet/framework/configure-apps/file-schema/appsettings/",
    ),
    Form(
        "an attribute, value first",
        rf"(?i){_XML_VALUE}\s(?:[^<>]*?\s)?{_XML_NAME}",
        "XML: `<add value='p' key='password'/>`.",
        "https://learn.microsoft.com/dotnet/framework/configure-apps/file-schema/appsettings/",
    ),
    Form(
        "a pair",
        rf"{_BEFORE}{_NAME}(?:{_COMMA}{_VALUE}{_IN_FLOW}|{_LINE}{_VALUE}{_IN_BLOCK})",
        "YAML or JSON in a command or in a text that cannot be read: `{name: PASSWORD, value: p}`.",
        _FLOW_DOCS,
    ),
    Form(
        "a pair, value first",
        rf"{_BEFORE}{_VALUE}(?:{_IN_FLOW}{_COMMA}|{_IN_BLOCK}{_LINE}){_NAME}",
        "The same in the other order: `{value: p, name: PASSWORD}`.",
        _FLOW_DOCS,
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
        "HTTP: `Authorization: Bearer p`. A digit tells it from prose.",
        "https://www.rfc-editor.org/rfc/rfc6750",
    ),
    Form(
        "a flag",
        r"(?:^|[\s\x22\x27\[,])(?P<name>--?[\w.-]+)(?:[ \t]+|[\x22\x27],[ \t]*[\x22\x27])"
        r"[\x22\x27]?([^\s\x22\x27=-][^\s\x22\x27]*)",
        "A command: `--password p`.",
        "https://www.gnu.org/prep/standards/html_node/Command_002dLine-Interfaces.html",
    ),
    Form(
        "a user and password",
        r"(?:^|\s)(?:-u|--user|--proxy-user)[ \t=]+[\x22\x27]?[^\s:\x22\x27]+:"
        r"([^\s\x22\x27]*[^\d\s\x22\x27][^\s\x22\x27]*)",
        "curl: `-u user:p`. Two numbers are a user and a group.",
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
        r"\$\{(?P<name>[\w.]+):?[=+-]-?([^}$]+)\}",
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
        "a directive anywhere",
        r"(?:^|[\s;&|(\x22\x27]|\\n)(?P<name>[a-z]{2,}(?:pass|pw)|masterauth)[ \t]+[\x22\x27]?"
        r"([^\s;&|<>=:\x22\x27\\-](?:[^\s;\x22\x27\\]|\\[^n])*)",
        "A command: `set -e; requirepass p`. Longer names only, since `password p` would find prose.",
        "https://redis.io/docs/latest/commands/config-set/",
    ),
    Form(
        DIRECTIVE,
        r"(?m)^[ \t]*(?P<name>[A-Za-z][\w.-]*)[ \t]+[\x22\x27]?"
        r"([^\s:=,;{\x22\x27<][^\s;\x22\x27]*)[\x22\x27]?[ \t]*;?[ \t\r]*$",
        "Redis and nginx: `requirepass p`.",
        "https://redis.io/docs/latest/operate/oss_and_stack/management/config/",
    ),
)
"""All of them, in the order in which they are looked for."""
