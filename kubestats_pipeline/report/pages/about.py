"""The page about the numbers: how things are counted, and how to ask the same questions oneself."""

from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

TABLES = Section(
    "Tables to ask",
    """
SELECT view_name AS name, split_part(comment, '. ', 1) AS one_row_is
FROM duckdb_views()
WHERE NOT internal AND NOT temporary
UNION ALL
SELECT table_name, split_part(comment, '. ', 1)
FROM duckdb_tables()
WHERE NOT internal AND NOT temporary
""",
    order="name",
    note="Tables and views of the published file.",
)

ABOUT = PageKind(
    "about",
    lambda _: "about.html",
    lambda _: "About the numbers",
    (TABLES,),
    lead=lambda _: "How things are counted, and how to ask the same questions yourself.",
    template="about.html",
    menu="About",
)
