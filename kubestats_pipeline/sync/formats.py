"""Formats of repositories that the git of this machine cannot read, as its messages name them.

Such a repository is healthy and reachable, so that another attempt only costs time: `sync.py` tries it again when its
head moves. The messages are those of git 2.39 and later, from the `die` calls of its setup.c, fetch-pack.c and
remote-curl.c.
"""

import re

_FORMATS = (
    (re.compile(r"mismatched algorithms: .*server (\w+)|unknown object format '(\w+)'"), "object names in {}"),
    (re.compile(r"does not support algorithm '(\w+)'"), "object names other than {}"),
    (re.compile(r"v1-only extensions? found:?\s+([\w.-]+)"), "the extension {} in a repository of version 0"),
    (re.compile(r"repository extensions? found:?\s+([\w.-]+)"), "the extension {}"),
    (re.compile(r"expected git repo version <= \d+, found (\d+)", re.IGNORECASE), "repository format version {}"),
    (re.compile(r"unknown ref storage format '?([\w.-]+)"), "the ref storage {}"),
    (re.compile(r"dumb (http) transport"), "static files over {} instead of a git server"),
    (re.compile(r"invalid (gitfile) format"), "a single file, such as a bundle, that is not a {}"),
)
"""Git's messages, with the part that names the format, and our name for it."""


def unsupported_format(complaint: str) -> str | None:
    """The format that git complains about, or None where something else is wrong."""
    for pattern, name in _FORMATS:
        if match := pattern.search(complaint):
            return name.format(next(filter(None, match.groups())))
    return None
