"""Label selectors in their text form: `a=b`, `c!=d`, `e in (x, y)`, `f notin (x)`, `g`, `!h`, joined by commas.

The rules are those of Kubernetes: `!=` and `notin` also match resources without the label.
"""

import functools
import re
from collections.abc import Mapping

LONGEST_SELECTOR = 4096
"""Characters of the longest selector that is read."""

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
    """True if a selector matches a set of labels. A selector that cannot be read matches nothing."""
    requirements = _requirements(selector) if len(selector) <= LONGEST_SELECTOR else None
    return requirements is not None and all(_fits(requirement, labels) for requirement in requirements)


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
        return match["key"], match["set"], frozenset(value.strip() for value in match["values"].split(","))
    if match["name"]:
        return match["name"], "notin" if match["operator"] == "!=" else "in", frozenset({match["value"]})
    return match["present"], "absent" if match["absent"] else "present", frozenset()


def _fits(requirement: _Requirement, labels: Mapping[str, object]) -> bool:
    key, operator, values = requirement
    if operator in ("present", "absent"):
        return (key in labels) == (operator == "present")
    return (key in labels and str(labels[key]) in values) == (operator == "in")
