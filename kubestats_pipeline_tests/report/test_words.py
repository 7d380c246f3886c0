"""The words of documents: which there are, how their files are written, and what changes when a page does."""

from pathlib import Path

import duckdb
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubestats_pipeline.report.parts.published import read
from kubestats_pipeline.report.parts.site_folder import SiteFolder
from kubestats_pipeline.report.search import index, words
from kubestats_pipeline_tests.report.site_reader import ReadSite, files_of

PAGE = "repositories/o/r{}/resources-{}.html"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("replicas: 3", {"replicas"}),
        ("image: ghcr.io/Org/app-template:1.20.2", {"image", "ghcr.io", "ghcr", "org", "app", "template", "1.20.2"}),
        ("the end.", {"the", "end"}),
        ("x" * 40, {"x" * words.LONGEST}),
        ("größe: a_b", set()),
    ],
)
def test_the_words_of_a_text(text: str, found: set[str]) -> None:
    assert words.words_of(text) == found


@given(st.dictionaries(st.from_regex("@?[a-z0-9.]{3,9}", fullmatch=True), st.sets(st.integers(0, 9999), min_size=1)))
def test_a_file_of_words_is_read_as_it_was_written(pages: dict[str, set[int]]) -> None:
    postings = {word: sorted(numbers) for word, numbers in pages.items()}
    assert words.read_back(words.written(postings)) == postings


@given(st.lists(st.from_regex("@?[ab1]{3,8}", fullmatch=True), unique=True), st.integers(10, 200))
def test_every_word_is_in_the_one_file_that_its_beginning_leads_to(known: list[str], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "MOST_BYTES", most)
        contents = dict(words.in_files({word: [1] for word in known}))
    files = {start: words.read_back(content) for start, content in contents.items()}
    assert sorted(word for some in files.values() for word in some) == sorted(known)
    assert all(word.removeprefix("@").startswith(start) for start, some in files.items() for word in some)
    for start, some in files.items():
        longer = {word for word in some if word.removeprefix("@") != start}
        assert len(contents[start]) <= most or not longer, "a file is split as far as it can be"


def page_json(*documents: tuple[str, str]) -> bytes:
    columns = ["kind", "name", "file_path", "data"]
    rows = [["ConfigMap", name, f"{name}.yaml", {"data": text}] for name, text in documents]
    return orjson.dumps({"sections": [{"columns": columns, "rows": rows}]})


Contents = dict[str, bytes]


def gather(contents: Contents, made: set[str]) -> index.Gathered:
    gathered = index.Gathered(sorted(contents))
    for address in made:
        gathered.add(address, words.words_of_page(contents[address]))
    return gathered


def publish(place: SiteFolder, contents: Contents, made: set[str], *, anew: bool = False) -> dict[str, bytes]:
    site = place.begin()
    site.write("index.html", b"")
    for address, content in contents.items():
        site.write(address.replace(".html", ".json"), content)
    index.write_index(site, gather(contents, made), anew=anew)
    site.publish({"made": sorted(made), "anew": anew})
    return {name: content for name, content in files_of(place.target).items() if name.startswith("search/")}


def test_a_page_that_changes_changes_the_files_of_its_words_and_no_other(tmp_path) -> None:
    one, two = PAGE.format(1, 1), PAGE.format(2, 1)
    contents = {one: page_json(("web", "alpha beta")), two: page_json(("db", "alpha gamma"))}
    place = SiteFolder(tmp_path / "report")
    before = publish(place, contents, set(contents))
    contents[two] = page_json(("db", "alpha beta gamma"))
    site = place.begin()
    site.write("index.html", b"")
    for address, content in contents.items():
        site.write(address.replace(".html", ".json"), content)
    written = site.written
    index.write_index(site, gather(contents, {two}), anew=False)
    assert site.written - written == 1
    site.publish({})
    after = {name: content for name, content in files_of(place.target).items() if name.startswith("search/")}
    assert {name for name in before if before[name] != after[name]} == {index.file_of("be")}
    assert words.read_back(after[index.file_of("be")])["beta"] == [0, 1]


texts = st.lists(st.sampled_from(["alpha", "beta", "gamma", "alphabet", "alp", "delta.io", "1.2.3"]), max_size=4)
histories = st.lists(st.dictionaries(st.sampled_from([PAGE.format(n, 1) for n in range(4)]), texts), max_size=5)


@settings(deadline=None, max_examples=60)
@given(histories, st.sampled_from([words.MOST_BYTES, 60, 20, 12]))
def test_an_index_that_was_changed_has_the_files_of_one_that_was_made_anew(tmp_path_factory, history, most) -> None:
    contents: Contents = {}
    changed = SiteFolder(tmp_path_factory.mktemp("changed") / "report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "MOST_BYTES", most)
        for step in history:
            contents |= {address: page_json(("n", " ".join(text))) for address, text in step.items()}
            last = publish(changed, contents, set(step))
            anew = publish(SiteFolder(tmp_path_factory.mktemp("anew") / "report"), contents, set(contents), anew=True)
            assert last == anew


def test_files_that_were_split_are_one_again_where_their_words_have_become_fewer(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(words, "MOST_BYTES", 17)
    contents = {PAGE.format(number, 1): page_json(("n", "alpa alpb")) for number in (0, 2)}
    contents[PAGE.format(1, 1)] = page_json(("n", "other"))
    place = SiteFolder(tmp_path / "report")
    assert {index.file_of("alpa"), index.file_of("alpb")} <= publish(place, contents, set(contents)).keys()
    contents[PAGE.format(2, 1)] = page_json(("n", "alpb"))
    assert index.file_of("al") in publish(place, contents, {PAGE.format(2, 1)})


def test_a_word_at_the_beginning_of_a_line_is_found_by_itself() -> None:
    """JSON writes the end of a line as a sign and the letter n, which was once taken for the word's first letter."""
    found = words.words_of_page(page_json(("n", "one\ntwo\tthree C:\\new \x1bfour")))
    assert {"one", "two", "three", "new", "four"} <= found
    assert found.isdisjoint({"ntwo", "tthree", "u001bfour"})


def test_rows_give_the_words_that_the_json_of_their_page_gives(demo_file: Path) -> None:
    """An index that is made anew takes them from rows, and one that is changed from the last site's pages."""
    with duckdb.connect(str(demo_file), read_only=True) as connection:
        rows = read(connection, "SELECT kind, name, file_path, data FROM resources")
    content = [[*row[:3], orjson.loads(row[3])] for row in rows.rows]
    page = orjson.dumps({"sections": [{"columns": rows.columns, "rows": content}]})
    assert words.words_of_resources(rows) == words.words_of_page(page)


def test_a_site_has_the_words_of_all_its_documents(small_site: ReadSite) -> None:
    folder = small_site.folder
    listed = [line.split() for line in (folder / index.PAGES).read_text().splitlines()]
    pages = [f"{place}/resources-{number}" for place, count in listed for number in range(1, int(count) + 1)]
    assert sorted(f"{page}.html" for page in pages) == [page for page in small_site.addresses if "/resources-" in page]
    starts = (folder / index.STARTS).read_text().split()
    found: dict[str, list[int]] = {}
    for start in starts:
        found |= words.read_back((folder / index.file_of(start)).read_bytes())
    for number, page in enumerate(pages):
        of_page = words.words_of_page((folder / f"{page}.json").read_bytes())
        assert of_page == {word for word, numbers in found.items() if number in numbers}
