"""Walks through partitions, page by page: every item is found once, without useless reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.walk import BEGINNING, Cursor, walk

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
