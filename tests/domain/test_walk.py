from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.walk import MAX_READS, Cursor, walk

partitions = st.lists(st.sets(st.integers(1, 50), max_size=12).map(sorted), min_size=1, max_size=6)


def page(data: list[list[int]], cursor: Cursor, limit: int, odd: bool = False) -> tuple[list[int], Cursor | None]:
    return walk(
        read=lambda index, after, size: [item for item in data[index] if item > after][:size],
        key=lambda item: item,
        partitions=len(data),
        cursor=cursor,
        limit=limit,
        keep=(lambda item: item % 2 == 1) if odd else None,
    )


@given(partitions, st.integers(1, 20), st.booleans())
def test_pages_put_together_are_everything_once_and_in_order(data: list[list[int]], limit: int, odd: bool) -> None:
    cursor: Cursor | None = Cursor()
    found: list[int] = []
    pages = 0
    while cursor is not None:
        items, cursor = page(data, cursor, limit, odd)
        assert len(items) <= limit
        found += items
        pages += 1
        assert pages < 1000
    assert found == [item for part in data for item in part if not odd or item % 2]


@given(partitions, st.integers(1, 20))
def test_without_a_filter_every_page_but_the_last_is_full_and_no_empty_one_follows(
    data: list[list[int]], limit: int
) -> None:
    items, cursor = page(data, Cursor(), limit)
    total = sum(len(part) for part in data)
    assert len(items) == min(limit, total)
    assert (cursor is None) == (total <= limit)


def test_a_page_gives_up_after_its_reads_and_says_where_to_go_on() -> None:
    items, cursor = page([[] for _ in range(MAX_READS + 5)], Cursor(), 10)
    assert (items, cursor) == ([], Cursor(MAX_READS))
