-- One row per event that changed the version of a resource which still existed after it, in every context. Tags of two images
-- are not two versions of one thing: an event that puts another image first is left out.
-- event_id: the event
-- resource_id: the resource
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- changed_at: committer time of the commit
-- commit_sha: commit
-- author_kind: human, renovate, dependabot, flux or other_bot
-- kind: kind of the resource
-- name: name of the resource after the event
-- app_name: application that the resource runs now
-- chart_name: chart that the resource stands for now
-- context: active, archived, template or test, from its present path
-- version_before: version as written before, or null where none was
-- version_after: version as written after, or null where none is
WITH changed AS (
    SELECT *
    FROM resource_events
    WHERE event_type = 'MODIFIED' AND version_before IS DISTINCT FROM version_after
),
images_before AS (
    SELECT event_id, lag(images) OVER (PARTITION BY resource_id ORDER BY sequence) AS images
    FROM resource_events
    WHERE resource_id IN (SELECT resource_id FROM changed WHERE resolution = 'not_applicable')
)
SELECT
    events.event_id,
    events.resource_id,
    events.repository_id,
    coalesce(overview.full_name, events.full_name) AS full_name,
    events.event_timestamp AS changed_at,
    events.commit_sha,
    events.author_kind,
    events.resource_kind AS kind,
    events.resource_name AS name,
    overview.app_name,
    overview.chart_name,
    overview.context,
    events.version_before,
    events.version_after
FROM changed AS events
LEFT JOIN images_before USING (event_id)
LEFT JOIN resource_overview AS overview USING (resource_id)
WHERE coalesce(
    list_filter(images_before.images, lambda each: each.role = 'main' AND each.tag = events.version_before)[1].image
    = list_filter(events.images, lambda each: each.role = 'main' AND each.tag = events.version_after)[1].image,
    TRUE
)
