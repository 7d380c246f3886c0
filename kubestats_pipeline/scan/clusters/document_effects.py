"""Effects that a document has on the walk when it comes, changes or goes."""

from collections.abc import Iterator

from kubestats_pipeline.scan.clusters.documents import is_read_by_roots
from kubestats_pipeline.scan.clusters.places import ARTIFACT, ARTIFACT_KINDS
from kubestats_pipeline.scan.kinds import fleet
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import Manifest, ResourceKey


def is_not_followed(key: ResourceKey) -> bool:
    """True for what applies documents in a way that the walk does not know: bundles of Fleet."""
    return key.group == fleet.GROUP


def changes_roots(before: Manifest | None, after: Manifest | None) -> bool:
    """True if a document that may be the beginning of a cluster has come, gone, or applies something else now."""
    facts = [manifest.facts.flux_path if manifest is not None else None for manifest in (before, after)]
    if any(facts):
        return len({(path.path, path.source) if path is not None else None for path in facts}) > 1
    return any(manifest is not None and is_read_by_roots(manifest) for manifest in (before, after))


def reads_of(identity: Identity, *versions: Manifest | None) -> Iterator[tuple[str, str, str]]:
    """The reads of nodes that the versions of a document have an effect on."""
    yield "document", identity.key.kind, identity.key.name
    for facts in (manifest.facts for manifest in versions if manifest is not None):
        for copy in facts.copies:
            yield "document", ARTIFACT, copy.artifact
        source = facts.flux_path.source if facts.flux_path is not None else None
        if source is not None and source.kind in ARTIFACT_KINDS:
            yield "document", source.kind, source.name
