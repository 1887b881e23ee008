"""Walks through partitions, page by page: every item is found once, without useless reads."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.walk import BEGINNING, IDS_A_READ, Cursor, walk, walk_down

PARTITIONS = [[1, 2, 3], [], [4, 5, 6, 7], [8]]


class Reader:
    def __init__(self, partitions: list[list[int]]) -> None:
        self.partitions = partitions
        self.reads = 0

    def __call__(self, partition: int, after: int, limit: int) -> list[int]:
        self.reads += 1
        return [item for item in self.partitions[partition] if item > after][:limit]


def pages(reader: Reader, limit: int, enough: int | None = None) -> list[list[int]]:
    found: list[list[int]] = []
    cursor: Cursor | None = BEGINNING
    while cursor is not None:
        page, cursor = walk(reader, int, len(reader.partitions), cursor, limit, enough=enough)
        found.append(page)
    return found


def test_pages_are_full_across_partitions_and_the_last_one_is_not_empty() -> None:
    assert pages(Reader(PARTITIONS), 4) == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert pages(Reader([[1, 2], [], []]), 2) == [[1, 2]]


def test_a_page_with_enough_items_ends_with_its_partition() -> None:
    reader = Reader(PARTITIONS)
    assert pages(reader, 4, enough=2) == [[1, 2, 3], [4, 5, 6, 7], [8]]
    assert reader.reads == len(PARTITIONS)


@given(
    st.lists(st.integers(0, 7), max_size=9),
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(1, 9)),
)
def test_every_item_is_found_once_and_in_order_for_any_page_size(
    sizes: list[int], limit: int, enough: int | None
) -> None:
    numbers = iter(range(1, 100))
    reader = Reader([[next(numbers) for _ in range(size)] for size in sizes])
    found = pages(reader, limit, enough)
    assert [item for page in found for item in page] == [item for part in reader.partitions for item in part]
    assert all(len(page) <= limit for page in found)


@pytest.mark.parametrize("enough", [None, 1])
def test_an_item_that_is_not_kept_does_not_count_for_the_page(enough: int | None) -> None:
    reader = Reader(PARTITIONS)
    page, _ = walk(reader, int, len(PARTITIONS), BEGINNING, 3, keep=lambda item: item % 2 == 0, enough=enough)
    assert page == ([2] if enough else [2, 4, 6])


class Ids:
    """Items by id, and the ids that were read."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = set(ids)
        self.read: list[int] = []

    def __call__(self, ids: Sequence[int]) -> dict[int, int]:
        assert len(ids) <= IDS_A_READ
        self.read += ids
        return {item_id: item_id for item_id in ids if item_id in self.ids}


@pytest.mark.parametrize("limit", [20, 100, 250])
@pytest.mark.parametrize("number", [1_000, 100_000])
def test_a_page_of_ids_reads_one_row_more_than_it_shows_however_many_there_are(limit: int, number: int) -> None:
    table = Ids(list(range(1, number + 1)))
    found, below = walk_down(table, number + 1, limit)
    assert [item_id for item_id, _ in found] == list(range(number, number - limit, -1))
    assert below == number - limit + 1
    assert len(table.read) == limit + 1


@given(st.lists(st.integers(1, 400), unique=True), st.integers(1, 150))
def test_every_id_is_found_once_and_in_order_for_any_page_size(ids: list[int], limit: int) -> None:
    found, below, reads = [], 401, Ids(ids)
    while below is not None:
        page, below = walk_down(reads, below, limit)
        assert len(page) <= limit
        found += [item_id for item_id, _ in page]
    assert found == sorted(ids, reverse=True)


def test_a_page_with_gaps_reads_a_hundred_ids_at_a_time() -> None:
    table = Ids([1, 2, 1000])
    calls = 0

    def read(ids: Sequence[int]) -> dict[int, int]:
        nonlocal calls
        calls += 1
        return table(ids)

    assert walk_down(read, 1001, 2)[0] == [(1000, 1000), (2, 2)]
    assert calls == 1 + 10


def test_a_page_with_few_items_reads_more_and_more_ids_at_once() -> None:
    sizes = []

    def read(ids: Sequence[int]) -> dict[int, int]:
        sizes.append(len(ids))
        return {item_id: item_id for item_id in ids if item_id == 1}

    assert walk_down(read, 1001, 100, most_at_once=400) == ([(1, 1)], None)
    assert sizes == [100, 100, 200, 400, 200]


def test_a_page_ends_after_five_thousand_ids() -> None:
    assert walk_down(Ids([]), 5_500, 20) == ([], 500)
    assert walk_down(lambda ids: {}, 5_500, 20, most_at_once=800) == ([], 500)
    assert walk_down(Ids([]), 500, 20) == ([], None)
