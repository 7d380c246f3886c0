"""Files to documents and problems: what is broken is told by class and line, and never quoted."""

import pytest

from kubestats_pipeline.scan.documents.document import Bounds
from kubestats_pipeline.scan.documents.file import Documents, read_documents
from kubestats_pipeline_tests.scan.world import BROKEN, config, documents, read

SECRET = "hunter2-do-not-tell"


def read_text(text: str, encoding: str = "utf-8") -> Documents:
    return read_documents(text.encode(encoding), Bounds())


def contents(read: Documents) -> list[object]:
    return [document.content for _, document in read.documents]


def test_a_broken_document_leaves_the_others_of_its_file() -> None:
    read_file = read(documents(config("a"), BROKEN, config("c")))
    assert [each.key.name for each in read_file.manifests] == ["a", "c"]
    assert [(each.problem, each.document_index) for each in read_file.problems] == [("syntax", 1)]
    assert not read_file.is_complete


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\n---\nb: 2\nc: [\n---\nd: 1\n", 5),
        ("a: 1\n---\nb: *x\n---\nc: 1\n", 3),
        ("a: 1\n---\nb: 1\nc: " + "[" * 101 + "]" * 101 + "\n", 4),
        ("# x\n\n---\n\ta: 1\n---\nb: 1\n", 4),
        ("a: [\n---\nb: 1\n", 2),
        ("a: 1\n---\nb: 1\n---\n\nc:\n- x\n- .inf\n", 8),
        ("a: 1\n---\nb: {c: 1,\n  ~: 2}", 4),
        ("a: 1\n---\nb: 1\n\x01", 4),
        ("a: 1\n---\nb: 1\n---\nc: \0", 5),
    ],
)
def test_a_problem_names_its_line_in_the_file(text: str, line: int) -> None:
    (problem,) = read_text(text).problems
    assert problem.message.startswith(f"line {line}: ")


BROKEN_IN_MANY_WAYS = [
    "password: {0}\n  x: [",
    "password: '{0}",
    "password: *{0}",
    "{0}: [\n",
    "? [{0}]\n: 1",
    "a: !!int {0}",
    "a: !!binary {0}!",
    "a: {0}\n\tb: c",
    "{{{{ if {0} }}}}\na: [",
    "<<: {0}",
    "a: %{0}\n%{0}",
    "a: @{0}",
    "a: &{0} [*{0}]",
    "!<{0} x",
    "%{0} 1\n--- ",
    "a: [" * 101 + "{0}",
    "a: {0}\x01",
    "kind: ENC[{0}]",
]


@pytest.mark.parametrize("broken", BROKEN_IN_MANY_WAYS)
def test_a_problem_never_quotes_the_document(broken: str) -> None:
    text = documents(f"kind: x\napiVersion: v1\n{broken.format(SECRET) if '{0}' in broken else broken}\n")
    for blob in (text.encode(), text.encode() + b"\xff"):
        problems = read(blob).problems
        assert problems
        assert all(SECRET not in repr(problem) for problem in problems)


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ .Values.x }}\nb: [",
        "{{- if .Values.enabled }}\na: 1\n{{- end }}\n",
        "{% for x in y %}\na: 1\n{% endfor %}\n",
        "#% if x %#\na: [#{ x }#\nb: 1\n",
        "a: <% x %>\n  b: 1\n",
    ],
)
def test_a_template_is_told_from_a_mistake(text: str) -> None:
    assert [problem.problem for problem in read_text(text).problems] == ["template"]


def test_braces_inside_quoted_values_are_no_template() -> None:
    assert contents(read_text("a: \"{{ .Values.x }}\"\nb: '{{x}}'\n")) == [{"a": "{{ .Values.x }}", "b": "{{x}}"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_that_yaml_allows_is_read(encoding: str) -> None:
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    text = mark + documents(config("ä"), config("b")).lstrip("-\n")
    assert [each.key.name for each in read(text.encode(encoding)).manifests] == ["ä", "b"]


def test_line_ends_of_windows_tabs_in_flows_and_markers_of_documents_are_read() -> None:
    text = "---\r\na: {b:\t1,\tc: 2}\r\n---\r\n# only a comment\r\n--- \r\nd: |\r\n  --- x\r\n  y\r\n...\r\n"
    assert contents(read_text(text)) == [{"a": {"b": 1, "c": 2}}, None, {"d": "--- x\ny\n"}]


@pytest.mark.parametrize("text", ["", "\n", "# comment\n", "---\n", "---\n---\n", "--- # x\n"])
def test_a_file_of_nothing_has_no_problem(text: str) -> None:
    read = read_text(text)
    assert (read.problems, [content for content in contents(read) if content]) == ((), [])


@pytest.mark.parametrize("blob", [b"\0GITCRYPT\0\x80\x01", b"a: b\0\n", b"a: \xff\0"])
def test_bytes_that_are_no_text_are_a_problem_of_encoding(blob: bytes) -> None:
    assert [problem.problem for problem in read_documents(blob, Bounds()).problems] == ["encoding"]
    assert [problem.problem for problem in read(blob).problems] == ["encoding"]


def test_a_marker_inside_a_text_is_no_marker_when_another_document_is_broken() -> None:
    text = "a: |\n  ---\n  b\n---\nc: [\n---\nd: '--- x'\n"
    read = read_text(text)
    assert contents(read) == [{"a": "---\nb\n"}, {"d": "--- x"}]
