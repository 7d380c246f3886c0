"""The chart, version and settings of one object of a cluster, or of one document, from the references that it has."""

from typing import NamedTuple

from kubestats_pipeline.scan.clusters.appliers.make_object import scan
from kubestats_pipeline.scan.clusters.appliers.nodes import ClusterObject, NodeKey
from kubestats_pipeline.scan.clusters.documents import DeclaredDocuments
from kubestats_pipeline.scan.clusters.object_index import ObjectAt
from kubestats_pipeline.scan.clusters.references import FactsOf, LookUp, References
from kubestats_pipeline.scan.clusters.values_from import values_inputs
from kubestats_pipeline.scan.clusters.walk import Walk
from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.facts.facts import Facts
from kubestats_pipeline.scan.manifests.identity import Identity


class ObjectResolution(NamedTuple):
    """The resolution of an object: with versions as in its document, and as the cluster gets them."""

    as_written: Resolved
    as_applied: Resolved


class ObjectResolver:
    """Follows the references of objects, with versions as documents write them and as clusters get them."""

    def __init__(self, walk: Walk, documents: DeclaredDocuments) -> None:
        self._walk = walk
        self._documents = documents
        self._plain_facts: dict[Identity, Facts] = {}

    def forget(self, identity: Identity) -> None:
        """Forget what was read of a document that has changed."""
        self._plain_facts.pop(identity, None)

    def resolve_object(self, at: ObjectAt, made: ClusterObject, looked_up: set[LookUp]) -> ObjectResolution:
        """The resolution of an object of a cluster. What it depends on is added to `looked_up`."""
        written, others = self._written(made), list[ClusterObject]()

        def facts_of(other: ClusterObject) -> Facts:
            others.append(other)
            return self._written(other)

        as_written = self._resolve(written, made.key.namespace, at[0], facts_of, looked_up)
        as_applied = as_written
        if _are_followed_alike(written, made.facts) and all(self._is_written(other) for other in others):
            as_applied = as_written._replace(images=made.facts.images, app_name=made.facts.app_name)
        elif written is not made.facts or looked_up:
            as_applied = self._resolve(made.facts, made.key.namespace, at[0], _facts_of, looked_up)
        declared = self._declared_facts(made.origin)
        if declared is not None:
            as_written = as_written._replace(
                images=written.images if written.images != declared.images else None,
                app_name=written.app_name if written.app_name != declared.app_name else None,
            )
        return ObjectResolution(as_written, as_applied)

    def resolve_document(self, facts: Facts, namespace: str | None, looked_up: set[LookUp]) -> Resolved:
        """The resolution of a document that nothing applies. What it depends on is added to `looked_up`."""
        return self._resolve(facts, namespace, None, self._written, looked_up)

    def _resolve(
        self, facts: Facts, namespace: str | None, node: NodeKey | None, facts_of: FactsOf, looked_up: set[LookUp]
    ) -> Resolved:
        own = Resolved(
            namespace, facts.version, reason=facts.patch_reason, images=facts.images, app_name=facts.app_name
        )
        if facts.chart is None:
            return own._replace(reason=facts.patch_reason, version_tag=facts.version_tag)
        if not facts.is_release:
            known = own._replace(version=facts.chart.version, reason=None)
            is_path = facts.chart.kind == "path"
            return known._replace(chart_kind="path", chart_name=facts.chart.name) if is_path else known
        references = References(self._walk, self._documents, node, facts_of)
        chart = references.chart(facts.chart, namespace)
        inputs = values_inputs(facts.values_from, namespace, node, self._walk, references.looked_up)
        looked_up |= references.looked_up
        return chart._replace(namespace=namespace, images=own.images, app_name=own.app_name, values_inputs=inputs)

    def _written(self, made: ClusterObject) -> Facts:
        """The facts of an object, with versions as they are written in its document where they are from there."""
        declared = self._declared_facts(made.origin)
        if declared is None or declared == made.facts:
            return made.spelled if declared is None else declared
        identity = made.origin
        assert identity is not None  # noqa: S101 - it has declared facts
        plain = self._plain_facts.get(identity)
        if plain is None:
            plain = self._plain_facts[identity] = scan(self._documents.content(identity), identity.key)
        parts = zip(made.spelled, plain, declared, strict=True)
        return Facts._make(own if applied == here else applied for applied, here, own in parts)

    def _is_written(self, made: ClusterObject) -> bool:
        """True if the cluster gets an object with the facts that are written in its document."""
        return self._written(made) == made.facts

    def _declared_facts(self, identity: Identity | None) -> Facts | None:
        return self._documents[identity].facts if identity is not None and identity in self._documents else None


def _are_followed_alike(facts: Facts, other: Facts) -> bool:
    """True if releases with these facts, beside their images and names, resolve alike."""
    same = facts.chart is not None and facts.chart == other.chart and facts.values_from == other.values_from
    return same and facts.is_release and other.is_release


def _facts_of(made: ClusterObject) -> Facts:
    return made.facts
