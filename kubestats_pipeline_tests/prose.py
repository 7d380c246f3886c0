"""The project's own sentences, and habits of style that make them hard to read for whoever's first language is another.

Sentences are taken from docstrings, texts below assignments, comments and messages of Python modules, from the headers
of SQL files, and from the pages. Code, names and links are left out. `python -m kubestats_pipeline_tests.prose` prints
all sentences with a habit, and `test_prose.py` keeps their share below a ceiling.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from kubestats_pipeline_tests.pages import PAGES, ROOT

HABITS = {
    "a semicolon": re.compile(r";"),
    "an opening with What, Whether or Which": re.compile(r"^[\"'(]*(What|Whether|Which)\b"),
    "is no": re.compile(r"\b(is|are|was|were|be) (no|none)\b"),
}
"""How to recognise a habit in a sentence."""

GENERATED = ("docs/tables.md",)
"""Made of the meanings in Python and SQL, which are looked at themselves."""

_LONG_ENOUGH = re.compile(r"\w+(?:\W+\w+){3,}")
"""Four words or more. Texts with fewer are names and labels."""

_BLOCK = re.compile(r"```.*?```", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_MARKUP = re.compile(r"<[^>]+>|!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)")
_END = re.compile(
    r"(?<=[.!?:])\s+(?=[A-Z`\"(*])"  # the end of a sentence
    r"|\n\s*\n|\n\s*(?=[-*] )|\n\s*(?=\w+: )"  # of a paragraph, an item, an entry of a docstring
    r"|\s\|\s"  # of a table's cell
)
_SQL_HEADER = re.compile(r"^--\s?(.*)$", re.MULTILINE)
_QUERY = re.compile(r"\b(SELECT|FROM)\b")
_DIRECTIVES = ("# noqa", "#!", "# type")


def sentences_of(text: str) -> list[str]:
    """Sentences of a text, with code left out."""
    plain = _INLINE.sub("`x`", _BLOCK.sub(" ", text))
    parts = (re.sub(r"\s+", " ", part).strip(" -*#|") for part in _END.split(plain))
    return [part for part in parts if _LONG_ENOUGH.search(part)]


def texts_of_module(source: str) -> Iterator[str]:
    """Strings with a blank, f-strings with `x` in place of values, and comments. Queries are left out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        else:
            text = str(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if " " in text and not _QUERY.search(text):
            yield text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(_DIRECTIVES):
            yield token.string.lstrip("# ")


def text_of_query(source: str) -> str:
    """The comments of an SQL file, joined as they are read."""
    return "\n".join(_SQL_HEADER.findall(source))


def text_of_page(source: str) -> str:
    """A page without its code and its markup."""
    return _MARKUP.sub(" ", _BLOCK.sub(" ", source))


Found = tuple[str, str]
"""A sentence after the path of its file."""


def read_sentences() -> dict[str, list[Found]]:
    """All sentences of the project by sort of text: python, sql, pages."""
    package = ROOT / "kubestats_pipeline"
    modules = [path for folder in (package, ROOT / "benchmarks") for path in sorted(folder.rglob("*.py"))]
    ours = [path for path in modules if package / "sample" not in path.parents]  # the sample speaks as strangers do
    pages = {page: text for page, text in PAGES.items() if page not in GENERATED}
    return {
        "python": [found for path in ours for text in texts_of_module(_read(path)) for found in _found(path, text)],
        "sql": [found for path in sorted(package.rglob("*.sql")) for found in _found(path, text_of_query(_read(path)))],
        "pages": [found for page, text in pages.items() for found in _found(ROOT / page, text_of_page(text))],
    }


def _found(path: Path, text: str) -> list[Found]:
    return [(str(path.relative_to(ROOT)), sentence) for sentence in sentences_of(text)]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def main() -> None:
    """Print the sentences with a habit, and the share that they are."""
    for sort, every in read_sentences().items():
        for habit, pattern in HABITS.items():
            found = [(path, sentence) for path, sentence in every if pattern.search(sentence)]
            print(f"{sort}: {habit}: {len(found)} of {len(every)} = {len(found) / len(every):.2%}")
            for path, sentence in found:
                print(f"    {path}: {sentence}")


if __name__ == "__main__":
    main()
