-- Prepares what ecosystem_stats.sql asks of any number of days: timelines of all counts, one row where a count changes.
-- Reads the tables repositories, resources, resource_events, applied_events and scans. Days are UTC.
-- Counts of repositories leave out those that were retired on that day or before. Counts of resources and events take all.

-- A commit with an impossible date makes no days: where one of a repository is older than Kubernetes' first public commit, its events count from
-- the earliest plausible time that follows in the log.
CREATE TABLE corrections AS
SELECT log, repository_id, sequence, plausible_at
FROM (
    SELECT
        *,
        min(event_timestamp) FILTER (WHERE event_timestamp >= TIMESTAMPTZ '2014-06-06 00:00:00+00') OVER (
            PARTITION BY log, repository_id ORDER BY sequence DESC
        ) AS plausible_at
    FROM (
        SELECT 'resources' AS log, repository_id, sequence, event_timestamp FROM resource_events
        UNION ALL
        SELECT 'applied', repository_id, sequence, event_timestamp FROM applied_events
    )
    WHERE repository_id IN (
        SELECT repository_id FROM resource_events WHERE event_timestamp < TIMESTAMPTZ '2014-06-06 00:00:00+00'
    )
)
WHERE event_timestamp < TIMESTAMPTZ '2014-06-06 00:00:00+00' AND plausible_at IS NOT NULL;

UPDATE resource_events SET event_timestamp = plausible_at
FROM corrections
WHERE log = 'resources' AND corrections.repository_id = resource_events.repository_id AND corrections.sequence = resource_events.sequence;

UPDATE applied_events SET event_timestamp = plausible_at
FROM corrections
WHERE log = 'applied' AND corrections.repository_id = applied_events.repository_id AND corrections.sequence = applied_events.sequence;

-- One row per log whose beginning is known: the day from which on its repository is seen. Its first commit holds what was there
-- before, so that it creates nothing. Where retention has archived events, the log is older than all days that can be computed.
CREATE TABLE log_beginnings AS
SELECT repository_id, min(event_timestamp)::DATE AS begins_on, arg_min(commit_sha, sequence) AS first_commit
FROM resource_events
LEFT JOIN scans USING (repository_id)
GROUP BY repository_id
HAVING coalesce(any_value(complete_from), 0) = 0;

-- One row per repository that discovery knows, from its creation on the host, its first event or its discovery on,
-- whichever came first.
CREATE TABLE repository_lives AS
WITH first_events AS (
    SELECT repository_id, min(event_timestamp) AS first_event_at FROM resource_events GROUP BY repository_id
)
SELECT
    repository_id,
    language,
    topics,
    least(created_at, discovered_at, first_event_at)::DATE AS first_day,
    first_day IS NOT DISTINCT FROM created_at::DATE AS is_created,
    retired_at::DATE AS retired_day
FROM repositories
LEFT JOIN first_events USING (repository_id);

CREATE TABLE daily_events AS
SELECT
    event_timestamp::DATE AS day,
    repository_id,
    count(*) AS events,
    count(*) FILTER (WHERE event_type IN ('CREATED', 'RESURRECTED') AND commit_sha IS DISTINCT FROM first_commit) AS created,
    count(*) FILTER (WHERE event_type = 'MODIFIED') AS modified,
    count(*) FILTER (WHERE event_type = 'DELETED') AS deleted
FROM resource_events
LEFT JOIN log_beginnings USING (repository_id)
GROUP BY ALL;

-- One row per repository of which retention has archived events: how many, and the last day that had some of them. Up to its end
-- days cannot be computed any more. From then on everything can, because each resource's last event stays.
CREATE TABLE retirements AS
SELECT
    repository_id,
    arg_max(event_timestamp, sequence)::DATE AS last_day,
    any_value(complete_from) - count(*) AS events
FROM resource_events
JOIN scans USING (repository_id)
WHERE sequence < complete_from
GROUP BY repository_id;

INSERT INTO daily_events SELECT last_day, repository_id, events, 0, 0, 0 FROM retirements;

-- One row per resource, or object of a cluster, and day with an event on which it exists: the state that folding all its events up to that day gives,
-- by sequence and not by time, since commit clocks can run backwards. It holds until the next day with an event. What counts
-- as a release is what the view releases shows.
CREATE TABLE stays AS
WITH logged AS (
    SELECT
        FALSE AS is_in_cluster, resource_id AS id, repository_id, event_timestamp, sequence, event_type, resource_kind AS kind, context,
        resolution, chart_name
    FROM resource_events
    UNION ALL
    SELECT TRUE, applied_id, repository_id, event_timestamp, sequence, event_type, kind, context, resolution, chart_name
    FROM applied_events
),
daily AS (
    SELECT
        is_in_cluster,
        id,
        repository_id,
        event_timestamp::DATE AS day,
        max(sequence) AS last_sequence,
        arg_max(
            {
                'event_type': event_type,
                'kind': kind,
                'chart': CASE WHEN context = 'active' AND resolution <> 'not_applicable' THEN chart_name END
            },
            sequence
        ) AS last_event
    FROM logged
    GROUP BY ALL
),
folded AS (
    SELECT
        is_in_cluster,
        id,
        repository_id,
        day AS from_day,
        lead(day) OVER days AS until_day,
        arg_max(last_event, last_sequence) OVER days AS state
    FROM daily
    WINDOW days AS (PARTITION BY is_in_cluster, repository_id, id ORDER BY day)
)
SELECT
    is_in_cluster,
    id,
    folded.repository_id,
    from_day,
    until_day,
    repository_lives.retired_day,
    from_day < coalesce(retired_day, DATE 'infinity') AS is_living,
    state.kind AS kind,
    state.chart AS chart_name
