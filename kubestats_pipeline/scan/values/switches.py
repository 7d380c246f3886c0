"""Switches of a chart's dependencies: which of them is off in the values of the chart."""

from typing import Any

from kubestats_pipeline.scan.documents.document import Place
from kubestats_pipeline.scan.documents.number_spelling import value_at
from kubestats_pipeline.scan.facts.facts import Switches

_TAGS = "tags"


def switch_that_is_off(switches: Switches, values: dict[str, Any]) -> str | None:
    """The switch by which a dependency is not released, or None if it is.

    The first condition that is a boolean decides, and the tags decide if none is one.
    """
    for condition in switches.conditions:
        value = _boolean(values, tuple(condition.split(".")))
        if value is not None:
            return None if value else f"{condition} is false"
    tags = {tag: _boolean(values, (_TAGS, tag)) for tag in switches.tags}
    off = [tag for tag, value in tags.items() if value is False]
    return f"{_TAGS}.{off[0]} is false" if off and True not in tags.values() else None


def _boolean(values: dict[str, Any], place: Place) -> bool | None:
    value = value_at(values, place)
    return value if isinstance(value, bool) else None
