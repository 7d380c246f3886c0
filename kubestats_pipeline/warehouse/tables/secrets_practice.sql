-- One row per repository and way in which it keeps secrets, now and in scope. Ways and numbers only: no value is known here.
-- External ones are fetched from a store by an operator (ExternalSecret and its like), sealed ones are SealedSecrets, sops ones are encrypted in
-- the file. Of other Secrets, substituted ones hold `${…}` and nothing else, for Flux to fill in. Plain ones hold some value in clear. Empty
-- ones hold none, because a controller fills them.
-- repository_id: identity of the repository
-- full_name: the repository's present name
-- practice: external, sealed, sops, substituted, plain or empty
-- resources: resources of it, for sops also files whose very kind is encrypted
-- kinds: their kinds
-- first_at: committer time of the oldest of them
-- is_lower_bound: the repository's log begins with that one, so that it has kept them so at least since then
WITH kept AS (
    SELECT
        repository_id,
        full_name,
        kind,
        created_at,
        created_commit,
        json_extract_string(data, '$.sops') IS NOT NULL AS is_sops,
        CASE WHEN kind = 'Secret' AND api_group = '' THEN list_concat(
            json_extract_string(data, '$.data.*'), json_extract_string(data, '$.stringData.*')
        ) END AS texts,
        CASE
            WHEN is_sops THEN 'sops'
            WHEN kind = 'SealedSecret' THEN 'sealed'
            WHEN kind IN (
                'ExternalSecret', 'ClusterExternalSecret', 'SecretProviderClass', 'OnePasswordItem', 'InfisicalSecret', 'DopplerSecret',
                'BitwardenSecret', 'VaultStaticSecret', 'VaultDynamicSecret', 'VaultPKISecret', 'VaultSecret', 'AkeylessSecret'
            ) THEN 'external'
            WHEN kind <> 'Secret' OR api_group <> '' THEN NULL
            WHEN len(texts) = 0 THEN 'empty'
            WHEN len(list_filter(texts, lambda text: NOT regexp_full_match(text, '(\$\{[^}]*\}\s*)+'))) = 0 THEN 'substituted'
            ELSE 'plain'
        END AS practice
    FROM resources
    WHERE status = 'ACTIVE' AND context = 'active'
    UNION ALL
    SELECT repository_id, full_name, 'encrypted', first_seen_at, commit_sha, TRUE, NULL, 'sops'
    FROM scan_problems
    WHERE problem = 'encrypted_kind'
)
SELECT
    repository_id,
    coalesce(any_value(repositories.full_name), any_value(kept.full_name)) AS full_name,
    practice,
    count(*) AS resources,
    list(DISTINCT kind ORDER BY kind) AS kinds,
    min(kept.created_at) AS first_at,
    coalesce(arg_min(created_commit = first_commit, (kept.created_at, created_commit <> first_commit)), FALSE) AS is_lower_bound
FROM kept
LEFT JOIN repository_logs USING (repository_id)
LEFT JOIN repositories USING (repository_id)
WHERE practice IS NOT NULL AND coalesce(repositories.status NOT IN ('blocked', 'retired'), TRUE)
GROUP BY repository_id, practice
ORDER BY full_name, practice
