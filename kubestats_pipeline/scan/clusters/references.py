"""References of releases and charts: the one object that each leads to, in the cluster that runs the release.

Of several objects of one name, those count that the same applier applies, then those of the same cluster, then those
of other clusters, then documents that nothing applies. A reference that does not lead to exactly one object is
ambiguous or unresolved, with the reason.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from kubestats_pipeline.git.command import without_credentials
from kubestats_pipeline.lake.vocabulary import ChartKind, Resolution
from kubestats_pipeline.scan.clusters.appliers.nodes import Cluster, ClusterObject, NodeKey
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.object_index import ObjectAt
from kubestats_pipeline.scan.clusters.walk import Walk
from kubestats_pipeline.scan.documents.repository_paths import normalise_path
from kubestats_pipeline.scan.facts.charts import Resolved, canonical_url, chart_at, chart_of, exact_chart
from kubestats_pipeline.scan.facts.facts import ChartSource, ChartUse, Facts
from kubestats_pipeline.scan.facts.path_context import context_of
from kubestats_pipeline.scan.manifests.identity import Identity

MAX_HOPS = 3
"""References from a release to its source: through one HelmChart, and one to spare."""

KEPT_CHARTS = 4096
"""Charts that are kept: the releases of a fleet name the same ones in each cluster."""

LookUp = tuple[Cluster | None, str, str]
"""A kind and a name that were looked up in one cluster, or everywhere."""

FactsOf = Callable[[ClusterObject], Facts]
"""Returns the facts of an object in a cluster: as written in its document, or as the cluster gets them."""


class _Candidate(NamedTuple):
    """An object that a reference may lead to."""

    namespace: str | None
    facts: Facts
    is_active: bool


class _Found(NamedTuple):
    """The object that a reference leads to, or the reason why it leads to none."""

    candidate: _Candidate | None
    resolution: Resolution = "exact"
    reason: str | None = None


class References:
    """Follows the references of one subject, and records what was looked up."""

    def __init__(self, walk: Walk, documents: DeclaredDocuments, node: NodeKey | None, facts_of: FactsOf) -> None:
        self._walk = walk
        self._documents = documents
        self._node = node
        self._facts_of = facts_of
        self.looked_up: set[LookUp] = set()

    def chart(self, use: ChartUse, namespace: str | None) -> Resolved:
        """The chart behind a use in an object of a namespace."""
        return _if_known(self._chart(use, namespace, MAX_HOPS))

    def _chart(self, use: ChartUse, namespace: str | None, hops: int) -> Resolved:
        if (known := chart_of(use)) is not None:
            return known
        unresolved = Resolved(version=use.version, chart_name=use.name, resolution="unresolved")
        reference = use.reference or use.source
        if reference is None:
            return unresolved._replace(reason="it names no source")
        found = self._find(reference.kind, reference.name, reference.namespace or namespace)
        if found.candidate is None:
            return unresolved._replace(resolution=found.resolution, reason=found.reason)
        source, chart = found.candidate.facts.source, found.candidate.facts.chart
        if source is not None:
            return _chart_of_source(use, source)
        if use.reference is None or chart is None or not hops:  # a chart is not a source of charts
            return unresolved._replace(reason="its source is a chart")
        return self._chart(chart, found.candidate.namespace, hops - 1)

    def _find(self, kind: str, name: str, namespace: str | None) -> _Found:
        """The one object that a reference leads to. A namespace of None is an unknown one."""
        label, is_any = f"{kind} {name}", False
        for wanted in dict.fromkeys((namespace, None)):
            for tier in self._tiers(kind, name):
                candidates = list(tier)
                is_any = is_any or bool(candidates)
                matching = [each for each in candidates if each.namespace == wanted]
                if matching:
                    return _only(matching, label)
        if is_any:
            place = namespace or "of the release, which is not known"
            return _Found(None, "unresolved", f"{label} is not in namespace {place}")
        if "$" in name:
            reason = f"{label} has a variable in its name whose value is not in the repository"
            return _Found(None, "unresolved", reason)
        return _Found(None, "unresolved", f"{label} is not in the repository")

    def _tiers(self, kind: str, name: str) -> Iterator[Iterable[_Candidate]]:
        """The objects of a kind and name, the nearest first."""
        if self._node is not None:
            cluster = self._node.cluster
            self.looked_up.add((cluster, kind, name))
            here = self._walk.index.named(cluster, kind, name)
            yield self._candidates(here, lambda at: at[0] == self._node)
            yield self._candidates(here, lambda at: at[0] != self._node)
        self.looked_up.add((None, kind, name))
        everywhere = self._walk.index.everywhere(kind, name)
        yield self._candidates(everywhere, lambda at: at[0].cluster.is_real)
        yield self._candidates(everywhere, lambda at: not at[0].cluster.is_real)
        documents = self._documents.named(kind, name)
        yield (self._declared(each) for each in documents if not self._walk.index.applications(each))

    def _candidates(
        self, objects: dict[ObjectAt, ClusterObject], is_wanted: Callable[[ObjectAt], bool]
    ) -> Iterator[_Candidate]:
        for at, each in objects.items():
            if not is_wanted(at):
                continue
            facts = self._facts_of(each)
            if facts.source is not None or facts.chart is not None:
                is_active = each.origin is None or context_of(each.origin.path) == "active"
                yield _Candidate(each.key.namespace, facts, is_active)

    def _declared(self, identity: Identity) -> _Candidate:
        is_active = context_of(identity.path) == "active"
        return _Candidate(identity.key.namespace, self._documents[identity].facts, is_active)


def _only(matching: list[_Candidate], label: str) -> _Found:
    """The one of several objects, or the reason why there are several. Archives and tests count last."""
    matching = [each for each in matching if each.is_active] or matching
    if len({(each.facts.source, each.facts.chart) for each in matching}) > 1:
        return _Found(None, "ambiguous", f"{label} is declared {len(matching)} times with different content")
    return _Found(matching[0])


@lru_cache(maxsize=KEPT_CHARTS)
def _chart_of_source(use: ChartUse, source: ChartSource) -> Resolved:
    """The chart `use.name` of a source, or the source itself if it is a single chart."""
    raw = without_credentials(source.url)
    if source.flavour == "oci_registry":
        return chart_at(f"{source.url.rstrip('/')}/{use.name}", use.name or "", use.version)
    if source.flavour == "helm":
        return exact_chart("helm", canonical_url(source.url), use.name, use.version, raw)
    if source.flavour == "oci":
        return chart_at(source.url, "", source.version)._replace(version_tag=source.tag)
    kind: ChartKind = "git" if source.flavour == "git" else "path"
    return exact_chart(kind, canonical_url(source.url), normalise_path(use.name or ""), source.version, raw)


def _if_known(chart: Resolved) -> Resolved:
    """The chart, unresolved if a variable is left in it, because its value is not in the repository."""
    parts = {"name": chart.chart_name, "place": chart.chart_url, "version": chart.version}
    hidden = [name for name, text in parts.items() if text and "${" in text]
    if chart.resolution != "exact" or not hidden:
        return chart
    reason = f"its {' and '.join(hidden)} has a variable whose value is not in the repository"
    return chart._replace(resolution="unresolved", reason=reason)
