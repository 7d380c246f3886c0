"""Races of several processes for one object, in which each of them writes at the same moment."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.synchronize import Barrier

from kubestats_pipeline.storage.objects import ObjectStore, StaleError

RACERS = 4


Takes = Callable[[ObjectStore, str, str, bytes], None]
"""Writes an object that is named, once for all racers. The version is that of another one, which all have seen."""


def put_new(store: ObjectStore, name: str, version: str, data: bytes) -> None:
    """Write an object that nobody had."""
    store.put_new(name, data)


def put_unchanged(store: ObjectStore, name: str, version: str, data: bytes) -> None:
    """Replace an object that all have seen."""
    store.put_unchanged(f"{name}-seen", data, version)


def winners_of(store: ObjectStore, takes: Takes, races: int) -> list[int]:
    """How many processes won each of several races."""
    names = [f"leases/{takes.__name__}-{race}" for race in range(races)]
    seen = [(name, store.put_new(f"{name}-seen", b"seen by all")) for name in names]
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(RACERS, initializer=_begin, initargs=(spawn.Barrier(RACERS),)) as pool:
        won = pool.starmap(_race, [(store, takes, seen, racer) for racer in range(RACERS)], chunksize=1)
    return [sum(each) for each in zip(*won, strict=True)]


_START: list[Barrier] = []


def _begin(start: Barrier) -> None:
    _START.append(start)


def _race(store: ObjectStore, takes: Takes, seen: list[tuple[str, str]], racer: int) -> list[bool]:
    won = []
    for name, version in seen:
        _START[0].wait()
        try:
            takes(store, name, version, f"by {racer}".encode())
        except (FileExistsError, StaleError):
            won.append(False)
        else:
            won.append(True)
    return won
