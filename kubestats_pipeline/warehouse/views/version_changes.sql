-- One row per event that changed the version of a resource which still existed after it, in every context. Two images or
-- two charts are not two versions of one thing: an event that puts another first is left out. Of
-- an image that moved (image_renames) the old name and the new one are one image.
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
-- context: active, archived, template, test or bootstrap, from its present path
-- version_before: version as written before, or null where none was
-- version_after: version as written after, or null where none is
WITH changed AS (
    SELECT *
    FROM resource_events
    WHERE event_type = 'MODIFIED' AND version_before IS DISTINCT FROM version_after
),
before AS (
    SELECT event_id, lag(images) OVER own AS images, lag(chart_name) OVER own AS chart_name
    FROM resource_events
    WHERE resource_id IN (SELECT resource_id FROM changed)
    WINDOW own AS (PARTITION BY resource_id ORDER BY sequence)
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
LEFT JOIN before USING (event_id)
LEFT JOIN resource_overview AS overview USING (resource_id)
LEFT JOIN image_renames
    ON starts_with(versioned_image(before.images, events.version_before), old_place)
    AND replace(versioned_image(before.images, events.version_before), old_place, new_place)
    = versioned_image(events.images, events.version_after)
WHERE
    CASE
        WHEN events.version_before IS NULL OR events.version_after IS NULL THEN TRUE
        WHEN events.resolution <> 'not_applicable' THEN coalesce(before.chart_name = events.chart_name, TRUE)
        ELSE
            versioned_image(before.images, events.version_before) IS NOT DISTINCT FROM versioned_image(events.images, events.version_after)
            OR new_place IS NOT NULL
    END
