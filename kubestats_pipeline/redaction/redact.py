"""No secret leaves the scanner: values are replaced before a document is hashed, compared or stored.

Kept are names, types and references such as `secretName`. Replaced are the values of a Secret at any depth, SOPS
ciphertext (it changes whenever a file is encrypted again), values under sensitive names and beside them, and what
`texts.py` finds in texts. A mapping is not a secret by its name alone: below `passwords` its values are, below
`onepassword`, where a program is described, they are not.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from kubestats_pipeline.redaction.hide import hide, hide_of_secret
from kubestats_pipeline.redaction.names import holds_secrets, is_sensitive, says_where_or_what
from kubestats_pipeline.redaction.secrets import ENCRYPTED, REDACTED
from kubestats_pipeline.redaction.shapes import withhold_shapes
from kubestats_pipeline.redaction.texts import redact_patch, redact_text
from kubestats_pipeline.redaction.words import SCHEMA_TYPES, WORKLOAD_KEYS

Place = tuple[str | int, ...]
"""The keys and positions that lead to a value."""

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_DATA = frozenset({"data", "stringData", "binaryData"})
_WHOLLY_SECRET = frozenset({"stringData", "encryptedData", "binaryData", LAST_APPLIED})
_SECRET_KINDS = frozenset({"Secret", "SopsSecret"})
_NAMING = ("name", "key", "header", "variable", "envName")
"""Keys whose text names what stands under `_TOLD` of the same map."""
_TOLD = frozenset({"value", "default", "string", "array", "map", "literal", "defaultValue", "stringValue"})
_TOLD_AS_COLLECTIONS = frozenset({"array", "map"})
_TELLING = frozenset({*_NAMING, "kind", "target", "op", "path"})
_DEPENDENT = frozenset({"patch", "secretGenerator", "sops"})
_WORKLOAD_KEYS, _SCHEMA_TYPES = WORKLOAD_KEYS.words, SCHEMA_TYPES.words
_SCHEMA_KEYS = frozenset({"description", "properties", "items"})
_FLAGS = ("-u", "--user", "--proxy-user")


class DependsError(Exception):
    """The stored form of a value depends on more than the value."""


class _Trait(NamedTuple):
    """The meaning of a key for its value: `shown` is the key as it is stored, None where that is the key itself."""

    is_sensitive: bool
    is_wholly_secret: bool
    shown: str | None


@functools.lru_cache(maxsize=65536)
def _trait(key: str) -> _Trait | None:
    """None for most keys, which say nothing of their values."""
    shown = withhold_shapes(key)
    trait = _Trait(is_sensitive(key), key in _WHOLLY_SECRET, shown if shown != key else None)
    return trait if any(trait) else None


def redact(document: dict[str, Any]) -> dict[str, Any]:
    """A copy of a Kubernetes document that is fit to be stored. The document itself is left as it is."""
    return _TOP.mapping("", document, within=False, secret=False)


def redact_again(document: dict[str, Any], *redacted: dict[str, Any]) -> dict[str, Any]:
    """As `redact`, of a document that was made of redacted ones. The parts that it has at the same place stay."""
    known = {part for each in redacted for part in _shared(document, each)}
    return _Rewalk(known).mapping("", document, within=False, secret=False)


def redact_values(content: dict[str, Any]) -> dict[str, Any]:
    """A copy of Helm values, which are not a Kubernetes document, that is fit to be stored."""
    return _TOP.mapping("", content, within=False, secret=False)


def redact_content(content: Any, depth: int = 0, *, of_secret: bool = False) -> Any:
    """A copy of any content, such as a text's, with so many texts around it. `of_secret`: a patch of a Secret."""
    walk = _Walk(depth)
    if of_secret and isinstance(content, list):
        return [walk.operation(item) for item in content]
    return walk.item(content, within=False, secret=of_secret)


def redact_setting(place: Place, text: str) -> str:
    """The value of one setting, fit to be stored. `place` holds the keys that lead to it."""
    return hide(text) if any(is_sensitive(key) for key in place if isinstance(key, str)) else redact_text(text)


def redact_part(document: dict[str, Any], place: Place, value: Any) -> Any:
    """The copy of what stands at a place of a document, a member of a map or a map or list in a list, as in `redact`.

    Raises:
        DependsError: a key that leads to it means that what stands below is secret, or the keys beside it decide.
    """
    around: Any = document
    for step in place:
        if isinstance(around, dict) and (_is_secret(around) or _depends(str(step))):
            raise DependsError
        around = around[step]
    *_, last = place
    if last in _TELLING:
        raise DependsError
    if isinstance(last, str):
        return _TOP.member(last, value, within=False, secret=False)
    return _TOP.item(value, within=False, secret=False)


