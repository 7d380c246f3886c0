"""How many steps of real histories have no direction: at most 3 in 100, with nothing left out.

`version_pairs.tsv` holds what nine histories of the corpus have: 44,655 steps of charts and images from one text to
another. It has one line for each shape of a step (letters and digits alike), with the number of such steps and the
first of them. The corpus itself, where it is at hand, is counted step by step. Ranges, moving tags and commits count
as unknown, as they are.
"""

from pathlib import Path

import duckdb
import pytest

from kubestats_pipeline.warehouse.marts import FUNCTIONS
from kubestats_pipeline_tests.warehouse.published_corpus import PublishedCorpus, publish_corpus

SAMPLE = Path(__file__).parent / "version_pairs.tsv"
MOST = 0.03

PAIRS = """
WITH before AS (
    SELECT
        *, lag(images) OVER own AS images_before, lag(chart_name) OVER own AS chart_before,
        lag(chart_url) OVER own AS url_before
    FROM resource_events
    WINDOW own AS (PARTITION BY repository_id, resource_id ORDER BY sequence)
),
steps AS (
    SELECT version_before AS old, version_after AS new
    FROM before
    WHERE event_type = 'MODIFIED' AND resolution <> 'not_applicable' AND chart_before = chart_name
        AND url_before IS NOT DISTINCT FROM chart_url
    UNION ALL
    SELECT
        list_filter(images_before, lambda each: each.image = named.image)[1].tag,
        named.tag
    FROM (SELECT *, unnest(images) AS named FROM before WHERE event_type = 'MODIFIED') AS imaged
    WHERE len(list_filter(images_before, lambda each: each.image = named.image)) = 1
        AND len(list_filter(images, lambda each: each.image = named.image)) = 1
)
SELECT count(*), count(*) FILTER (WHERE version_direction(old, new) = 'unknown') FROM steps WHERE old <> new
"""


def share_of(published: PublishedCorpus) -> float:
    with published.connect() as connection:
        steps, unknown = connection.execute(PAIRS).fetchone()
    assert steps > 100
    return unknown / steps


def test_the_steps_of_nine_real_histories_have_a_direction():
    with duckdb.connect() as connection:
        for function in FUNCTIONS:
            connection.execute(f"CREATE MACRO {function.signature} AS {function.sql}")
        columns = "{'steps': 'BIGINT', 'old': 'VARCHAR', 'new': 'VARCHAR'}"
        sample = f"read_csv('{SAMPLE}', delim = '\t', header = false, columns = {columns})"
        query = f"SELECT sum(steps), sum(steps) FILTER (WHERE version_direction(old, new) = 'unknown') FROM {sample}"
        steps, unknown = connection.execute(query).fetchone()
    assert steps == 44_655
    assert 0 < unknown / steps <= MOST


def test_the_steps_of_the_small_repositories_have_a_direction(published_corpus):
    assert share_of(published_corpus) <= MOST


@pytest.mark.slow
def test_the_steps_of_larger_repositories_have_a_direction(tmp_path):
    assert share_of(publish_corpus(tmp_path, ("pascaliske/infrastructure",))) <= MOST
