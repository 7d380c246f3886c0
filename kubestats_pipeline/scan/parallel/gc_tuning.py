"""Lets Python look for garbage in reference cycles seldom while a repository is scanned.

A scan keeps hundreds of thousands of objects and makes hardly any cycles. To go through them as often as Python does by
default takes an eighth of a long replay's time and frees next to nothing.
"""

import contextlib
import gc
from collections.abc import Iterator

OBJECTS, GENERATIONS = 50_000, (20, 50)
"""Objects that come to exist between two looks at the youngest, and how many of those there are between looks at the
older ones: by default 700 and 10 each.
"""


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Within this context, or in a function that it decorates. It concerns the whole process."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS, *GENERATIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
