-- Spans of the releases and workloads of one app, in scope. Its version is that of the chart, or the tag of its image.
-- parameter called: as in who_runs
SELECT
    repository_id, use_id, sequence, valid_from, valid_to, commit_sha, ended_commit, app_name AS subject,
    NULL::VARCHAR AS address, coalesce(version_tag, version) AS version
FROM use_spans
WHERE in_scope AND (is_release OR len(images) > 0) AND api_group <> 'image.toolkit.fluxcd.io' AND is_called(app_name, $called)
