-- One row per chart family or image, version and repository that ever ran it, in scope: for how long, and if the repository went back from it.
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
-- days_held: days for which one release or workload ran it in all, the longest of them, up to reference_at of reference_moment
-- is_held: it runs there now
-- went_back_at: committer time of the last step from it down to a lower version, or null where nobody went back
-- went_back_to: the lower version, without a leading v, or null
-- is_rollback: that release or workload had run the lower version before, or null where nobody went back
SELECT
    subject,
    name,
    family_url,
    version,
    written,
    repository_id,
    full_name,
    held_since,
    greatest(days_ended, coalesce(date_diff('second', counts_since, reference_at), 0) / 86400) AS days_held,
    counts_since IS NOT NULL AS is_held,
    went_back_at,
    went_back_to,
    is_rollback
FROM version_spells
CROSS JOIN reference_moment
