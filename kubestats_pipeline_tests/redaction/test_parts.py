"""A part of a document that was edited is redacted alone, or it is said that more must be; never anything else."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from kubestats_pipeline.redaction.redact import DependsError, Place, redact, redact_part

KEYS = """
spec data stringData kind name value default key password tokens credentials image sops mac patch target path op
remoteRef secretKey secretGenerator literals type description properties args env plain other list map ghp_
"""
TEXTS = (
    *("Secret", "ConfigMap", "API_TOKEN", "plain", "--password", "-u", "x:y"),
    *("x=y", "string", "/data/x", "/spec/password", "token: x"),
)


def random_value(source: random.Random, depth: int) -> Any:
    chance = source.random()
    if depth and chance < 0.5:
        return {random_key(source): random_value(source, depth - 1) for _ in range(source.randint(0, 4))}
    if depth and chance < 0.7:
        return [random_value(source, depth - 1) for _ in range(source.randint(0, 3))]
    return source.choice([*TEXTS, 1, True, None])


def random_key(source: random.Random) -> str:
    key = source.choice(KEYS.split())
    return key if key != "ghp_" else f"ghp_abcdefghijklmnop0123456789{source.choice('ab')}"


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Members of maps, and maps and lists in lists: what an edit can replace alone."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        if isinstance(value, dict) or isinstance(item, dict | list):
            yield (*place, step)
        yield from places(item, (*place, step))


def replaced(document: Any, place: Place, value: Any) -> Any:
    changed = copy.deepcopy(document)
    *parents, last = place
    holder = changed
    for step in parents:
        holder = holder[step]
    holder[last] = value
    return changed


@pytest.mark.parametrize("seed", range(40))
def test_an_edited_part_gives_what_the_whole_would(seed: int) -> None:
    source = random.Random(seed)
    alone = 0
    for _ in range(40):
        before = {"apiVersion": "v1", "spec": random_value(source, 5), random_key(source): random_value(source, 3)}
        for place in source.sample(found := list(places(before)), min(5, len(found))):
            *_, last = place
            value = random_value(source, 2)
            if isinstance(last, int) and not isinstance(value, dict | list):
                continue
            after = replaced(before, place, value)
            try:
                part = redact_part(after, place, value)
            except DependsError:
                continue
            alone += 1
            assert replaced(redact(before), place, part) == redact(after), place
    assert alone
