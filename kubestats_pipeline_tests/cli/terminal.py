"""A real pseudo-terminal of a known size, with a command in it."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

from kubestats_pipeline_tests.demo import KUBESTATS, clean_environment

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _take_terminal() -> None:
    """Have the terminal for its own, and its keys: what a shell started in the background ignores Ctrl-C."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """A command that runs in a terminal of `width` and `height`. Its output and errors are what the screen got."""

    def __init__(self, folder: Path, *arguments: str, width: int = 80, height: int = 24, env: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        unsized = {name: value for name, value in clean_environment().items() if name not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [*KUBESTATS, *arguments],
            cwd=folder,
            env=unsized | {"TERM": "xterm-256color"} | env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self.shown = ""

    def press(self, keys: str) -> None:
        """Type something. `\\x03` is Ctrl-C."""
        os.write(self._ours, keys.encode())

    def read_until(self, text: str, within: float = 60) -> str:
        """Read until a text is on the screen."""
        deadline = time.monotonic() + within
        while text not in self.shown and self._read():
            assert time.monotonic() < deadline, self.shown
        assert text in self.shown, self.shown
        return self.shown

    def finish(self, within: float = 120) -> int:
        """Read to the end and give the exit status. A command that does not end is killed."""
        overdue = threading.Timer(within, self.process.kill)
        overdue.start()
        while self._read():
            pass
        overdue.cancel()
        os.close(self._ours)
        return self.process.wait(60)

    def _read(self) -> bool:
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # Linux says so at the end
            return False
        self.shown += _COLOURS.sub("", read.decode(errors="replace")).replace("\r\n", "\n")
        return bool(read)

    def interrupt(self) -> None:
        """Ctrl-C, as the terminal passes it on to whatever runs in it."""
        os.killpg(self.process.pid, signal.SIGINT)


def on_terminal(folder: Path, *arguments: str, width: int = 80, height: int = 24, **env: str) -> tuple[int, list[str]]:
    """The exit status of a command and the lines that a terminal showed."""
    terminal = Terminal(folder, *arguments, width=width, height=height, env=env)
    status = terminal.finish()
    return status, terminal.shown.splitlines()
