"""What a resource means in its repository: namespace, version and chart; equal charts get equal names.

References are followed in `resolver.py`; here a chart's place is known already.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

from kubestats_pipeline.git.command import without_credentials
from kubestats_pipeline.lake.vocabulary import ChartKind, Resolution
from kubestats_pipeline.scan.facts.facts import ChartUse, Image, ValuesInput


class Resolved(NamedTuple):
    """What a resource means in its repository.

    Attributes:
        resolution: exact, ambiguous, unresolved, or not_applicable where it uses no chart.
        reason: why it is not exact.
        chart_url_raw: location of the chart as written, without credentials.
        values_inputs: what `spec.valuesFrom` takes in, in its order.
        images: the images of its document, where they are others than those written there.
        app_name: the application, where it is another than is written there.
        too_complex: what of its patches and variables is too large, and left as it is written.
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

    @property
    def chart(self) -> tuple[str | None, ...]:
        """What makes two charts the same."""
        return (self.chart_kind, self.chart_url, self.chart_name)


def canonical_url(url: str) -> str:
    """One text for one place: lower-case host, https for http, no trailing slash, no `.git`."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # brackets around anything but an IPv6 address, such as `http://[${IP}]`
        return without_credentials(url.strip().rstrip("/"))
    if not parts.netloc:
        return url.strip().rstrip("/")
    scheme = "https" if parts.scheme.lower() == "http" else parts.scheme.lower()
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{scheme}://{host}{parts.path.rstrip('/').removesuffix('.git')}"


def chart_of(use: ChartUse) -> Resolved | None:
    """The chart of a use that needs no other object to be known, or known not to be; None where it refers to one."""
    if use.unknown is not None:
        return Resolved(version=use.version, chart_name=use.name, resolution="unresolved", reason=use.unknown)
    if use.kind is not None:
        url = canonical_url(use.url) if use.url else None
        raw = without_credentials(use.url) if use.url else None
        return Resolved(None, use.version, use.name, url, use.kind, "exact", chart_url_raw=raw)
    return None if use.url is None else chart_at(use.url, use.name or "", use.version)


def chart_at(url: str, name: str, version: str | None) -> Resolved:
    """A chart at a literal place: an artifact in a registry, or a name in an index."""
    place, raw = canonical_url(url), without_credentials(url)
    if place.startswith("oci://"):
        return Resolved(None, version, place.rpartition("/")[2], place, "oci", "exact", chart_url_raw=raw)
    if place.startswith("https://"):
        return Resolved(None, version, name.rpartition("/")[2], place, "helm", "exact", chart_url_raw=raw)
    return Resolved(None, version, name, resolution="unresolved", reason="its chart is a name without a repository")
