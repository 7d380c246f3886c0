"""A long text on a terminal, shown by the program that `PAGER` names, else by less. Elsewhere it is just written."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

PAGERS = ("less", "more")
AS_GIT_DOES = {"LESS": "FRX"}
"""Options of less where the user has none: leave what fits the screen there, and show colours."""


def show_lines(lines: Sequence[str], *, paged: bool = True) -> None:
    """Write lines to standard output, through a pager where it is a terminal that has fewer.

    Args:
        lines: without line ends.
        paged: False for no pager anywhere.
    """
    text = "".join(f"{line}\n" for line in lines)
    command = _pager() if paged and _is_longer(lines) else None
    if command is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pager's, as in git
    try:
        subprocess.run(command, input=text.encode(), env={**AS_GIT_DOES, **os.environ}, check=False)
    finally:
        signal.signal(signal.SIGINT, before)


def _is_longer(lines: Sequence[str]) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    width, height = shutil.get_terminal_size()
    return sum(max(-(-len(line) // width), 1) for line in lines) >= height


def _pager() -> list[str] | None:
    """The command, or None where nothing of that name is installed."""
    wanted = [os.environ["PAGER"]] if os.environ.get("PAGER") else list(PAGERS)
    commands = [shlex.split(command) for command in wanted]
    return next((command for command in commands if command and shutil.which(command[0])), None)
