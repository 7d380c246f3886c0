"""The contract of the tables that hold what a repository declares: resources, settings, events and problems.

The other tables, and all of them by name, are in `tables.py`.
"""

from kubestats_pipeline.lake.contract import Column, Partitioning, Table, Type, required
from kubestats_pipeline.lake.vocabulary import (
    AuthorKind,
    ChartKind,
    Context,
    EventType,
    ImageRole,
    Resolution,
    ResourceStatus,
    UnreadProblem,
    ValueType,
    one_of,
)

REPOSITORY_ID = required(
    "repository_id", Type.TEXT, "identity of the repository: `github:<numeric id>`, else `git:<hash of URL>`"
)
FULL_NAME = required(
    "full_name", Type.TEXT, "`owner/name` on GitHub, `host/owner/name` elsewhere. An attribute that can change"
)
RUN_ID = Column("sync_run_id", Type.TEXT, "the Dagster run that wrote the row")
"""Columns that several tables share."""

RESOURCES = Table(
    name="resources",
    grain="one row per Kubernetes resource that a repository declares or has declared",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("resource_id",),
    sort=("kind", "name", "file_path", "resource_id"),
    columns=(
        required("resource_id", Type.TEXT, "identity. Survives edits, API version bumps, moves, deletion and return"),
        REPOSITORY_ID,
        FULL_NAME,
        required("api_group", Type.TEXT, "API group, empty for the core group"),
        required("api_version", Type.TEXT, "version without the group, such as `v2beta1`"),
        required("kind", Type.TEXT, "kind"),
        required("name", Type.TEXT, "metadata.name, or generateName with a `*`"),
        Column("namespace", Type.TEXT, "effective namespace, or null when the repository does not say"),
        Column("declared_namespace", Type.TEXT, "metadata.namespace as written"),
        required("file_path", Type.TEXT, "path in the repository"),
        required(
            "ordinal", Type.INTEGER, "order among resources of the same kind, namespace and name in one file, from 0"
        ),
        Column(
            "line",
            Type.INTEGER,
            "line of the file, from 1, on which its document begins at the scanned commit. A part of a document, as is "
            "an item of a list, has the line of the document. Null where it is deleted or nobody can tell",
        ),
        required("content_hash", Type.TEXT, "hash of the canonical redacted document"),
        Column("version", Type.TEXT, "effective version as written: chart version, source ref or image tag"),
        Column("chart_name", Type.TEXT, "chart that the resource uses or is"),
        Column(
            "chart_url", Type.TEXT, "canonical location of the chart: scheme, lower-case host, path, no trailing slash"
        ),
        Column("chart_url_raw", Type.TEXT, "location of the chart as written, without credentials"),
        Column("chart_kind", Type.TEXT, one_of(ChartKind)),
        Column("app_name", Type.TEXT, "application that the resource runs"),
        required(
            "images",
            Type.IMAGES,
            "images that it names, in workloads, values and fields of operators: `image` is registry and repository "
            f"with what was left out, `role` {one_of(ImageRole)}, `raw` as written. Tags are as written too",
        ),
        required("context", Type.TEXT, f"{one_of(Context)}, from its path"),
        required("resolution", Type.TEXT, f"{one_of(Resolution)}: how its chart reference resolved"),
        Column("resolution_reason", Type.TEXT, "why the reference is ambiguous or unresolved"),
        Column(
            "values_complete",
            Type.BOOLEAN,
            "whether all values of the document are known. False where a Secret or a missing file has some, null "
            "where it is deleted or takes no values",
        ),
        Column(
            "is_applied",
            Type.BOOLEAN,
            "whether a cluster runs an object that begins as this document, or ran one until it was deleted. Null "
            "where the repository does not tell",
        ),
        required("status", Type.TEXT, one_of(ResourceStatus)),
        required("created_at", Type.TIME, "commit time of its creation, or of the first commit of a bounded history"),
        required("updated_at", Type.TIME, "commit time of its last event"),
        Column("deleted_at", Type.TIME, "commit time of its deletion, or null while active"),
        required("created_commit", Type.TEXT, "commit of its creation"),
        required("updated_commit", Type.TEXT, "commit of its last event"),
        required(
            "data",
            Type.JSON,
            "the decoded document, secrets redacted. In the warehouse `<withheld>` stands for values of settings that "
            "are not published",
        ),
    ),
)

