"""Container image references: `host:port/repository:tag@digest` taken apart as the container runtimes do."""

import re

from kubestats_pipeline.scan.facts import Image

_OPEN_PLACEHOLDER = re.compile(r"[^:]*\$\{[^}]*:")  # the colon of `${IMAGE:-nginx}` begins no tag
_DIGEST = re.compile(r"\w+:[0-9a-fA-F]{32,}")

DEFAULT_HOST = "docker.io"
DEFAULT_NAMESPACE = "library"


def parse_image(reference: str, role: str) -> Image:
    """Take a reference apart.

    A first segment is a host only with a dot or a colon in it, or if it is `localhost`; without a host the image lies
    on Docker Hub, without a namespace there in `library`. A colon after the last slash begins the tag: one before it,
    a port.
    """
    named, _, digest = reference.strip().partition("@")
    if digest and not _DIGEST.fullmatch(digest):  # no digest: `user:password@registry/image`
        named, digest = digest, ""
    folder, slash, last = named.rpartition("/")
    last, _, tag = (last, "", "") if _OPEN_PLACEHOLDER.match(last) else last.partition(":")
    return Image(_canonical(f"{folder}{slash}{last}"), tag or None, digest or None, role)


def _canonical(name: str) -> str:
    first, slash, rest = name.partition("/")
    if "$" in first or "{" in first:  # a placeholder: where the image lies is not known
        return name
    if slash and ("." in first or ":" in first or first == "localhost"):
        return f"{first.lower()}/{rest}"
    return f"{DEFAULT_HOST}/{name}" if slash else f"{DEFAULT_HOST}/{DEFAULT_NAMESPACE}/{name}"
