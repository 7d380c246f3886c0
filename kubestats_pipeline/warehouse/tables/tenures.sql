-- One row per repository, chart, chart family or app, and time in which the repository ran it without a break: from its first resource to its last.
-- Uses count (see use_spans): what clusters run where the repository tells it. A chart is run by releases, an app by releases and by workloads of its name (Deployment, StatefulSet, DaemonSet, CronJob). In scope only.
-- An absence of less than 7 days, such as a move in two commits or a new installation, is not a break.
-- A tenure that began with the first commit of the repository's log is left-censored: it is older than the log. One that is running is
-- right-censored: its end is not known. Charts that could not be resolved count by name, without a chart_url, and belong to no family.
-- A family is one chart under all its addresses (chart_families): a move from one to another ends the tenure of the chart, but not that of the family.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- subject: chart, family or app
-- name: name of the chart or app, or null for charts whose repository does not say
-- chart_url: canonical location of the chart, family_url of a family, or null for apps, and where it could not be resolved
-- is_resolved: false for charts that could not be resolved, true for families and apps
-- started_at: committer time of the commit that began it
-- ended_at: committer time of the commit that ended it, or null while running
-- is_running: it has not ended
-- is_left_censored: it began with the first commit of the repository's log, whose time is not a date of adoption
-- started_commit: the commit that began it
-- ended_commit: the commit that ended it, or null while running
-- observed_until: the end, or while running the time of the repository's last commit that is known
-- days: days from the start to observed_until
WITH running AS (
    SELECT
        repository_id, full_name, chart_name, chart_url, is_resolved, is_release, app_name, sequence, valid_from, valid_to, is_first_snapshot,
        commit_sha, ended_commit
    FROM use_spans
    WHERE in_scope
        AND valid_to IS DISTINCT FROM valid_from
        AND (is_release OR kind IN ('Deployment', 'StatefulSet', 'DaemonSet', 'CronJob'))
),
uses AS (
    SELECT *, 'chart' AS subject, chart_name AS name, chart_url AS url, is_resolved AS resolved FROM running WHERE is_release
    UNION ALL
    SELECT running.*, 'family', running.chart_name, family_url, TRUE
    FROM running
    JOIN chart_families AS families ON families.chart_name = running.chart_name AND families.chart_url = running.chart_url
    WHERE is_release AND is_resolved
    UNION ALL
    SELECT *, 'app', app_name, NULL, TRUE FROM running WHERE app_name IS NOT NULL
),
bounded AS (
    SELECT *, coalesce(valid_to, 'infinity') AS until FROM uses
),
followed AS (
    SELECT
        *,
        max(until) OVER (
            PARTITION BY repository_id, subject, name, url, resolved
            ORDER BY valid_from, until ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_until
    FROM bounded
),
numbered AS (
    SELECT
        *,
        -- Nothing follows what lasts for ever, and infinity plus 7 days is no time.
        count(*) FILTER (WHERE covered_until IS NULL OR covered_until < valid_from - INTERVAL 7 DAY) OVER (
            PARTITION BY repository_id, subject, name, url, resolved ORDER BY valid_from, until
        ) AS number
    FROM followed
),
known AS (
    -- A clock that is ahead of this build's has seen nothing yet.
    SELECT repository_id, least(greatest(max(event_timestamp), any_value(head_committed_at)), any_value(built_at)) AS known_until
    FROM resource_events
    LEFT JOIN snapshots USING (repository_id)
    CROSS JOIN warehouse_info
    GROUP BY repository_id
),
joined AS (
    SELECT
        repository_id,
        any_value(full_name) AS full_name,
        subject,
        name,
        url AS chart_url,
        resolved AS is_resolved,
        min(valid_from) AS started_at,
        nullif(max(until), 'infinity') AS ended_at,
        bool_or(is_first_snapshot) AS is_left_censored,
        arg_min(commit_sha, (valid_from, sequence)) AS started_commit,
        arg_max(ended_commit, (until, sequence)) AS last_commit
    FROM numbered
    GROUP BY repository_id, subject, name, url, resolved, number
)
SELECT
    repository_id,
    full_name,
    subject,
    name,
    chart_url,
    is_resolved,
    started_at,
    ended_at,
    ended_at IS NULL AS is_running,
    is_left_censored,
    started_commit,
    CASE WHEN ended_at IS NOT NULL THEN last_commit END AS ended_commit,
    coalesce(ended_at, known_until) AS observed_until,
    greatest(date_diff('second', started_at, coalesce(ended_at, known_until)), 0) / 86400 AS days
FROM joined
JOIN known USING (repository_id)
ORDER BY subject, name, chart_url, repository_id, started_at
