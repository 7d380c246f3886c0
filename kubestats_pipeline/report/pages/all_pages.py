"""All kinds of pages, in the order in which they are made and listed in the sitemap."""

from kubestats_pipeline.report.pages.about import ABOUT
from kubestats_pipeline.report.pages.apps import APP, APPS
from kubestats_pipeline.report.pages.charts import CHART, CHARTS
from kubestats_pipeline.report.pages.ecosystem import ECOSYSTEM
from kubestats_pipeline.report.pages.events import EVENTS_PAGE
from kubestats_pipeline.report.pages.freshness import FRESHNESS
from kubestats_pipeline.report.pages.images import IMAGE, IMAGES
from kubestats_pipeline.report.pages.kinds import KIND, KINDS
from kubestats_pipeline.report.pages.quality import QUALITY
from kubestats_pipeline.report.pages.repositories import REPOSITORIES
from kubestats_pipeline.report.pages.repository import REPOSITORY
from kubestats_pipeline.report.pages.resources import RESOURCES_PAGE
from kubestats_pipeline.report.pages.settings import SETTING, SETTINGS
from kubestats_pipeline.report.pages.start import START
from kubestats_pipeline.report.parts.page import PageKind

KINDS_OF_PAGES: tuple[PageKind, ...] = (
    START,
    ECOSYSTEM,
    CHARTS,
    APPS,
    IMAGES,
    REPOSITORIES,
    KINDS,
    SETTINGS,
    QUALITY,
    FRESHNESS,
    ABOUT,
    CHART,
    APP,
    IMAGE,
    KIND,
    SETTING,
    REPOSITORY,
    EVENTS_PAGE,
    RESOURCES_PAGE,
)
"""Pages of which there is one come first, those of repositories last."""

MENU = tuple(kind for kind in KINDS_OF_PAGES if kind.menu)
"""The pages that every page leads to."""
