"""A log grows by what is appended to it, in few files; what a killed run left beyond its position leaves no trace."""

import hashlib
import itertools
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubestats_pipeline.lake import event_log
from kubestats_pipeline.lake.event_log import BLOCK, GROWTH, SMALLEST, LogWriter
from kubestats_pipeline.lake.event_log_segments import reach
from kubestats_pipeline.lake.lake import Lake, LakeError, to_frame
from kubestats_pipeline.lake.paths import Layout
from kubestats_pipeline.lake.tables import RESOURCE_EVENTS
from kubestats_pipeline_tests.lake.test_lake import any_row

KEY = "ann/home"
LENGTHS = st.lists(st.integers(0, 3000) | st.sampled_from([1, BLOCK, BLOCK + 1, 2 * BLOCK]), min_size=1, max_size=6)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Layout(tmp_path / "data"))


def rows(numbers: Iterable[int], told: str = "") -> pl.DataFrame:
    """Events with these numbers, which are otherwise alike."""
    sequence = pl.Series("sequence", list(numbers), pl.Int64)
    alike = to_frame(RESOURCE_EVENTS, [any_row(RESOURCE_EVENTS)]).drop("sequence", "resource_id", "event_id")
    return alike.join(sequence.to_frame(), how="cross").with_columns(
        pl.format("r{}", pl.col("sequence") % 7).alias("resource_id"),
        pl.format("{}{}", pl.lit(told), pl.col("sequence")).alias("event_id"),
    )


def append(lake: Lake, position: int, count: int, told: str = "") -> int:
    """Append so many rows at a position; gives the next position."""
    writer = LogWriter(lake, RESOURCE_EVENTS, KEY, position)
    for start in range(position, position + count, 900):
        end = min(start + 900, position + count)
        writer.append(rows(range(start, end), told), end)
    writer.publish()
    return position + count


def ids(lake: Lake) -> list[str]:
    partition = lake.read(RESOURCE_EVENTS, KEY)
    assert partition is not None
    return list(partition.rows.sort("sequence")["event_id"])


def digests(lake: Lake) -> dict[str, str]:
    folder = lake.path(RESOURCE_EVENTS, KEY).parent
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def names(lake: Lake) -> list[str]:
    return [path.name for path in lake.files(RESOURCE_EVENTS, KEY)]


def test_an_empty_log_is_a_file_too(lake: Lake) -> None:
    append(lake, 0, 0)
    assert names(lake) == ["part.parquet"]
    assert ids(lake) == []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=LENGTHS)
