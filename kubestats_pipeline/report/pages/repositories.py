"""The list of repositories, with what each runs and how its last sync and scan went."""

from kubestats_pipeline.report.parts.page import PageKind
from kubestats_pipeline.report.parts.sections import Section

LIST = Section(
    "Repositories",
    """
SELECT
    overview.full_name, overview.stars_count AS stars, overview.gitops_engine AS engine, overview.language,
    overview.releases,
    overview.charts, overview.apps, overview.resources, CAST(overview.last_event_at AS DATE) AS last_change,
    CASE
        WHEN overview.status <> 'active' THEN overview.status
        WHEN health.sync_status NOT IN ('synced', 'unchanged') THEN 'sync: ' || health.sync_status
        WHEN health.scan_status <> 'scanned' THEN 'scan: ' || health.scan_status
        ELSE 'active'
    END AS status
FROM repository_overview AS overview
JOIN repository_status AS health ON health.repository_id = overview.repository_id
""",
    order="stars DESC NULLS LAST, full_name, status",
    limit=5000,
)

REPOSITORIES = PageKind(
    "repositories",
    lambda _: "repositories/index.html",
    lambda _: "Repositories",
    (LIST,),
    lead=lambda _: (
        "Every repository that was ever seen here. Filter by any word, such as a status, an engine or a language."
    ),
    menu="Repositories",
)
