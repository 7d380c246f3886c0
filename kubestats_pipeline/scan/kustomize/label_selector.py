"""Label selectors in their text form: `a=b`, `c!=d`, `e in (x, y)`, `f notin (x)`, `g`, `!h`, joined by commas.

The meaning is Kubernetes' own: `!=` and `notin` also fit what does not have the label at all.
"""

import functools
import re
from collections.abc import Mapping

LONGEST_SELECTOR = 4096
"""Characters of a selector that is read."""

_REQUIREMENT = re.compile(
    r"""\s*(?:
        (?P<key>[^\s,=!()]+)\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\)
      | (?P<name>[^\s,=!()]+)\s*(?P<operator>==?|!=)\s*(?P<value>[^\s,=!()]*)
      | (?P<absent>!\s*)?(?P<present>[^\s,=!()]+)
    )\s*(?:,|$)""",
    re.VERBOSE,
)
_Requirement = tuple[str, str, frozenset[str]]


def matches_selector(selector: str, labels: Mapping[str, object]) -> bool:
    """Whether a set of labels fits; a selector that cannot be read fits nothing."""
    requirements = _requirements(selector) if len(selector) <= LONGEST_SELECTOR else None
    return requirements is not None and all(_fits(each, labels) for each in requirements)


@functools.lru_cache(maxsize=500)
def _requirements(selector: str) -> tuple[_Requirement, ...] | None:
    found: list[_Requirement] = []
    at = 0
    while at < len(selector):
        match = _REQUIREMENT.match(selector, at)
        if match is None:
            return None
        found.append(_requirement(match))
        at = match.end()
    return tuple(found)


def _requirement(match: re.Match[str]) -> _Requirement:
    if match["key"]:
        return match["key"], match["set"], frozenset(each.strip() for each in match["values"].split(","))
    if match["name"]:
        return match["name"], "notin" if match["operator"] == "!=" else "in", frozenset({match["value"]})
    return match["present"], "absent" if match["absent"] else "present", frozenset()


def _fits(requirement: _Requirement, labels: Mapping[str, object]) -> bool:
    key, operator, values = requirement
    if operator in ("present", "absent"):
        return (key in labels) == (operator == "present")
    return (key in labels and str(labels[key]) in values) == (operator == "in")
