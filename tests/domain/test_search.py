"""A search finds every item once and in order, and makes no more reads at once than the page probably needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.search import Stretch, reads_for, search, stretches
from chalicelib.domain.walk import BEGINNING, Cursor, always, reads_limit
from infra.local.doubles.inline_pool import InlinePool

LAST_ID = 60


class Table:
    """Partitions of ids, of which the multiples of three are wanted. A read ends after `rows` rows."""

    def __init__(self, partitions: list[set[int]], rows: int) -> None:
        self.partitions = partitions
        self.rows = rows
        self.reads: list[Stretch] = []

    def find(self, partition: int, after: int, through: int) -> tuple[list[int], int | None]:
        assert after < through, "DynamoDB refuses an empty range"
        self.reads.append(Stretch(partition, after, through))
        ids = sorted(item for item in self.partitions[partition] if after < item <= through)
        read = ids[: self.rows]
        return [item for item in read if item % 3 == 0], read[-1] if len(read) == self.rows else None

    def page(self, cursor: Cursor, limit: int, ids: int, at_once: int, reads: int) -> tuple[list[int], Cursor | None]:
        unread = stretches(cursor, len(self.partitions), LAST_ID, ids)
        has_time = reads_limit(reads, always)
        return search(self.find, int, unread, limit, has_time, InlinePool(), at_once)


@given(
    partitions=st.lists(st.sets(st.integers(1, LAST_ID)), max_size=4),
    rows=st.integers(1, 10),
    limit=st.integers(1, 10),
    ids=st.integers(1, 2 * LAST_ID),
    at_once=st.integers(1, 8),
    reads=st.integers(1, 20),
)
def test_every_item_is_found_once_and_in_order_for_any_pages_and_reads(
    partitions: list[set[int]], rows: int, limit: int, ids: int, at_once: int, reads: int
) -> None:
    table, found, cursor = Table(partitions, rows), list[int](), BEGINNING
    while cursor is not None:
        page, cursor = table.page(cursor, limit, ids, at_once, reads)
        assert len(page) <= limit
        found += page
    wanted = [item for partition in partitions for item in sorted(partition) if item % 3 == 0]
    assert found == wanted


def test_a_page_makes_its_reads_at_once_and_stops_when_it_is_full() -> None:
    table = Table([set(range(1, 61))], rows=100)
    found, cursor = table.page(BEGINNING, limit=5, ids=10, at_once=2, reads=100)
    assert (found, cursor) == ([3, 6, 9, 12, 15], Cursor(0, 15))
    assert table.reads == [Stretch(0, 0, 10), Stretch(0, 10, 20)]


def test_without_time_a_page_is_short_and_its_cursor_continues() -> None:
    table = Table([set(range(1, 61))], rows=100)
    assert table.page(BEGINNING, limit=50, ids=10, at_once=4, reads=1) == ([3, 6, 9], Cursor(0, 10))
    assert table.page(Cursor(0, 10), limit=50, ids=10, at_once=4, reads=2)[1] == Cursor(0, 30)


def test_as_many_rows_are_read_as_the_counts_say() -> None:
    assert reads_for(51, matching=100, total=10_000, most=8) == (3, 1870)
    assert reads_for(51, matching=1_000, total=10_000, most=8) == (1, 561)
    assert reads_for(101, matching=9_700, total=10_000, most=8) == (1, 500)
    assert reads_for(101, matching=5, total=1_000_000, most=8) == (8, 2500)
    assert reads_for(101, matching=0, total=300, most=8) == (1, 500), "counts that are out of date"
