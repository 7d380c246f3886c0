"""Results of queries are kept as memos, and computed again only if a change can have reached them."""

import gc
import weakref
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubestats_pipeline.scan.build.incremental import QueryStore, query


class Sheet:
    """Cells that add up others, as in a spreadsheet; which ones a cell adds up may change too."""

    def __init__(self, numbers: dict[str, int], cells: dict[int, tuple[object, ...]]) -> None:
        self.queries = QueryStore()
        self.numbers, self.cells = dict(numbers), dict(cells)
        self.computed = Counter[int]()

    def put(self, name: str, number: int) -> None:
        self.numbers[name] = number
        self.queries.invalidate(("number", name))

    def rewrite(self, cell: int, terms: tuple[object, ...]) -> None:
        self.cells[cell] = terms
        self.queries.invalidate(("terms", cell))

    @query
    def terms(self, cell: int) -> tuple[object, ...]:
        self.queries.read_input(("terms", cell))
        return self.cells[cell]

    @query
    def total(self, cell: int) -> int:
        self.computed[cell] += 1
        return sum(self._value(each) for each in self.terms(cell)) % 3

    def _value(self, term: object) -> int:
        if isinstance(term, int):
            return self.total(term)
        self.queries.read_input(("number", term))
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
def test_a_memo_is_equal_to_a_value_that_is_computed_from_the_start(
    cells: dict[int, tuple[object, ...]], changes: list[tuple[object, object]]
) -> None:
    sheet = Sheet(dict.fromkeys(NAMES, 1), cells)
    for what, value in changes:
        if what == "ask":
            sheet.total(int(str(value)))
        elif what == "forget":
            sheet.queries.forget(("Sheet.total", value))
        elif isinstance(what, int) and isinstance(value, tuple):
            sheet.rewrite(what, value)
        else:
            sheet.put(str(what), int(str(value)))
    fresh = Sheet(sheet.numbers, sheet.cells)
    assert [sheet.total(cell) for cell in range(CELLS)] == [fresh.total(cell) for cell in range(CELLS)]


@pytest.fixture
def sheet() -> Sheet:
    return Sheet({"a": 1, "b": 1}, {0: ("a",), 1: ("b",), 2: (0, 1), 3: (2,)})


def test_a_memo_that_a_change_cannot_reach_is_not_computed_again(sheet: Sheet) -> None:
    sheet.total(3)
    sheet.put("a", 2)
    sheet.total(3)
    assert sheet.computed == {0: 2, 1: 1, 2: 2, 3: 2}


def test_a_memo_is_not_computed_again_if_the_values_that_it_read_stay_equal(sheet: Sheet) -> None:
    sheet.total(3)
    sheet.put("a", 4)
    sheet.total(3)
    assert sheet.computed == {0: 2, 1: 1, 2: 1, 3: 1}


def test_invalidated_memos_are_returned_once_and_with_their_old_values(sheet: Sheet) -> None:
    sheet.total(3)
    sheet.put("b", 0)
    assert sheet.queries.take_invalidated("Sheet.total") == {
        ("Sheet.total", cell): (0, 1, 2, 2)[cell] for cell in (1, 2, 3)
    }
    assert sheet.queries.take_invalidated("Sheet.total") == {}
    assert sheet.total(3) == 1


def test_a_memo_that_loses_a_reader_while_another_query_reads_it_is_still_invalidated() -> None:
    """The first term of 3 was read by 2 alone. Then 2 is rewritten, which is noticed after 3 has read that term."""
    sheet = Sheet({"a": 1, "b": 1}, {0: ("a",), 2: (0,), 3: ("b",)})
    sheet.total(2)
    sheet.rewrite(2, ("b",))
    sheet.rewrite(3, (0, 2))
    assert sheet.total(3) == 2
    sheet.put("a", 0)
    assert sheet.total(3) == 1


def test_a_memo_that_somebody_asked_for_is_told_of_changes_after_a_reader_of_it_is_forgotten() -> None:
    sheet = Sheet({"a": 1}, {0: ("a",), 1: (0,)})
    name = Sheet.total.__qualname__
    assert (sheet.total(0), sheet.total(1)) == (1, 1)
    sheet.queries.forget((name, 1))
    sheet.put("a", 2)
    assert sheet.queries.take_invalidated_keys({name}) == [(name, 0)]
    sheet.queries.forget((name, 0))
    sheet.put("a", 1)
    assert sheet.queries.take_invalidated_keys({name}) == []


def test_memos_that_were_dropped_are_freed_without_the_garbage_collector() -> None:
    sheet = Sheet({"a": 1}, {0: ("a",), 1: (0,)})
    sheet.total(1)
    freed = weakref.ref(sheet)
    sheet.queries.drop_all()
    gc.disable()
    try:
        del sheet
        assert freed() is None
    finally:
        gc.enable()
