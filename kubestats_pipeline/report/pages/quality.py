"""The page about the quality of the data: what could not be read or resolved, and where."""

from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

TOTALS = Section(
    "In short",
    """
SELECT
    sum(releases) AS releases, sum(exact) AS exact, sum(ambiguous) AS ambiguous, sum(unresolved) AS unresolved,
    sum(exact) / sum(releases) AS share_exact, sum(problems) AS unread_files
FROM repository_quality
""",
    shape="facts",
)

REASONS = Section(
    "Why things could not be read or resolved",
    "SELECT area, problem, reason, repositories, occurrences FROM unresolved_reasons",
    order="area, occurrences DESC, problem, reason",
    limit=100,
)

REPOSITORIES = Section(
    "Repositories with most to improve",
    """
SELECT full_name, releases, share_exact, ambiguous, unresolved, without_version, problems, implausible_commits
FROM repository_quality
WHERE ambiguous + unresolved + problems + implausible_commits > 0
""",
    order="ambiguous + unresolved DESC, problems DESC, full_name",
    limit=200,
)

WITHHELD = Section(
    "Withheld settings",
    """
SELECT value_type, count(*) AS settings, count(*) FILTER (WHERE is_withheld) AS withheld
FROM setting_uses
WHERE in_scope
GROUP BY value_type
""",
    order="settings DESC, value_type",
    note="Values that could tell of a person are withheld: hosts and addresses always, words of one's own until three "
    "repositories share the value.",
)

QUALITY = PageKind(
    "quality",
    lambda _: "quality.html",
    lambda _: "Quality of the data",
    (TOTALS, REASONS, REPOSITORIES, WITHHELD),
    lead=lambda _: "How much of what people declare is understood, and what is not.",
    menu="Quality",
)
