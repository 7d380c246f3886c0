"""Generic scanner, for every kind without a scanner of its own, and the recommended labels that all kinds share."""

from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts

VERSION_LABEL = "app.kubernetes.io/version"
NAME_LABEL = "app.kubernetes.io/name"


def scan_generic(document: Decoded, resource: dict[str, Any]) -> Facts:
    """Facts of a resource of any kind: the recommended version label, if it is set."""
    labels = resource["metadata"].get("labels")
    return Facts(version=document.text(labels, VERSION_LABEL))


def workload_app(document: Decoded, resource: dict[str, Any]) -> str | None:
    """The application of something that runs containers: the recommended label, else its name."""
    metadata = resource["metadata"]
    return document.text(metadata.get("labels"), NAME_LABEL) or document.text(metadata, "name")
