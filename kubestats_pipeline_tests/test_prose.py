"""Plain English: the share of sentences with a habit that makes reading hard stays below a ceiling."""

import pytest

from kubestats_pipeline_tests.prose import HABITS, Found, read_sentences, sentences_of, text_of_page, texts_of_module

CEILINGS = {
    "python": {"a semicolon": 0.006, "an opening with What, Whether or Which": 0.003, "is no": 0.003},
    "sql": {"a semicolon": 0.005, "an opening with What, Whether or Which": 0.006, "is no": 0.010},
    "pages": {"a semicolon": 0.005, "an opening with What, Whether or Which": 0.005, "is no": 0.005},
}
"""Shares of all sentences of a sort. They are only ever lowered: say it otherwise instead of raising one."""


@pytest.fixture(scope="module")
def sentences() -> dict[str, list[Found]]:
    return read_sentences()


@pytest.mark.parametrize(("sort", "habit"), [(sort, habit) for sort in CEILINGS for habit in HABITS])
def test_a_habit_stays_below_its_ceiling(sentences: dict[str, list[Found]], sort: str, habit: str):
    every = sentences[sort]
    found = [f"{path}: {sentence}" for path, sentence in every if HABITS[habit].search(sentence)]
    assert len(found) <= CEILINGS[sort][habit] * len(every), "\n".join(["say some of these otherwise:", *found])


def test_there_are_sentences_of_every_sort(sentences: dict[str, list[Found]]):
    assert {sort for sort, every in sentences.items() if len(every) > 300} == CEILINGS.keys()


def test_docstrings_comments_and_messages_count_and_queries_do_not():
    module = '''"""Opens with a first sentence."""
NAME = "short label"
"""Its meaning in a few words; and more."""
raise ValueError(f"{NAME} is no setting of this; correct it")  # a reason in some words
query = "SELECT a FROM b WHERE c; DROP TABLE d"
'''
    found = [sentence for text in texts_of_module(module) for sentence in sentences_of(text)]
    assert "x is no setting of this; correct it" in found
    assert {"Opens with a first sentence.", "a reason in some words"} < set(found)
    assert not [sentence for sentence in found if "DROP" in sentence or "label" in sentence]


def test_cells_and_items_are_sentences_of_their_own_and_code_does_not_count():
    table = "| one cell with words | What another cell says here |"
    page = f"# A title\n\n{table}\n\n- an item with `a; b` in it\n\n```sh\nx; y; z; a\n```\n"
    assert sentences_of(text_of_page(page)) == [
        "one cell with words",
        "What another cell says here",
        "an item with `x` in it",
    ]


@pytest.mark.parametrize(
    ("sentence", "habit"),
    [
        ("It is written; it is read.", "a semicolon"),
        ("Which one of them it is.", "an opening with What, Whether or Which"),
        ("This was no file of ours.", "is no"),
    ],
)
def test_a_habit_is_recognised_and_its_absence_too(sentence: str, habit: str):
    assert [name for name, pattern in HABITS.items() if pattern.search(sentence)] == [habit]
    assert not any(pattern.search("It says what is not there, and which.") for pattern in HABITS.values())
