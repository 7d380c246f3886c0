-- Spans of the releases of one chart, by its name or its canonical address, in scope. The address is that of its family.
-- parameter called: as in who_runs
SELECT
    repository_id, use_id, sequence, valid_from, valid_to, commit_sha, ended_commit, spans.chart_name AS subject,
    coalesce(family_url, spans.chart_url) AS address, coalesce(version_tag, version) AS version
FROM use_spans AS spans
LEFT JOIN chart_families AS families ON families.chart_name = spans.chart_name AND families.chart_url = spans.chart_url
WHERE in_scope AND is_release AND (is_called(spans.chart_name, $called) OR coalesce(lower(spans.chart_url) = lower(trim($called)), FALSE))
