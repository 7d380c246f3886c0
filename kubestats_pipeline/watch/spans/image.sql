-- Spans of the uses of one image, in scope. Its version is the tag, else the digest. Where one use runs two of them at once, nobody can tell
-- which became which: it has none.
-- parameter called: as in who_runs
WITH named AS (
    SELECT *, unnest(list_filter(images, lambda one: is_called(one.image, $called))) AS named_image
    FROM use_spans
    WHERE in_scope AND len(images) > 0 AND api_group <> 'image.toolkit.fluxcd.io'
)
SELECT
    repository_id, use_id, sequence, valid_from, valid_to, commit_sha, ended_commit, named_image.image AS subject,
    NULL::VARCHAR AS address, if(count(DISTINCT coalesce(named_image.tag, named_image.digest)) = 1, min(coalesce(named_image.tag, named_image.digest)), NULL) AS version
FROM named
GROUP BY ALL