HELM_VALUES = Table(
    name="helm_values",
    grain="one row per active release, application of it and setting of its Helm values",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("resource_id", "applied_id", "path"),
    sort=("resource_id", "applied_id", "path"),
    columns=(
        REPOSITORY_ID,
        FULL_NAME,
        required("resource_id", Type.TEXT, "the release, an active row of `resources`"),
        required(
            "applied_id",
            Type.TEXT,
            "the application of it whose values these are, a row of `applied_resources`: as its cluster gets them, "
            "with patches, variables and ConfigMaps. Empty where nothing applies it or the repository does not tell: "
            "then the values are those of the document",
            earlier="''",
            may_dangle=True,
        ),
        required(
            "path",
            Type.TEXT,
            "the setting, as `ingress.enabled`. Items of lists of named objects go by name, as `env[name=TZ].value`, "
            "others by position, as `hosts[0]`. Keys with dots are quoted, as `annotations['a.b/c']`",
        ),
        required(
            "value_type", Type.TEXT, f"{one_of(ValueType)}. A map or list is empty, because others are several settings"
        ),
        Column(
            "value",
            Type.TEXT,
            "the value as text, secrets redacted, at most 2,000 characters. Versions are as written in a document, and "
            "numbers as the cluster gets them in an application. Null for null, which takes the chart's default away, "
            "and in the warehouse where it is withheld: see docs/counting.md",
        ),
        required(
            "origin",
            Type.TEXT,
            "`inline`, or the path of the file that it comes from, or the folder whose build made it. The last input "
            "wins",
        ),
    ),
)

RESOURCE_EVENTS = Table(
    name="resource_events",
    grain="one row per change of one resource in one commit",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("event_id",),
    sort=("resource_id", "sequence"),
    numbered_by="sequence",
    columns=(
        required(
            "event_id", Type.TEXT, "function of repository, commit and the resource's identity: a replay gives it again"
        ),
        required("resource_id", Type.TEXT, "the resource"),
        REPOSITORY_ID,
        FULL_NAME,
        required(
            "sequence",
            Type.INTEGER,
            "position in the repository's log. Fold by it, for commit clocks can run backwards",
        ),
        required("event_type", Type.TEXT, one_of(EventType)),
        required("event_timestamp", Type.TIME, "committer time of the commit"),
        required("commit_sha", Type.TEXT, "commit"),
        required("commit_subject", Type.TEXT, "first line of its message, at most 200 characters"),
        required("author_kind", Type.TEXT, one_of(AuthorKind)),
        required("resource_kind", Type.TEXT, "kind after the event"),
        required("resource_api_version", Type.TEXT, "group/version after the event"),
        required("resource_name", Type.TEXT, "name after the event"),
        Column("resource_namespace", Type.TEXT, "effective namespace after the event"),
        required("file_path", Type.TEXT, "path after the event, or last path of a deleted resource"),
        Column("previous_file_path", Type.TEXT, "path before a move"),
        Column(
            "file_hash_before", Type.TEXT, "the resource's content_hash before, or null for CREATED and RESURRECTED"
        ),
        Column("file_hash_after", Type.TEXT, "the resource's content_hash after, or null for DELETED"),
        Column("version_before", Type.TEXT, "effective version before"),
        Column("version_after", Type.TEXT, "effective version after"),
        Column(
            "chart_name", Type.TEXT, "chart after the event. Of a deleted resource it is the last one, here and below"
        ),
        Column("chart_url", Type.TEXT, "canonical location of the chart after the event"),
        Column("chart_kind", Type.TEXT, one_of(ChartKind)),
        Column("app_name", Type.TEXT, "application that the resource runs after the event"),
        Column("images", Type.IMAGES, "images that the resource names after the event, as in resources"),
        required("context", Type.TEXT, f"{one_of(Context)}, from its path", earlier="'active'"),
        required(
            "resolution",
            Type.TEXT,
            f"{one_of(Resolution)} after the event",
            earlier="'not_applicable'",
        ),
        required(
            "changes_detected",
            Type.TEXTS,
            "what changed: spec, metadata, data, file_path, api_version, version, chart, values (of another file), …",
        ),
        Column("field_changes", Type.JSON, "list of {path, before, after}. Bounded, with `<withheld>` as in resources"),
        Column("resource_data", Type.JSON, "the document after the event, as in resources, or null for DELETED"),
        RUN_ID,
    ),
)

SCAN_PROBLEMS = Table(
    name="scan_problems",
    grain="one row per file and class of problem at the scanned commit",
    stage="scan",
    partitioning=Partitioning.REPOSITORY,
    key=("repository_id", "file_path", "problem"),
    sort=("file_path", "problem"),
    columns=(
        REPOSITORY_ID,
        FULL_NAME,
        required("file_path", Type.TEXT, "path in the repository"),
        required(
            "problem",
            Type.TEXT,
            f"{one_of(UnreadProblem)}. A file with encoding_replaced was read, with U+FFFD for bytes that are not "
            "text. A kustomization with not_built was read, but kustomize refuses to build it",
        ),
        Column("document_index", Type.INTEGER, "document in the file, from 0, or null when the whole file is meant"),
        required("message", Type.TEXT, "what is wrong and where. Never quotes the document"),
        required("commit_sha", Type.TEXT, "commit at which the problem appeared"),
        required("first_seen_at", Type.TIME, "committer time of that commit"),
    ),
)
