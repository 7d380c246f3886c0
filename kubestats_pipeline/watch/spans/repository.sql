-- Spans of the releases and workloads of one repository, in scope.
-- parameter called: its identity
SELECT
    repository_id, use_id, sequence, valid_from, valid_to, commit_sha, ended_commit, coalesce(spans.chart_name, app_name) AS subject,
    coalesce(family_url, spans.chart_url) AS address, coalesce(version_tag, version) AS version
FROM use_spans AS spans
LEFT JOIN chart_families AS families ON families.chart_name = spans.chart_name AND families.chart_url = spans.chart_url
WHERE repository_id = $called AND in_scope AND (is_release OR len(images) > 0) AND api_group <> 'image.toolkit.fluxcd.io'
    AND coalesce(spans.chart_name, app_name) IS NOT NULL