FROM folded
LEFT JOIN repository_lives ON repository_lives.repository_id = folded.repository_id
WHERE state.event_type <> 'DELETED';

-- What people run: objects of clusters, and documents as long as their repository did not tell what is applied.
CREATE TABLE uses AS
WITH beginnings AS (
    SELECT repository_id, arg_min(event_timestamp, sequence)::DATE AS told_day FROM applied_events GROUP BY repository_id
),
told AS (
    SELECT stays.*, CASE WHEN NOT is_in_cluster AND is_applied IS NOT NULL THEN coalesce(told_day, '-infinity') END AS told_day
    FROM stays
    LEFT JOIN resources ON resources.resource_id = stays.id
    LEFT JOIN beginnings ON beginnings.repository_id = stays.repository_id
)
SELECT repository_id, chart_name, is_living, from_day, least(until_day, retired_day, told_day) AS until_day
FROM told
WHERE told_day IS NULL OR from_day < told_day;

-- Every gain and loss of something that is counted: `breakdown` is what, `key` which one of its kind (empty for a plain total).
-- Of what is counted by repository, `repository_id` is set: several gains of one repository are one.
CREATE TABLE gains AS
SELECT 'active_resources' AS breakdown, '' AS key, NULL AS repository_id, from_day, until_day FROM stays WHERE NOT is_in_cluster
UNION ALL
SELECT 'joined_resources_' || days, '', NULL, from_day, least(until_day, begins_on + days)
FROM stays
JOIN log_beginnings USING (repository_id)
CROSS JOIN (SELECT unnest([1, 7, 30])::INTEGER AS days)
WHERE NOT is_in_cluster AND from_day < begins_on + days
UNION ALL
SELECT 'resource_type_breakdown', kind, NULL, from_day, until_day FROM stays WHERE NOT is_in_cluster
UNION ALL
SELECT 'repositories_with_resources', '', repository_id, from_day, least(until_day, retired_day)
FROM stays
WHERE is_living AND NOT is_in_cluster
UNION ALL
SELECT 'popular_helm_charts', chart_name, repository_id, from_day, until_day
FROM uses
WHERE is_living AND chart_name IS NOT NULL
UNION ALL
SELECT 'total_resources', '', NULL, min(event_timestamp)::DATE, NULL FROM resource_events GROUP BY resource_id
UNION ALL
SELECT 'active_repositories', '', daily_events.repository_id, day, least(day + 30, retired_day)
FROM daily_events
LEFT JOIN repository_lives USING (repository_id)
WHERE day < coalesce(retired_day, DATE 'infinity')
UNION ALL
SELECT 'total_repositories', '', repository_id, first_day, retired_day FROM repository_lives
UNION ALL
SELECT 'total_joined_repositories', '', repository_id, first_day, NULL FROM repository_lives WHERE NOT is_created
UNION ALL
SELECT 'total_left_repositories', '', repository_id, retired_day, NULL FROM repository_lives WHERE retired_day IS NOT NULL
UNION ALL
SELECT 'language_breakdown', coalesce(language, 'unknown'), repository_id, first_day, retired_day FROM repository_lives
UNION ALL
SELECT 'popular_topics', topic, repository_id, first_day, retired_day
FROM (SELECT repository_id, first_day, retired_day, unnest(topics) AS topic FROM repository_lives);

-- The number of each thing from a day on, until the next row of the same thing.
CREATE TABLE timelines AS
WITH steps AS (
    SELECT breakdown, key, repository_id, from_day AS day, 1 AS step FROM gains
    UNION ALL
    SELECT breakdown, key, repository_id, until_day, -1 FROM gains WHERE until_day IS NOT NULL
),
held AS (
    SELECT breakdown, key, repository_id, day, sum(sum(step)) OVER things AS held
    FROM steps
    WHERE repository_id IS NOT NULL
    GROUP BY breakdown, key, repository_id, day
    WINDOW things AS (PARTITION BY breakdown, key, repository_id ORDER BY day)
),
flips AS (
    SELECT breakdown, key, day, (held > 0)::INTEGER - coalesce(lag(held) OVER things > 0, FALSE)::INTEGER AS step
    FROM held
    WINDOW things AS (PARTITION BY breakdown, key, repository_id ORDER BY day)
    UNION ALL
    SELECT breakdown, key, day, step FROM steps WHERE repository_id IS NULL
)
SELECT breakdown, key, day, (sum(sum(step)) OVER things)::BIGINT AS value
FROM flips
GROUP BY breakdown, key, day
WINDOW things AS (PARTITION BY breakdown, key ORDER BY day);

INSERT INTO timelines
SELECT 'total_resource_events', '', day, (sum(sum(events)) OVER (ORDER BY day))::BIGINT FROM daily_events GROUP BY day;
