-- One row per repository with a row in resource_events, resources or applied_resources: a digest of its rows in each. Whoever keeps something of each
-- repository from one publication to the next, as the pages do, compares them and reads only what has changed. A digest is the same for the same
-- rows in any order, as long as the version of DuckDB stays. A document counts as it is published, because the same one shows more once three
-- repositories share a value of it. Columns that no page shows do not count.
-- repository_id: identity of the repository
-- resources_digest: digest of its rows in resources, or null without any
-- applied_digest: digest of its rows in applied_resources, or null without any
-- events_digest: digest of its rows in resource_events, or null without any
WITH declared AS (
    SELECT
        repository_id,
        sum(hash(
            resource_id, full_name, api_group, api_version, kind, name, namespace, declared_namespace, file_path, ordinal, line, data,
            version, chart_name, chart_url, chart_url_raw, chart_kind, app_name, images, context, resolution, resolution_reason,
            values_complete, is_applied, status, created_at, updated_at, deleted_at, created_commit, updated_commit
        )) AS digest,
        count(*) AS rows
    FROM resources
    GROUP BY repository_id
),
applied AS (
    SELECT
        repository_id,
        sum(hash(
            applied_id, full_name, cluster, applied_by, api_group, kind, name, namespace, resource_id, applied_path, api_version, version,
            version_tag, chart_name, chart_url, chart_kind, app_name, images, content_hash, resolution, resolution_reason, is_complete, context,
            created_at, updated_at
        )) AS digest,
        count(*) AS rows
    FROM applied_resources
    GROUP BY repository_id
),
happened AS (
    SELECT
        repository_id,
        sum(hash(
            event_id, resource_id, full_name, sequence, event_type, event_timestamp, commit_sha, commit_subject, author_kind, resource_kind,
            resource_name, resource_namespace, file_path, previous_file_path, version_before, version_after, context, resolution,
            changes_detected, field_changes
        )) AS digest,
        count(*) AS rows
    FROM resource_events
    GROUP BY repository_id
)
SELECT
    repository_id,
    declared.digest || ' ' || declared.rows AS resources_digest,
    applied.digest || ' ' || applied.rows AS applied_digest,
    happened.digest || ' ' || happened.rows AS events_digest
FROM happened
FULL JOIN declared USING (repository_id)
FULL JOIN applied USING (repository_id)
ORDER BY repository_id
