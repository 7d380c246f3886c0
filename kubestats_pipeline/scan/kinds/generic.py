"""The scanner of every kind that has none of its own: it looks only for a version that the object itself carries."""

from typing import Any

from kubestats_pipeline.scan.decode import Decoded
from kubestats_pipeline.scan.facts import Facts

VERSION_LABEL = "app.kubernetes.io/version"


def scan_generic(document: Decoded, resource: dict[str, Any]) -> Facts:
    """Facts of a resource of any kind: the recommended version label, if it is set."""
    labels = resource["metadata"].get("labels")
    return Facts(version=document.text(labels, VERSION_LABEL))