def _depends(key: str) -> bool:
    return key in _TOLD or key in _DEPENDENT or _trait(key) is not None


class _Walk:
    """Copies a document; `within` a collection of secrets all but names and parts of programs is hidden.

    Args:
        depth: the texts that stand around the document.
    """

    __slots__ = ("_depth", "_text")

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._text = functools.partial(redact_text, depth=depth) if depth else redact_text

    def mapping(self, parent: str, value: dict[str, Any], *, within: bool, secret: bool) -> dict[str, Any]:
        """A copy of a map that stands under a key."""
        secret = secret or _is_secret(value)
        within = within and _WORKLOAD_KEYS.isdisjoint(value) and not _is_schema(value)
        copy = {}
        is_plain = not (within or secret)
        renamed = False
        redacted, plain = self._text, self._plain
        for key, item in value.items():
            trait = _trait(key)
            if trait is None and is_plain:
                copy[key] = redacted(item) if isinstance(item, str) else plain(key, item)
            else:
                copy[key] = self.member(key, item, within=within, secret=secret)
                renamed = renamed or (trait is not None and trait.shown is not None)
        if not _TOLD.isdisjoint(value):
            self._hide_told(parent, value, copy)
        if "patch" in value and _targets_secret(value.get("target")):
            copy["patch"] = self._patch(value["patch"])
        if "remoteRef" in value and isinstance(value.get("secretKey"), str):
            copy["secretKey"] = self._text(value["secretKey"])
        return _with_shown_keys(copy) if renamed else copy

    def member(self, key: str, value: Any, *, within: bool, secret: bool) -> Any:
        """A copy of a value under its key."""
        trait = _trait(key)
        if secret and key in _DATA:
            return _blank(value, of_secret=True)
        if trait is not None and trait.is_wholly_secret:
            return _blank(value, of_secret=True)
        is_sensitive = trait is not None and trait.is_sensitive
        is_inside = within and not says_where_or_what(key)
        if not isinstance(value, dict | list):
            return _hidden(value) if is_sensitive or is_inside else self.item(value, within=False, secret=secret)
        within = is_inside or (is_sensitive and holds_secrets(key))
        if isinstance(value, list):
            return self._list(key, value, within=within, secret=secret)
        return ENCRYPTED if _is_of_sops(key, value) else self.mapping(key, value, within=within, secret=secret)

    def _plain(self, key: str, value: Any) -> Any:
        """The same of a value that is not a text, where neither its key nor the maps around it say anything."""
        if isinstance(value, dict):
            return ENCRYPTED if _is_of_sops(key, value) else self.mapping(key, value, within=False, secret=False)
        return self._list(key, value, within=False, secret=False) if isinstance(value, list) else value

    def item(self, value: Any, *, within: bool, secret: bool) -> Any:
        """A copy of what stands in a list, or is a document of its own."""
        if isinstance(value, dict):
            return self.mapping("", value, within=within, secret=secret)
        if isinstance(value, list):
            return self._list("", value, within=within, secret=secret)
        return self._text(value) if isinstance(value, str) else value

    def operation(self, value: Any) -> Any:
        """A copy of one operation of a JSON patch of a Secret: what it sets is withheld."""
        copy = self.item(value, within=False, secret=True)
        if isinstance(copy, dict) and "value" in copy:
            copy["value"] = _blank(value["value"], of_secret=True)
        return copy

    def _list(self, parent: str, value: list[Any], *, within: bool, secret: bool) -> list[Any]:
        """A list under a sensitive key, or the arguments of a command, in which a flag may announce a secret."""
        if parent == "secretGenerator":
            return [self._generator(item) for item in value]
        always = within or is_sensitive(parent)
        copy, before = [], None
        for item in value:
            if _is_leaf(item) and (always or (_announces(before) and str(item)[:1] != "-")):
                copy.append(_blank(item))
            elif before in _FLAGS and isinstance(item, str) and ":" in item:
                copy.append(f"{item.partition(':')[0]}:{REDACTED}")
            else:
                copy.append(self.item(item, within=within, secret=secret))
            before = item
        return copy

    def _generator(self, value: Any) -> Any:
        """An item of kustomize's `secretGenerator`: of its literals, the names stay."""
        copy = self.item(value, within=False, secret=False)
        if not isinstance(value, dict):
            return copy
        for key in ("files", "envs"):  # paths
            if isinstance(value.get(key), list):
                copy[key] = [withhold_shapes(str(each)) for each in value[key]]
        literals = value.get("literals")
        if isinstance(literals, list):
            copy["literals"] = [f"{str(each).partition('=')[0]}={REDACTED}" for each in literals]
        return copy

    def _hide_told(self, parent: str, value: dict[str, Any], copy: dict[str, Any]) -> None:
        """Hide what a name in the same map says is secret: a variable, a parameter, an operation of a JSON patch."""
        names = [value[key] for key in _NAMING if isinstance(value.get(key), str)]
        if "op" in value and isinstance(value.get("path"), str):
            names = _steps(value["path"])
            if names and names[0] in _DATA:
                copy["value"] = _blank(value.get("value"), of_secret=True)
                return
        if any(is_sensitive(name) for name in names or [parent]):
            for key in _TOLD & value.keys():
                copy[key] = self._told(key, value[key])

    def _told(self, key: str, value: Any) -> Any:
        if _is_leaf(value) or key in _TOLD_AS_COLLECTIONS:
            return _blank(value)
        return self.item(value, within=True, secret=False)

    def _patch(self, patch: Any) -> Any:
        if isinstance(patch, str):
            return redact_patch(patch)
        return redact_content(patch, self._depth, of_secret=True)


