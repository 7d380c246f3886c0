"""Packages of other catalogues than Helm's: operators of OLM, and packages of Carvel. They have a version, no chart."""

import re
from typing import Any

from kubestats_pipeline.scan.documents.document import Decoded
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.facts.shapes import mapping
from kubestats_pipeline.scan.kinds.registry import scanner

_CSV = re.compile(r"[a-z0-9-]+\.(v?\d.*)")
"""The name of a ClusterServiceVersion: the operator and its version."""


@scanner("operators.coreos.com", "Subscription")
def scan_subscription(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The version at which OLM starts an operator, else the channel that it follows."""
    spec = mapping(resource, "spec")
    start = document.text(spec, "startingCSV")
    named = _CSV.fullmatch(start) if start else None
    version = (named[1] if named else start) or document.text(spec, "channel")
    return Facts(version=version, app_name=document.text(spec, "name"))


@scanner("packaging.carvel.dev", "PackageInstall")
def scan_package_install(document: Decoded, resource: dict[str, Any]) -> Facts:
    """The versions of a package that may be installed."""
    package = mapping(resource, "spec", "packageRef")
    version = document.text(mapping(package, "versionSelection"), "constraints")
    return Facts(version=version, app_name=document.text(package, "refName"))
