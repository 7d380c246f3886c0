-- One row per chart family or image, version and repository that ever ran it, in scope: version_holds, with what its days are counted from.
-- A chart counts over all addresses of its family (chart_families), an image by its tag. Of ranges, names such as latest, digests alone and
-- placeholders nothing is kept. Where one resource runs two tags of an image at once, nobody can tell which came first, so that its time
-- counts for neither.
-- subject: chart or image
-- name: chart, or image without tag and digest
-- family_url: the address that stands for the chart's family, or null for an image
-- version: version without a leading v
-- written: all ways in which it is written there, such as v1.2.3 and 1.2.3
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- held_since: committer time from which on it first ran there
-- days_ended: days for which a release or workload ran it that runs it no more, the longest of them, or 0
-- counts_since: moment from which the days of one that runs it now count, as if earlier times lay just before, of the longest. Null where none does
-- went_back_at: committer time of the last step from it down to a lower version, or null where nobody went back
-- went_back_to: the lower version, without a leading v, or null
-- is_rollback: that release or workload had run the lower version before, or null where nobody went back
WITH chart_uses AS (
    SELECT
        'chart' AS subject, families.chart_name AS name, family_url, coalesce(version_tag, version) AS wrote, repository_id, full_name, use_id,
        sequence, valid_from, valid_to
    FROM use_spans
    JOIN chart_families AS families ON families.chart_name = use_spans.chart_name AND families.chart_url = use_spans.chart_url
    WHERE is_release AND is_resolved AND in_scope
),
named_images AS (
    SELECT repository_id, full_name, use_id, sequence, valid_from, valid_to, unnest(images) AS one
    FROM use_spans
    WHERE in_scope AND api_group <> 'image.toolkit.fluxcd.io'
),
image_uses AS (
    SELECT
        'image' AS subject, one.image AS name, NULL::VARCHAR AS family_url, any_value(one.tag) AS wrote, repository_id,
        any_value(full_name) AS full_name, use_id, sequence, valid_from, any_value(valid_to) AS valid_to
    FROM named_images
    WHERE one.tag IS NOT NULL
    GROUP BY one.image, repository_id, use_id, sequence, valid_from
    HAVING min(one.tag) = max(one.tag)
),
every_use AS (FROM chart_uses UNION ALL FROM image_uses),
-- Texts repeat far more often than they differ, and to read one takes long. An aggregate, because DuckDB moves a filter below a DISTINCT.
texts AS (SELECT any_value(wrote) AS wrote FROM every_use GROUP BY every_use.wrote),
versions AS (
    SELECT wrote, plain_version(wrote) AS version
    FROM texts
    WHERE version_class(wrote) IN ('exact', 'partial')
),
uses AS (
    SELECT every_use.*, version FROM every_use JOIN versions USING (wrote)
),
followed AS (
    SELECT
        *,
        CASE WHEN lead(valid_from) OVER own = valid_to THEN lead(version) OVER own END AS next_version,
        lead(first_run_at) OVER own < valid_from AS is_return
    FROM (
        SELECT *, min(valid_from) OVER (PARTITION BY subject, name, family_url, repository_id, use_id, version) AS first_run_at
        FROM uses
    ) AS begun
    WINDOW own AS (PARTITION BY subject, name, family_url, repository_id, use_id ORDER BY valid_from, sequence)
),
steps AS (
    SELECT any_value(version) AS version, any_value(next_version) AS next_version
    FROM followed
    WHERE next_version <> version
    GROUP BY followed.version, followed.next_version
),
downgrades AS (
    SELECT version, next_version, TRUE AS is_downgrade
    FROM steps
    WHERE version_direction(version, next_version) = 'downgrade'
),
judged AS (
    SELECT
        followed.*,
        coalesce(is_downgrade, FALSE) AS is_downgrade,
        date_diff('second', valid_from, valid_to) AS seconds
    FROM followed
    LEFT JOIN downgrades USING (version, next_version)
),
by_use AS (
    SELECT
        subject, name, family_url, version, repository_id, use_id, any_value(full_name) AS full_name, list(DISTINCT wrote) AS wrote,
        min(valid_from) AS held_since, coalesce(sum(seconds), 0)::BIGINT AS seconds, max(valid_from) FILTER (WHERE valid_to IS NULL) AS running_since,
        max(valid_to) FILTER (WHERE is_downgrade) AS went_back_at,
        arg_max({'to': next_version, 'is_return': is_return}, valid_to) FILTER (WHERE is_downgrade) AS back
    FROM judged
    GROUP BY ALL
)
SELECT
    subject,
    name,
    family_url,
    version,
    list_sort(list_distinct(flatten(list(wrote)))) AS written,
    repository_id,
    any_value(full_name) AS full_name,
    min(held_since) AS held_since,
    coalesce(max(seconds) FILTER (WHERE running_since IS NULL), 0) / 86400 AS days_ended,
    min(running_since - to_seconds(seconds)) AS counts_since,
    max(went_back_at) AS went_back_at,
    arg_max(back.to, went_back_at) AS went_back_to,
    bool_or(back.is_return) AS is_rollback
FROM by_use
GROUP BY subject, name, family_url, version, repository_id
ORDER BY subject, name, family_url, version, repository_id
