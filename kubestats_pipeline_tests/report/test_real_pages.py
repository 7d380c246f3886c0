"""The pages of real repositories in a real browser."""

import pytest

from kubestats_pipeline_tests.report.browser import examine, in_browser, needs_browser, one_of_each_kind
from kubestats_pipeline_tests.report.site_reader import ReadSite


@needs_browser
@pytest.mark.slow
def test_every_kind_of_page_of_real_repositories_is_silent_accessible_and_fits_a_phone(corpus_site: ReadSite) -> None:
    with in_browser(corpus_site.folder) as pages:
        assert examine(pages, one_of_each_kind(corpus_site)) == {}
