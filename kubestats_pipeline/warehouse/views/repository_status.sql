-- One row per repository that any stage knows, with the outcome of its last sync and its last scan.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- html_url: the page for people
-- status: active, blocked, pending_approval or retired, or null where discovery does not know the repository
-- status_reason: why, where status is not active
-- sync_status: synced, unchanged, error, empty, too_large, gone or unsupported, or null before the first sync
-- sync_error: what failed in the last sync and what to do
-- last_sync_at: when the last sync ended
-- consecutive_failures: failed syncs since the last success
-- next_attempt_at: a sweep leaves a failing repository alone until then
-- head_commit: commit that the mirror holds
-- head_committed_at: committer time of head_commit
-- history_since: committer time of the oldest first-parent commit of the mirror
-- scan_status: scanned or error, or null before the first scan
-- scan_error: what failed in the last scan and what to do
-- last_scan_at: when the last scan ended
-- scanned_commit: commit that the resources stand for
-- is_scan_current: the resources stand for head_commit, or null before the first sync
-- resources_count: active resources
-- events_count: events in the log
-- problems_count: open problems
-- gitops_engine: flux, argocd, fleet, helmfile or none
SELECT
    repository_id,
    coalesce(repositories.full_name, snapshots.full_name, scans.full_name) AS full_name,
    repositories.html_url,
    repositories.status,
    repositories.status_reason,
    snapshots.sync_status,
    snapshots.sync_error,
    snapshots.last_sync_at,
    snapshots.consecutive_failures,
    snapshots.next_attempt_at,
    snapshots.head_commit,
    snapshots.head_committed_at,
    snapshots.history_since,
    scans.scan_status,
    scans.scan_error,
    scans.last_scan_at,
    scans.scanned_commit,
    CASE WHEN snapshots.head_commit IS NOT NULL THEN scanned_commit IS NOT DISTINCT FROM head_commit END AS is_scan_current,
    scans.resources_count,
    scans.events_count,
    scans.problems_count,
    scans.gitops_engine
FROM repositories
FULL JOIN snapshots USING (repository_id)
FULL JOIN scans USING (repository_id)
ORDER BY full_name
