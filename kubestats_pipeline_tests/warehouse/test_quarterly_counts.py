"""How many resources of some kinds there were at each quarter's beginning, against a plain `git grep` of that commit.

`resources_as_of` keeps what a file last said while it cannot be read, and counts documents; grep counts lines.
"""

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kubestats_pipeline_tests.corpus import LARGER, LARGEST, SMALL
from kubestats_pipeline_tests.warehouse.published_corpus import PublishedCorpus, publish_corpus

QUARTERS = [
    datetime.datetime(year, month, 1, tzinfo=datetime.UTC)
    for year in range(2023, 2027)
    for month in (1, 4, 7, 10)
    if (year, month) <= (2026, 7)
]
KINDS = ("HelmRelease", "OCIRepository", "HelmRepository", "HTTPRoute")
CHART_REF = "chartRef"

AS_OF = """
SELECT full_name, kind, count(*), count(*) FILTER (WHERE (data->'$.spec.chartRef') IS NOT NULL)
FROM resources_as_of($moment)
WHERE list_contains($kinds, kind)
GROUP BY full_name, kind
"""

Counts = Counter[tuple[str, str]]


def counts_of_warehouse(published: PublishedCorpus, moment: datetime.datetime) -> Counts:
    found: Counts = Counter()
    with published.connect() as connection:
        for full_name, kind, resources, with_chart_ref in connection.execute(
            AS_OF, {"moment": moment, "kinds": KINDS}
        ).fetchall():
            found[full_name, kind] = resources
            found[full_name, CHART_REF] += with_chart_ref
    return +found


def counts_of_git(published: PublishedCorpus, names: Sequence[str], moment: datetime.datetime) -> Counts:
    """Lines at the left margin that say `kind: …`, and lines that open a `chartRef` in a spec."""
    found: Counts = Counter()
    for full_name in names:
        before = f"--before={int(moment.timestamp())}"
        commit = published.git(full_name, "rev-list", "-1", "--first-parent", before, "main").strip()
        for line in grep(published, full_name, commit) if commit else ():
            word = line.split("#")[0].split(":")[1].strip().strip("\"'")
            found[full_name, word or CHART_REF] += 1
    return found


def grep(published: PublishedCorpus, full_name: str, commit: str) -> Iterator[str]:
    pattern = rf"^(kind: *[\"']?({'|'.join(KINDS)})[\"']?|  chartRef:)[[:space:]]*(#.*)?$"
    arguments = ("grep", "-h", "-E", "-e", pattern, commit, "--", "*.yaml", "*.yml")
    return iter(published.git(full_name, *arguments, allow=1).splitlines())


@pytest.mark.parametrize("quarter", QUARTERS, ids=lambda quarter: f"{quarter:%Y-%m}")
def test_a_quarter_of_the_small_repositories_is_what_git_finds(published_corpus: PublishedCorpus, quarter):
    found = counts_of_warehouse(published_corpus, quarter)
    assert found == counts_of_git(published_corpus, SMALL, quarter)
    assert found["fluxcd/flux2-kustomize-helm-example", "HelmRelease"] > 2


@pytest.mark.slow
def test_every_quarter_of_the_whole_corpus_is_what_git_finds(tmp_path: Path):
    """More than 5,000 HelmReleases over all quarters, on seven histories of 60,000 commits."""
    names = (*SMALL, *LARGER, *LARGEST)
    published, totals = publish_corpus(tmp_path, names), Counter[str]()
    for quarter in QUARTERS:
        found = counts_of_warehouse(published, quarter)
        assert found == counts_of_git(published, names, quarter), quarter
        for (_, kind), count in found.items():
            totals[kind] += count
    assert {kind for kind, count in totals.items() if count > 100} == {*KINDS, CHART_REF}