class _Rewalk(_Walk):
    """Copies a document, but for parts that are known to be redacted, by the ids of their objects."""

    __slots__ = ("_known",)

    def __init__(self, known: set[int]) -> None:
        super().__init__(0)
        self._known = known

    def _plain(self, key: str, value: Any) -> Any:
        return value if id(value) in self._known else super()._plain(key, value)


def _shared(document: dict[str, Any], redacted: dict[str, Any]) -> Iterator[int]:
    """The ids of the largest maps and lists that two documents have at the same place."""
    for key, item in document.items():
        other = redacted.get(key)
        if item is other:
            yield id(item)
        elif isinstance(item, dict) and isinstance(other, dict):
            yield from _shared(item, other)


_TOP = _Walk(0)


def _is_secret(value: dict[str, Any]) -> bool:
    kind = value.get("kind")
    return isinstance(kind, str) and kind in _SECRET_KINDS


def _is_of_sops(key: str, value: dict[str, Any]) -> bool:
    return key == "sops" and "mac" in value


def _hidden(value: Any) -> Any:
    """The place holder of one value. A switch stays."""
    if isinstance(value, str):
        return hide(value)
    return value if value is None or isinstance(value, bool) else REDACTED


def _is_schema(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and kind in _SCHEMA_TYPES and not _SCHEMA_KEYS.isdisjoint(value)


def _targets_secret(target: Any) -> bool:
    """Whether a patch may be meant for a Secret. Its target is a pattern, and may leave out the kind."""
    kind = target.get("kind") if isinstance(target, dict) else "Other"
    return kind is None or (isinstance(kind, str) and not _SECRET_KINDS.isdisjoint(kind.strip("^$()").split("|")))


def _steps(path: str) -> list[str]:
    """The steps of a JSON pointer that name something, without positions and words such as `value`."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]
    named = [step for step in steps if not step.isdigit() and step != "-" and step not in _TOLD]
    return named[:1] if named and named[0] in _DATA else named[-1:]


def _announces(item: Any) -> bool:
    return isinstance(item, str) and item[:1] == "-" and len(item) < 100 and " " not in item and is_sensitive(item)


def _is_leaf(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _blank(value: Any, *, of_secret: bool = False) -> Any:
    """Replace every leaf, keep the key names."""
    if isinstance(value, dict):
        blanked = {key: _blank(item, of_secret=of_secret) for key, item in value.items()}
        return _with_shown_keys(blanked) if any(_shown(key) != key for key in blanked) else blanked
    if isinstance(value, list):
        return [_blank(item, of_secret=of_secret) for item in value]
    if isinstance(value, str):
        return hide_of_secret(value) if of_secret else hide(value)
    return value if value is None else REDACTED


def _with_shown_keys(copy: dict[str, Any]) -> dict[str, Any]:
    """A map with its keys as they are stored, in their order. Of several that would be the same, some get a number.

    Numbers count within one map. Where layers of values are merged afterwards, two keys that are both withheld whole
    become one, and the later layer's value stays: a digest that told them apart would tell of the secret.
    """
    shown = {key: key for key in copy if _shown(key) == key}
    taken = set(shown)
    for key in sorted(copy.keys() - taken):
        name = first = _shown(key)
        number = 2
        while name in taken:
            name, number = first.replace(REDACTED, f"{REDACTED}-{number}", 1), number + 1
        shown[key] = name
        taken.add(name)
    return {shown[key]: item for key, item in copy.items()}


def _shown(key: str) -> str:
    trait = _trait(key)
    return trait.shown or key if trait is not None else key
