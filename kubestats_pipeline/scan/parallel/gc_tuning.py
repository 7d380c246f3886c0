"""Tuning of Python's cyclic garbage collector for scans.

A scan keeps hundreds of thousands of objects and makes hardly any cycles. With Python's default thresholds the
collector takes an eighth of the time of a long replay and frees next to nothing.
"""

import contextlib
import gc
from collections.abc import Iterator

OBJECTS, GENERATIONS = 1_000_000, (5, 50)
"""Thresholds: new objects before a collection of the youngest generation, and collections of one generation before one
of the next. Python's defaults are 700, and 10 for each. A usual tip has fewer objects than that.
"""


@contextlib.contextmanager
def relaxed_gc() -> Iterator[None]:
    """Raise the cyclic garbage collector's thresholds during a scan.

    The thresholds hold for the whole process. They are restored on leaving the context or the decorated function.
    """
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS, *GENERATIONS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
