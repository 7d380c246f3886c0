"""Container image references: parsing of `host:port/repository:tag@digest`, as the container runtimes do it.

A reference is one text, or a mapping as charts use it. `images_in_values.py` finds references in Helm values.
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
"""Characters of a reference. Registries allow 255 for the name and 128 for the tag."""

DEFAULT_HOST = "docker.io"
DEFAULT_NAMESPACE = "library"


@functools.lru_cache(maxsize=16384)
def parse_image(reference: str, role: ImageRole) -> Image:
    """Parse a reference.

    A first segment is a host only if it has a dot or a colon, or if it is `localhost`. Without a host the image is on
    Docker Hub, and without a namespace it is in `library` there. A colon after the last slash begins the tag, and one
    before it begins a port.
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
    """True if a text can be an image reference, and not a URL, file or path. Placeholders may be parts of it."""
    if len(text) > MAX_REFERENCE or text.endswith((".png", ".svg", ".jpg", ".jpeg", ".webp", ".gif", ".ico")):
        return False
    return bool(_REFERENCE.fullmatch(_PLACEHOLDER.sub("x", text)))


def compose_image(document: Decoded, parts: dict[str, object], role: ImageRole) -> Image | None:
    """The image of `{registry, repository, tag, digest}`, or None if the repository cannot be that of an image.

    The digest may be called `sha` and lack its algorithm (Grafana's charts). The tag may be called `version`, and the
    repository `repo` (Tailscale's operator). A `reference` is all of it in one text (image volumes of pods).
    """
    whole = (document.text(parts, "reference") or "").strip()
    if whole and "repository" not in parts:
        image = parse_image(whole, role) if is_reference(whole) else None
        return image if image is not None and (image.tag or image.digest) else None
    repository = (document.text(parts, "repository") or document.text(parts, "repo") or "").strip()
    registry = (document.text(parts, "registry") or "").strip().rstrip("/")
    tag, digest = ((document.text(parts, key) or "").strip() for key in ("tag", "digest"))
    tag = tag or (document.text(parts, "version") or "").strip()
    digest = digest or (document.text(parts, "sha") or "").strip()
    digest = f"sha256:{digest}" if _HEX.fullmatch(digest) else digest
    reference = f"{registry}/{repository}" if registry else repository
    reference += (f":{tag}" if tag else "") + (f"@{digest}" if _DIGEST.fullmatch(digest) and "@" not in tag else "")
    return parse_image(reference, role) if repository and is_reference(reference) else None


def names_host(name: str) -> bool:
    """True if the first segment of an image's name is the host of a registry."""
    first, slash, _ = name.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def _canonical(name: str) -> str:
    first, slash, rest = name.partition("/")
    if "$" in first or "{" in first:  # a placeholder, so the registry is not known
        return name
    if names_host(name):
        return f"{first.lower()}/{rest}"
    return f"{DEFAULT_HOST}/{name}" if slash else f"{DEFAULT_HOST}/{DEFAULT_NAMESPACE}/{name}"


def is_encrypted(text: str) -> bool:
    """True if a value is SOPS ciphertext, which changes at every encryption and names nothing."""
    return text.startswith("ENC[")
