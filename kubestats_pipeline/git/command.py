"""Runs the git command so that a stranger's repository or a slow network cannot hurt.

No prompts, no hooks, no user or system configuration, no credentials on a command line, every command within a
time-out. The commands are in `sync/mirror.py` (fetching) and `git/history.py` (reading).
"""

import base64
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from kubestats_pipeline.plain_text import plain

SAFE_CONFIGURATION: dict[str, str] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.fsckObjects": "false",  # real repositories hold old, slightly malformed commits that do no harm here
    "gc.auto": "0",  # no background process may outlive the command
    "maintenance.auto": "false",
    "protocol.ext.allow": "never",
    "safe.directory": "*",  # local repositories may belong to another user, and are only read
    "submodule.recurse": "false",
    "transfer.bundleURI": "false",
}

PROTOCOLS = ("https", "http", "ssh", "git", "file")
"""Every protocol that a user can list. Of URLs from others, `sync/transports.py` allows fewer."""

MOST_LINES, MOST_CHARACTERS = 8, 2_000
"""Of a complaint. A host may send pages of advice."""

_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")


class GitError(Exception):
    """A git command failed or took too long. The text is git's own, without credentials.

    Attributes:
        status: git's exit status, or None after a time-out.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(without_credentials(message))
        self.status = status


def environment(
    token: str | None = None, token_url: str | None = None, protocols: Sequence[str] = PROTOCOLS
) -> dict[str, str]:
    """The environment of a git command.

    With `token`, requests below `token_url` carry it as a header. It travels in the environment, which other users
    of the machine cannot read, and never in a URL or an argument. git fetches, and follows redirects, by `protocols`
    alone.
    """
    configuration = dict(SAFE_CONFIGURATION)
    if token and token_url:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        configuration[f"http.{token_url.rstrip('/')}/.extraHeader"] = f"Authorization: Basic {basic}"
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
        if name in os.environ
    }
    kept |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    kept |= {name: os.environ[name] for name in ("SSH_AUTH_SOCK",) if name in os.environ}
    return kept | {
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=20",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_NO_LAZY_FETCH": "1",  # from git 2.45 on, `Mirror.seal` serves older ones
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_COUNT": str(len(configuration)),
        **{f"GIT_CONFIG_KEY_{number}": name for number, name in enumerate(configuration)},
        **{f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(configuration.values())},
    }


def require() -> None:
    """See that git is there, before a whole run fails repository by repository.

    Raises:
        GitError: git is not installed.
    """
    run(["version"])


def run(
    arguments: Sequence[str],
    *,
    directory: Path | None = None,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> bytes:
    """Run `git ARGUMENTS` and give what it prints.

    Raises:
        GitError: git is not installed, the command failed, or it took longer than `timeout` seconds.
    """
    process = start(arguments, directory=directory, env=env, piped_stdin=stdin is not None)
    try:
        output, errors = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        raise GitError(f"git {arguments[0]} took longer than {timeout:g} s and was stopped") from None
    except BaseException:
        kill(process)
        raise
    if process.returncode:
        raise GitError(_last_words(errors) or f"git {arguments[0]} failed", process.returncode)
    return output


def start(
    arguments: Sequence[str],
    *,
    directory: Path | None = None,
    env: Mapping[str, str] | None = None,
    piped_stdin: bool = False,
    stderr: IO[bytes] | int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Start `git ARGUMENTS` with its output on a pipe, in a process group of its own.

    Raises:
        GitError: git is not installed.
    """
    command = ["git", *([f"--git-dir={directory}"] if directory else []), *arguments]
    stdin = subprocess.PIPE if piped_stdin else subprocess.DEVNULL
    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=env or environment(),
            start_new_session=True,
        )
    except FileNotFoundError:
        raise GitError("git is not installed or not on PATH; install it (Debian: apt-get install git)") from None


def kill(process: subprocess.Popen[bytes]) -> None:
    """Stop a git command together with the helpers that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def without_credentials(text: str) -> str:
    """Remove `user:password@` from every URL in a text."""
    return _CREDENTIALS.sub("", text)


def _last_words(errors: bytes) -> str:
    """The lines of git's complaint that say what is wrong, in one line. A line that begins with a tab goes on.

    The cause stands first, and its consequences after it. Of many lines those in the middle are left out.
    """
    text = errors.decode("utf-8", "replace").replace("\n\t", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ERROR:"))] or lines
    told = list(dict.fromkeys(telling))
    if len(told) > MOST_LINES:
        told = [*told[: MOST_LINES // 2], "…", *told[-MOST_LINES // 2 :]]
    joined = plain("; ".join(told))
    half = MOST_CHARACTERS // 2
    return joined if len(joined) <= MOST_CHARACTERS else f"{joined[:half]} … {joined[-half:]}"
