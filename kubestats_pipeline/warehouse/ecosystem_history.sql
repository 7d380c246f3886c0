-- Prepares what ecosystem_stats.sql asks once per day: when each repository lived and when each resource existed.
-- Reads the tables repositories, resources and resource_events; days are UTC.

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
    retired_at::DATE AS retired_day
FROM repositories
LEFT JOIN first_events USING (repository_id);

CREATE TABLE retirements AS
SELECT repository_id, retired_day FROM repository_lives WHERE retired_day IS NOT NULL;

CREATE TABLE daily_events AS
SELECT
    event_timestamp::DATE AS day,
    repository_id,
    count(*) AS events,
    count(*) FILTER (WHERE event_type IN ('CREATED', 'RESURRECTED')) AS created,
    count(*) FILTER (WHERE event_type = 'MODIFIED') AS modified,
    count(*) FILTER (WHERE event_type = 'DELETED') AS deleted
FROM resource_events
GROUP BY ALL;

-- One row per resource and day with an event: the state that folding all its events up to that day gives, by sequence and not
-- by time, since commit clocks can run backwards; it holds until the next such row. The chart is the present one, for events
-- do not carry it; context and what counts as a release are those of the view releases.
CREATE TABLE resource_days AS
WITH daily AS (
    SELECT
        resource_id,
        repository_id,
        event_timestamp::DATE AS day,
        max(sequence) AS last_sequence,
        arg_max({'event_type': event_type, 'kind': resource_kind}, sequence) AS last_event
    FROM resource_events
    GROUP BY ALL
),
folded AS (
    SELECT
        resource_id,
        repository_id,
        day AS from_day,
        lead(day) OVER days AS until_day,
        arg_max(last_event, last_sequence) OVER days AS state
    FROM daily
    WINDOW days AS (PARTITION BY repository_id, resource_id ORDER BY day)
)
SELECT
    resource_id,
    folded.repository_id,
    from_day,
    until_day,
    state.event_type <> 'DELETED' AS exists_then,
    state.kind AS kind,
    CASE
        WHEN resources.context = 'active' AND resources.api_group <> 'source.toolkit.fluxcd.io' THEN resources.chart_name
    END AS chart_name
FROM folded
LEFT JOIN resources USING (resource_id);
