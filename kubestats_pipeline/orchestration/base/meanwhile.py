"""Something small that is done again and again while this process works."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def meanwhile(work: Callable[[], object], seconds: float, name: str) -> Iterator[None]:
    """Do it in a thread of this name, each time so many seconds after the last. It has ended when the block has."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(seconds):
            work()

    thread = threading.Thread(target=repeat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
