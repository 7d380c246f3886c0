"""What is derived is remembered, and derived again only where a change can have reached it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubestats_pipeline.scan.resolve.incremental import Memory, derived


class Sheet:
    """Cells that add up others, as in a spreadsheet; which ones a cell adds up may change too."""

    def __init__(self, numbers: dict[str, int], cells: dict[int, tuple[object, ...]]) -> None:
        self.memory = Memory()
        self.numbers, self.cells = dict(numbers), dict(cells)
        self.derived = Counter[int]()

    def put(self, name: str, number: int) -> None:
        self.numbers[name] = number
        self.memory.change(("number", name))

    def rewrite(self, cell: int, terms: tuple[object, ...]) -> None:
        self.cells[cell] = terms
        self.memory.change(("terms", cell))

    @derived
    def terms(self, cell: int) -> tuple[object, ...]:
        self.memory.read(("terms", cell))
        return self.cells[cell]

    @derived
    def total(self, cell: int) -> int:
        self.derived[cell] += 1
        return sum(self._value(each) for each in self.terms(cell)) % 3

    def _value(self, term: object) -> int:
        if isinstance(term, int):
            return self.total(term)
        self.memory.read(("number", term))
        return self.numbers[str(term)]


NAMES = "abc"
CELLS = 5
TERMS = {cell: st.lists(st.sampled_from([*NAMES, *range(cell)]), max_size=3).map(tuple) for cell in range(CELLS)}
CHANGES = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 3)),
    st.integers(0, CELLS - 1).flatmap(lambda cell: st.tuples(st.just(cell), TERMS[cell])),
    st.tuples(st.just("ask"), st.integers(0, CELLS - 1)),
    st.tuples(st.just("forget"), st.integers(0, CELLS - 1)),
)


@given(st.fixed_dictionaries(TERMS), st.lists(CHANGES, max_size=25))
def test_a_remembered_value_is_what_it_would_be_if_nothing_were_remembered(
    cells: dict[int, tuple[object, ...]], changes: list[tuple[object, object]]
) -> None:
    sheet = Sheet(dict.fromkeys(NAMES, 1), cells)
    for what, value in changes:
        if what == "ask":
            sheet.total(int(str(value)))
        elif what == "forget":
            sheet.memory.forget(("Sheet.total", value))
        elif isinstance(what, int) and isinstance(value, tuple):
            sheet.rewrite(what, value)
        else:
            sheet.put(str(what), int(str(value)))
    fresh = Sheet(sheet.numbers, sheet.cells)
    assert [sheet.total(cell) for cell in range(CELLS)] == [fresh.total(cell) for cell in range(CELLS)]


@pytest.fixture
def sheet() -> Sheet:
    return Sheet({"a": 1, "b": 1}, {0: ("a",), 1: ("b",), 2: (0, 1), 3: (2,)})


def test_what_a_change_cannot_reach_is_not_derived_again(sheet: Sheet) -> None:
    sheet.total(3)
    sheet.put("a", 2)
    sheet.total(3)
    assert sheet.derived == {0: 2, 1: 1, 2: 2, 3: 2}


def test_what_is_derived_from_a_value_that_stays_the_same_stays_too(sheet: Sheet) -> None:
    sheet.total(3)
    sheet.put("a", 4)
    sheet.total(3)
    assert sheet.derived == {0: 2, 1: 1, 2: 1, 3: 1}


def test_doubtful_values_are_told_once_and_as_they_were(sheet: Sheet) -> None:
    sheet.total(3)
    sheet.put("b", 0)
    assert sheet.memory.take_doubtful("Sheet.total") == {
        ("Sheet.total", cell): (0, 1, 2, 2)[cell] for cell in (1, 2, 3)
    }
    assert sheet.memory.take_doubtful("Sheet.total") == {}
    assert sheet.total(3) == 1


def test_what_is_dropped_while_another_value_reads_it_goes_on_following_its_inputs() -> None:
    """The first term of 3 was read by 2 alone until 2 is rewritten, which is found out after 3 has read it."""
    sheet = Sheet({"a": 1, "b": 1}, {0: ("a",), 2: (0,), 3: ("b",)})
    sheet.total(2)
    sheet.rewrite(2, ("b",))
    sheet.rewrite(3, (0, 2))
    assert sheet.total(3) == 2
    sheet.put("a", 0)
    assert sheet.total(3) == 1
