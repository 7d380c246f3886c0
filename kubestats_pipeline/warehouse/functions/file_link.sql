-- The address of a line of a file of a repository at a commit, in the form of its host: GitHub, GitLab, Bitbucket, SourceHut, or Forgejo and
-- Gitea. {path} and {line} are in the places of the two, and what begins with # belongs to the line alone. Null for a host whose form is not
-- known. Enterprise hosts are known by the identity that they gave, or by their name. The rules are those of hosts/forges.py, which addresses
-- trees and commits.
-- parameter page: the page of the repository for people, html_url
-- parameter identity: its repository_id
-- parameter commit: the commit
CASE
    WHEN regexp_matches(split_part(identity, ':', 1) || ' ' || split_part(page, '/', 3), 'github')
        THEN page || '/blob/' || commit || '/{path}#L{line}'
    WHEN regexp_matches(split_part(identity, ':', 1) || ' ' || split_part(page, '/', 3), 'gitlab|framagit|salsa\.debian|invent\.kde')
        THEN page || '/-/blob/' || commit || '/{path}#L{line}'
    WHEN regexp_matches(split_part(page, '/', 3), 'codeberg|gitea|forgejo|disroot')
        THEN page || '/src/commit/' || commit || '/{path}#L{line}'
    WHEN regexp_matches(page, 'bitbucket[^/]*/scm/')
        THEN regexp_replace(page, '/scm/([^/]+)/([^/]+)$', '/projects/\1/repos/\2/browse/{path}?at=') || commit || '#{line}'
    WHEN contains(split_part(page, '/', 3), 'bitbucket')
        THEN page || '/src/' || commit || '/{path}#lines-{line}'
    WHEN contains(split_part(page, '/', 3), 'git.sr.ht')
        THEN page || '/tree/' || commit || '/item/{path}#L{line}'
END
