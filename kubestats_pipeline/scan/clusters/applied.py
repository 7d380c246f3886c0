"""Records of the objects that a cluster runs."""

from typing import NamedTuple

from kubestats_pipeline.scan.facts.charts import Resolved
from kubestats_pipeline.scan.manifests.identity import Identity
from kubestats_pipeline.scan.manifests.manifests import ResourceKey


class AppliedKey(NamedTuple):
    """The identity of an object in the cluster that runs it.

    Attributes:
        cluster: the root from which it is reached: the path of the first Flux Kustomization, Application, ResourceSet,
            bundle or root kustomization that nothing in the repository applies.
        applied_by: kind, namespace and name of the object that applies it, or else the folder of the kustomization.
        key: group, kind, namespace and name in the cluster.
    """

    cluster: str
    applied_by: str
    key: ResourceKey


class AppliedObject(NamedTuple):
    """One object as one application brings it to one cluster.

    Attributes:
        applied_path: the folder that is applied.
        origin: the document that it began as, or None for what a generator makes.
        api_version: the version without the group.
        content_hash: of the object after redaction, as `Manifest.content_hash`.
        resolved: its namespace, version, chart, application and images, and how its references resolved.
        is_complete: false where a part needs the network, a secret or a variable that the repository does not hold.
        version_tag: the tag beside a digest in `resolved.version`.
    """

    applied_path: str
    origin: Identity | None
    api_version: str
    content_hash: str
    resolved: Resolved
    is_complete: bool = True
    version_tag: str | None = None
