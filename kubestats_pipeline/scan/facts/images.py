"""Container image references: `host:port/repository:tag@digest` taken apart as the container runtimes do.

Here is what one reference means, written as one text or as the mapping that charts use. Where the references of a
release stand in its Helm values is found in `images_in_values.py`.
"""

import functools
import re

from kubestats_pipeline.lake.vocabulary import ImageRole
from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Image

_DIGEST = re.compile(r"\w+:[0-9a-fA-F]{32,}")
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\$[A-Za-z_]\w*")
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?/)?[a-z0-9][a-z0-9._/-]*(?::\w[\w.-]*)?(?:@\w+:[0-9a-fA-F]{32,})?", re.ASCII
)
_HEX = re.compile(r"[0-9a-fA-F]{64}")

MAX_REFERENCE = 512
"""Characters of a reference; registries allow 255 for the name and 128 for the tag."""

DEFAULT_HOST = "docker.io"
DEFAULT_NAMESPACE = "library"


@functools.lru_cache(maxsize=16384)
def parse_image(reference: str, role: ImageRole) -> Image:
    """Take a reference apart.

    A first segment is a host only with a dot or a colon in it, or if it is `localhost`; without a host the image lies
    on Docker Hub, without a namespace there in `library`. A colon after the last slash begins the tag: one before it,
    a port.
    """
    named, at, digest = reference.strip().rpartition("@")
    if not _DIGEST.fullmatch(digest):
        named, at, digest = f"{named}{at}{digest}", "", ""
    named = named.rpartition("@")[2]  # without `user:password@`
    folder, slash, last = named.rpartition("/")
    name, _, tag = last.partition(":")
    last, tag = (last, "") if name.rfind("${") > name.rfind("}") else (name, tag)  # `${IMAGE:-nginx}` has no tag
    return Image(_canonical(f"{folder}{slash}{last}"), tag or None, digest or None, role, f"{named}{at}{digest}")


@functools.lru_cache(maxsize=16384)
def is_reference(text: str) -> bool:
    """Whether a text can be an image reference: no URL, no file, no path; placeholders may stand for parts of it."""
    if len(text) > MAX_REFERENCE or text.endswith((".png", ".svg", ".jpg", ".jpeg", ".webp", ".gif", ".ico")):
        return False
    return bool(_REFERENCE.fullmatch(_PLACEHOLDER.sub("x", text)))


def compose_image(document: Decoded, parts: dict[str, object], role: ImageRole) -> Image | None:
    """The image of `{registry, repository, tag, digest}`; None where the repository cannot be that of an image.

    The digest may be called `sha` and lack its algorithm (Grafana's charts).
    """
    repository = (document.text(parts, "repository") or "").strip()
    registry = (document.text(parts, "registry") or "").strip().rstrip("/")
    tag, digest = ((document.text(parts, key) or "").strip() for key in ("tag", "digest"))
    digest = digest or (document.text(parts, "sha") or "").strip()
    digest = f"sha256:{digest}" if _HEX.fullmatch(digest) else digest
    reference = f"{registry}/{repository}" if registry else repository
    reference += (f":{tag}" if tag else "") + (f"@{digest}" if _DIGEST.fullmatch(digest) and "@" not in tag else "")
    return parse_image(reference, role) if repository and is_reference(reference) else None


def _canonical(name: str) -> str:
    first, slash, rest = name.partition("/")
    if "$" in first or "{" in first:  # a placeholder: where the image lies is not known
        return name
    if slash and ("." in first or ":" in first or first == "localhost"):
        return f"{first.lower()}/{rest}"
    return f"{DEFAULT_HOST}/{name}" if slash else f"{DEFAULT_HOST}/{DEFAULT_NAMESPACE}/{name}"


def is_encrypted(text: str) -> bool:
    """Whether a value is SOPS ciphertext, which changes at every encryption and names nothing."""
    return text.startswith("ENC[")
