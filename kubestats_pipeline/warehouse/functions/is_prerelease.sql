-- True if the text after the numbers of a version says that it comes before the version itself: alpha, beta, rc, dev, nightly and the like.
-- parameter rest: the text after the numbers, such as -rc.1 or b147
regexp_matches(
    lower(rest),
    '(^|[^a-z])(alpha|beta|rc|cr|pre|preview|prerelease|dev|develop|snapshot|nightly|canary|next|unstable|edge|ea|milestone|test|testing|experimental|insiders|ci|pr|main|master)([^a-z]|$)|^[-_.]?[abm]\d'
)