def test_a_log_holds_what_was_appended_in_few_files(
    lengths: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lake, position = Lake(Layout(tmp_path_factory.mktemp("log"))), 0
    for length in lengths:
        position = append(lake, position, length)
    assert ids(lake) == [str(number) for number in range(position)]
    segments = lake.segments(RESOURCE_EVENTS, KEY)
    assert reach(segments) == position
    assert all(each.first // BLOCK == max(each.end - 1, 0) // BLOCK for each in segments)
    in_last_block = [each.end - each.first for each in segments if each.first >= position // BLOCK * BLOCK]
    assert all(one > GROWTH * max(other, SMALLEST) for one, other in itertools.pairwise(in_last_block))
    assert len(in_last_block) <= 3


def test_a_single_row_more_rewrites_no_more_than_a_thousand(lake: Lake) -> None:
    position = append(lake, 0, 2 * BLOCK + 5000)
    before = digests(lake)
    for _ in range(3):
        position = append(lake, position, 1)
    after = digests(lake)
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == {f"part-{2 * BLOCK + 5000:012d}.parquet"}


def test_a_thousand_commits_leave_few_files(lake: Lake) -> None:
    position = append(lake, 0, BLOCK - 300)
    for _ in range(40):
        position = append(lake, position, 25)
    assert len(names(lake)) <= 3
    assert ids(lake) == [str(number) for number in range(position)]


@pytest.mark.parametrize("base", [0, 50, 3000, BLOCK - 10, BLOCK + 2000])
@pytest.mark.parametrize("killed", [1, 30, 9000, 25_000])
@pytest.mark.parametrize("repeated", [1, 30, 9000])
def test_what_was_left_beyond_the_position_leaves_no_trace(lake: Lake, base: int, killed: int, repeated: int) -> None:
    """The position was not moved after the first attempt; the second one appends other rows."""
    position = append(lake, 0, base)
    append(lake, position, killed, "killed ")
    append(lake, position, repeated, "again ")
    expected = [*map(str, range(base)), *(f"again {number}" for number in range(base, base + repeated))]
    assert ids(lake) == expected
    assert len(list(lake.path(RESOURCE_EVENTS, KEY).parent.iterdir())) == len(names(lake))


@pytest.mark.parametrize("base", [0, 50, 3000, BLOCK - 10])
@pytest.mark.parametrize("more", [0, 1, 30, 9000, 25_000])
def test_the_same_append_again_gives_the_same_bytes(lake: Lake, tmp_path: Path, base: int, more: int) -> None:
    other = Lake(Layout(tmp_path / "other"))
    for each, times in ((lake, 1), (other, 3)):
        append(each, 0, base // 2)
        position = append(each, base // 2, base - base // 2)
        for _ in range(times):
            append(each, position, more)
    assert digests(lake) == digests(other)


def test_nothing_is_seen_before_it_is_published(lake: Lake) -> None:
    append(lake, 0, 10)
    writer = LogWriter(lake, RESOURCE_EVENTS, KEY, 10)
    writer.append(rows(range(10, BLOCK + 10)), BLOCK + 10)
    assert ids(lake) == [str(number) for number in range(10)]
    writer.publish()
    assert len(ids(lake)) == BLOCK + 10


def test_a_new_log_takes_the_place_of_a_longer_one(lake: Lake) -> None:
    append(lake, 0, 2 * BLOCK + 10)
    append(lake, 0, 5, "new ")
    assert ids(lake) == [f"new {number}" for number in range(5)]
    assert names(lake) == ["part.parquet"]


def test_a_partition_that_is_written_as_a_whole_or_deleted_leaves_no_segment_behind(lake: Lake) -> None:
    append(lake, 0, BLOCK + 10)
    lake.write(RESOURCE_EVENTS, KEY, rows(range(3)))
    assert ids(lake) == ["0", "1", "2"]
    append(lake, 3, BLOCK)
    assert lake.delete(RESOURCE_EVENTS, KEY)
    assert lake.read(RESOURCE_EVENTS, KEY) is None
    assert not lake.delete(RESOURCE_EVENTS, KEY)


def test_a_file_of_an_earlier_version_is_the_first_segment(lake: Lake) -> None:
    """It says nowhere where it ends, and may cross a multiple of the block."""
    whole = lake.write(RESOURCE_EVENTS, KEY, rows(range(BLOCK + 500)))
    pl.read_parquet(whole, hive_partitioning=False).write_parquet(whole)
    assert reach(lake.segments(RESOURCE_EVENTS, KEY)) == BLOCK + 500
    append(lake, BLOCK + 500, 2)
    assert ids(lake) == [str(number) for number in range(BLOCK + 502)]
    assert names(lake) == ["part.parquet", f"part-{BLOCK + 500:012d}.parquet"]


def test_a_damaged_segment_is_named(lake: Lake) -> None:
    append(lake, 0, BLOCK + 10)
    second = lake.files(RESOURCE_EVENTS, KEY)[1]
    second.write_bytes(b"no parquet")
    with pytest.raises(LakeError, match="resource_events"):
        lake.read(RESOURCE_EVENTS, KEY)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=LENGTHS, largest=st.integers(60_000, 400_000))
def test_rows_of_long_text_fill_a_segment_before_it_has_all_its_rows(
    lengths: list[int], largest: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A log of documents of 250 kB each was kept in memory, ten thousand of them at once."""
    lake, position = Lake(Layout(tmp_path_factory.mktemp("log"))), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_log, "LARGE", 20_000)
        patch.setattr(event_log, "LARGEST", largest)
        for length in lengths:
            position = append(lake, position, length)
            assert ids(lake) == [str(number) for number in range(position)]
        for segment in lake.segments(RESOURCE_EVENTS, KEY):
            rows_of_one = lake.read_segment(RESOURCE_EVENTS, segment)
            assert segment.size in (0, event_log._size_of(rows_of_one))
            assert event_log._size_of(rows_of_one) < largest + 2 * event_log._size_of(rows(range(900)))
    assert reach(lake.segments(RESOURCE_EVENTS, KEY)) == position


def test_a_segment_whose_text_was_taken_out_is_no_longer_a_large_one(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "LARGE", 20_000)
    append(lake, 0, 300)
    assert [segment.size > 0 for segment in lake.segments(RESOURCE_EVENTS, KEY)] == [True]
    writer = LogWriter(lake, RESOURCE_EVENTS, KEY, 300)
    writer.revise(lambda found: found.head(3), 300)
    writer.publish()
    assert [segment.size for segment in lake.segments(RESOURCE_EVENTS, KEY)] == [0]
