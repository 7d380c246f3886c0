"""The contract of the tables of what clusters run: the objects of each application in each cluster, and their log.

The documents that these objects begin as are rows of `resources`, in `scan_tables.py`.
"""

from kubestats_pipeline.lake.contract import Column, Partitioning, Table, Type, required
from kubestats_pipeline.lake.scan_tables import FULL_NAME, REPOSITORY_ID, RUN_ID
from kubestats_pipeline.lake.vocabulary import AppliedEventType, AuthorKind, ChartKind, Context, Resolution, one_of

_IDENTITY = (
    required(
        "cluster",
        Type.TEXT,
        "the root from which the object is reached: path of the first Flux Kustomization, Application, ResourceSet, "
        "bundle or root kustomization that nothing in the repository applies",
    ),
    required(
        "applied_by", Type.TEXT, "kind/namespace/name of the object that applies it, else folder of the kustomization"
    ),
    required("api_group", Type.TEXT, "API group, empty for the core group"),
    required("kind", Type.TEXT, "kind"),
    required("name", Type.TEXT, "metadata.name in the cluster"),
    Column(
        "namespace", Type.TEXT, "namespace in the cluster, or null where the repository does not say or it has none"
    ),
)
"""The columns that `applied_id` is a function of, beside the repository."""

_PLACE = (
    Column("resource_id", Type.TEXT, "the document that it began as, or null for what a generator makes"),
    required("applied_path", Type.TEXT, "folder that is applied"),
    required("api_version", Type.TEXT, "version without the group"),
)
_CONTENT = (
    Column("version_tag", Type.TEXT, "tag beside the digest that is its version, or null"),
    Column("chart_name", Type.TEXT, "chart that the object uses or is"),
    Column("chart_url", Type.TEXT, "canonical location of the chart"),
    Column("chart_kind", Type.TEXT, one_of(ChartKind)),
    Column("app_name", Type.TEXT, "application that the object runs"),
    required(
        "images",
        Type.IMAGES,
        "images that it names, as in resources, after all patches and variables. Those of a release are in its values "
        "from all inputs, after the images of its `postRenderers`",
    ),
    required(
        "content_hash",
        Type.TEXT,
        "hash of the built object after redaction. Where a secret feeds a generated name, its hash suffix is left out",
    ),
    required("resolution", Type.TEXT, f"{one_of(Resolution)}: how its chart reference resolved in its cluster"),
    Column("resolution_reason", Type.TEXT, "why the reference is ambiguous or unresolved"),
    required(
        "is_complete",
        Type.BOOLEAN,
        "false where a part of it or of its Helm values needs the network, a secret, a ConfigMap or a variable that "
        "the repository does not hold",
    ),
    required("context", Type.TEXT, f"{one_of(Context)}, from the paths of its cluster and of the applied folder"),
)

APPLIED_RESOURCES = Table(
    name="applied_resources",
    grain="one row per object that an application brings to a cluster, for each application and cluster",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("applied_id",),
    sort=("cluster", "kind", "name", "applied_by", "applied_id"),
    columns=(
        required("applied_id", Type.TEXT, "function of repository, cluster, applied_by, group, kind, namespace, name"),
        REPOSITORY_ID,
        FULL_NAME,
        *_IDENTITY,
        *_PLACE,
        Column("version", Type.TEXT, "effective version in its cluster: chart version, source ref or image tag"),
        *_CONTENT,
        required("created_at", Type.TIME, "commit time since which the cluster has it, or at which its log begins"),
        required("updated_at", Type.TIME, "commit time of the last change of this row"),
    ),
)

APPLIED_EVENTS = Table(
    name="applied_events",
    grain="one row per commit and change of a release, source or workload that a cluster runs",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("event_id",),
    sort=("applied_id", "sequence"),
    numbered_by="sequence",
    columns=(
        required(
            "event_id",
            Type.TEXT,
            "function of repository, commit and the object's identity: a replay gives it again",
            may_dangle=True,  # events of objects have ids of their own
        ),
        required(
            "applied_id",
            Type.TEXT,
            "the object, a row of `applied_resources` until it is deleted. Releases, Flux "
            "sources and all with a chart, a version or an image have events. The last event of each "
            "that is not DELETED has what its row has",
            may_dangle=True,
        ),
        REPOSITORY_ID,
        FULL_NAME,
        required("sequence", Type.INTEGER, "position in this log of the repository, from 0. Fold by it"),
        required(
            "event_type",
            Type.TEXT,
            f"{one_of(AppliedEventType)}. An object that comes back is CREATED again, with its old applied_id. One "
            "that has lost its chart, version and images is DELETED here",
        ),
        required("event_timestamp", Type.TIME, "committer time of the commit"),
        required("commit_sha", Type.TEXT, "commit"),
        required("author_kind", Type.TEXT, one_of(AuthorKind)),
        *_IDENTITY,
        *_PLACE,
        Column("version_before", Type.TEXT, "effective version before, or null for CREATED"),
        Column("version_after", Type.TEXT, "effective version after, or null for DELETED"),
        *_CONTENT,
        required(
            "changes_detected",
            Type.TEXTS,
            "the columns of `applied_resources` that a MODIFIED changed. DELETED events show the last state elsewhere",
        ),
        RUN_ID,
    ),
)
