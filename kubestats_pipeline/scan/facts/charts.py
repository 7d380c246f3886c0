"""Resolution of one resource as a record, and the canonical names of charts, so that equal charts have equal names.

`resolver.py` follows references. Here the location of a chart is known already.
"""

import functools
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from kubestats_pipeline.git.command import without_credentials
from kubestats_pipeline.lake.vocabulary import ChartKind, Context, Resolution
from kubestats_pipeline.scan.facts.facts import ChartUse, Image, ValuesInput

_SSH = ("ssh", "git+ssh")
_WEB = ("http", *_SSH)
_SCP = re.compile(r"(?:[\w.-]+@)([A-Za-z0-9.-]+):(?!/)(\S+)")
"""The short form of an ssh URL, `git@host:owner/name.git`."""

LONGEST_KEPT = 500
"""Characters of the longest URL whose canonical text is kept. Many objects of a cluster name the same URL."""


class Resolved(NamedTuple):
    """The resolution of one resource: its effective namespace, version and chart.

    Attributes:
        resolution: exact, ambiguous, unresolved, or not_applicable if it uses no chart.
        reason: the reason why it is not exact.
        chart_url_raw: location of the chart as written, without credentials.
        values_inputs: the inputs of `spec.valuesFrom`, in its order.
        images: the effective images of its document, if they are not those that are written there.
        app_name: the effective application, if it is not the one that is written there.
        too_complex: the part of its patches and variables that is too large and stays as written.
        version_tag: the tag beside a version that is a digest.
        context: the context that other resources of the repository give it, if it is not the one of its file.
    """

    namespace: str | None = None
    version: str | None = None
    chart_name: str | None = None
    chart_url: str | None = None
    chart_kind: ChartKind | None = None
    resolution: Resolution = "not_applicable"
    reason: str | None = None
    chart_url_raw: str | None = None
    values_inputs: tuple[ValuesInput, ...] = ()
    images: tuple[Image, ...] | None = None
    app_name: str | None = None
    too_complex: str | None = None
    version_tag: str | None = None
    context: Context | None = None

    @property
    def chart(self) -> tuple[str | None, ...]:
        """The identity of the chart: two resources with an equal one use the same chart."""
        return (self.chart_kind, self.chart_url, self.chart_name)


def canonical_url(url: str) -> str:
    """The canonical text of a URL: lower-case host, https for http, without a trailing slash and `.git`.

    A git repository has one text, whether it is reached by https or by ssh, of which git knows two forms.
    """
    return _canonical_url(url) if len(url) <= LONGEST_KEPT else _canonical_url.__wrapped__(url)


@functools.lru_cache(maxsize=4096)
def _canonical_url(url: str) -> str:
    short = _SCP.fullmatch(url.strip())
    try:
        parts = urlsplit(f"ssh://{short[1]}/{short[2]}" if short else url.strip())
    except ValueError:  # brackets around anything but an IPv6 address, such as `http://[${IP}]`
        return without_credentials(url.strip().rstrip("/"))
    if not parts.netloc:
        return url.strip().rstrip("/")
    scheme = "https" if parts.scheme.lower() in _WEB else parts.scheme.lower()
    host = parts.netloc.rpartition("@")[2].lower()
    host = host.partition(":")[0] if parts.scheme.lower() in _SSH else host
    return f"{scheme}://{host}{parts.path.rstrip('/').removesuffix('.git')}"


def chart_of(use: ChartUse) -> Resolved | None:
    """The chart of a use that refers to no other object, or None if it refers to one."""
    if use.unknown is not None:
        return Resolved(version=use.version, chart_name=use.name, resolution="unresolved", reason=use.unknown)
    if use.kind is not None:
        url = canonical_url(use.url) if use.url else None
        raw = without_credentials(use.url) if use.url else None
        return exact_chart(use.kind, url, use.name, use.version, raw)
    return None if use.url is None else chart_at(use.url, use.name or "", use.version)


def chart_at(url: str, name: str, version: str | None) -> Resolved:
    """A chart at a URL: an artifact in a registry, or a name in an index of charts."""
    place, raw = canonical_url(url), without_credentials(url)
    if place.startswith("oci://"):
        return exact_chart("oci", place, place.rpartition("/")[2], version, raw)
    if place.startswith("https://"):
        return exact_chart("helm", place, name.rpartition("/")[2], version, raw)
    reason = "its chart is a name without a repository"
    return Resolved(version=version, chart_name=name, resolution="unresolved", reason=reason)


def exact_chart(kind: ChartKind, url: str | None, name: str | None, version: str | None, raw: str | None) -> Resolved:
    """The resolution of a chart whose location is known. A chart at the root of a git repository has its name."""
    if kind == "git" and url and not name:
        name = url.rpartition("/")[2]
    return Resolved(
        version=version, chart_name=name, chart_url=url, chart_kind=kind, resolution="exact", chart_url_raw=raw
    )
