"""`kubestats chart`, `app`, `image`, `repo`, `grep` and `tables`: answers for people, and all rows for programs."""

import csv
import io
import json
import re
from pathlib import Path

import duckdb
import pytest
from rich.cells import cell_len

from kubestats_pipeline.ask import questions
from kubestats_pipeline.ask.published import PublishedFile
from kubestats_pipeline.ask.questions import read_query
from kubestats_pipeline.cli.answers.answer import SectionRows, SubjectAnswer, show_answer
from kubestats_pipeline.cli.answers.formats import AnswerFormat
from kubestats_pipeline.cli.answers.sections import ANSWERS, SubjectSection
from kubestats_pipeline_tests.cli.terminal import on_terminal
from kubestats_pipeline_tests.demo import demo  # noqa: F401 - a fixture

NAMES = {"chart": "app-template", "app": "jellyfin", "image": "jellyfin", "repo": "local/aurora/home-cluster"}
QUERIES = Path(questions.__file__).parent / "queries"


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize(("subject", "name"), [*NAMES.items(), ("grep", "replicas: ")])
def test_a_name_is_told_about_without_sql_on_lines_that_fit(demo, subject, name, width):  # noqa: F811
    """users.md 14."""
    status, lines = on_terminal(demo.directory, subject, name, "--no-pager", width=width)
    assert status == 0
    titles = [section.title for section in ANSWERS[subject].sections]
    assert [title for title in titles if not any(line.startswith(title) for line in lines)] == []
    tables = [line for line in lines if "  " in line.strip() and not line.startswith(("…", "  "))]
    assert tables
    assert [line for line in tables if cell_len(line) > width and re.match(r"[a-z_]+  ", line) is None] == []
    assert re.search(r"Counted among 6 repositories, published \d{4}-\d\d-\d\d \d\d:\d\d UTC", lines[-1])


def test_the_case_of_a_name_does_not_matter(demo):  # noqa: F811
    one, other = (
        json.loads(demo("chart", name, "--format", "json").stdout) for name in ("App-Template", "app-template")
    )
    assert one == other
    assert one["sections"]["chart_releases"]


@pytest.mark.parametrize(("subject", "name"), NAMES.items())
def test_programs_get_all_rows_and_the_same_as_an_assistant(demo, subject, name):  # noqa: F811
    answer = json.loads(demo(subject, name, "--format", "json").stdout)
    asked = PublishedFile(demo.data / "kubestats.duckdb")
    for section in ANSWERS[subject].sections:
        result = asked.ask(read_query(section.question), {section.given: name, **section.values})
        assert len(answer["sections"][section.question]) == int(result.shown.split()[0]), section.question
        assert [*answer["sections"][section.question][:1]] == result.rows[:1]
    rows = list(csv.DictReader(io.StringIO(demo(subject, name, "--format", "csv").stdout)))
    assert len(rows) == len(answer["sections"][ANSWERS[subject].main])
    assert rows


def test_a_table_says_of_how_many_rows_it_has_the_first(demo):  # noqa: F811
    known = len(json.loads(demo("grep", "name: ", "--format", "json").stdout)["sections"]["grep"])
    assert f"… 2 of {known:,} rows. `--rows 0` shows all" in demo("grep", "name: ", "--rows", "2").stdout
    assert "--rows 0" not in demo("grep", "name: ", "--rows", "0").stdout


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("chart", "app-templat"), "no chart is called app-templat. Did you mean app-template"),
        (("chart", "jellyfin"), "no chart is called jellyfin. Try `kubestats app jellyfin`"),
        (("repo", "home-cluster"), "no repo is called home-cluster. Did you mean local/aurora/home-cluster"),
        (("image", "no/such/thing"), "no image is called no/such/thing. `kubestats sql` asks for more"),
        (("grep", "nobody writes this"), "no document in scope has a line with 'nobody writes this'"),
        (("tables", "resource"), "no table, view or macro is called resource. Did you mean"),
        (("chart", "x", "--against", "nowhere.duckdb"), "no warehouse at nowhere.duckdb. Run `kubestats demo`"),
    ],
)
def test_an_unknown_name_is_one_line_with_near_ones(demo, asked, said):  # noqa: F811
    finished = demo(*asked)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith(f"error: {said}")
    assert finished.stderr.count("\n") == 1


def test_an_age_that_is_a_lower_bound_says_so(capsys):
    """users.md 3: nearly all ages begin with the log, and nothing said so."""
    rows = [{"age_days": 97, "is_lower_bound": is_bound, "name": "a"} for is_bound in (True, False)]
    section = SubjectSection("Who runs it", "chart_releases", ("name", "age_days"))
    told = SubjectAnswer("a", [SectionRows(section, rows)], 1, "2026-12-01 00:00:00")
    show_answer(told, AnswerFormat.TABLE, "chart_releases", 10, paged=False)
    assert [line.split() for line in capsys.readouterr().out.splitlines()[3:5]] == [["a", "≥97"], ["a", "97"]]


def test_a_link_stands_whole_on_a_line_of_its_own(demo, tmp_path):  # noqa: F811
    """The sample has no host: the same rows, with one."""
    path = tmp_path / "linked.duckdb"
    path.write_bytes((demo.data / "kubestats.duckdb").read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE repositories SET html_url = 'https://github.com/' || owner || '/' || name, host = 'github.com'"
        )
    _, lines = on_terminal(demo.directory, "app", "jellyfin", "--no-pager", "--against", str(path))
    links = [line.strip() for line in lines if line.startswith("  https://github.com/")]
    assert links
    assert all(re.search(r"/blob/[0-9a-f]{40}/\S+\.ya?ml(#L\d+)?$", link) for link in links)


@pytest.mark.parametrize("file", sorted(QUERIES.glob("*.sql")), ids=lambda file: file.stem)
def test_a_query_says_what_it_answers_and_names_its_parameters(file):
    header, body = (
        [line for line in file.read_text().splitlines() if line.startswith("--") is is_comment]
        for is_comment in (True, False)
    )
    assert re.fullmatch(r"-- [A-Z][^$]*\.", header[0]), header[0]
    named = re.findall(r"-- \$(\w+): ", "\n".join(header[1:]))
    assert sorted(named) == sorted(set(re.findall(r"\$(\w+)", "\n".join(body))))


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", ["scan_problems", "chart_popularity", "who_runs", "WHO_RUNS('x')", "file_link"])
def test_one_table_or_view_is_described_with_its_columns_and_sql(demo, name, width):  # noqa: F811
    """users.md 15."""
    status, lines = on_terminal(demo.directory, "tables", name, "--no-pager", width=width)
    bare = name.lower().partition("(")[0]
    assert (status, lines[0].partition("(")[0]) == (0, bare)
    if name == "scan_problems":
        assert any(line.startswith("file_path ") for line in lines)
    else:
        assert any(word in "\n".join(lines) for word in ("SELECT", "CASE"))
    prose = [line for line in lines[: lines.index("", 2)] if line]
    assert max(map(len, prose)) <= min(width, 120)
